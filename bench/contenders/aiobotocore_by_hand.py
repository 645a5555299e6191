"""aiobotocore's bare update_item."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import Any

from aiobotocore.config import AioConfig
from aiobotocore.session import get_session

from bench.contenders.update_item import update_item
from bench.worker.contender import CONNECTIONS, Rate, Target


class AiobotocoreByHand:
    """One client for the event loop, opened by its first call."""

    is_async = True

    def __init__(self, target: Target) -> None:
        self._target = target
        self._open = AsyncExitStack()
        self._client: Any = None

    def limiter(self, rate: Rate) -> Any:
        table = self._target.table

        async def admit(key: str) -> bool:
            client = self._client or await self._opened()
            try:
                await client.update_item(**update_item(table, key, rate))
            except client.exceptions.ConditionalCheckFailedException:
                return False
            return True

        return admit

    def counters(self) -> dict[str, Any]:
        return {}

    async def _opened(self) -> Any:
        config = AioConfig(max_pool_connections=CONNECTIONS, retries={"total_max_attempts": 1})
        client = await self._open.enter_async_context(
            get_session().create_client(
                "dynamodb", endpoint_url=self._target.endpoint_url, config=config
            )
        )
        # Of several first calls at once, one client is kept.
        self._client = self._client or client
        return self._client


def create(target: Target) -> AiobotocoreByHand:
    """The client, to be opened in the event loop."""
    return AiobotocoreByHand(target)
