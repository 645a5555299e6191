"""boto3's bare update_item: plain, in threads, and in asyncio.to_thread."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3
from botocore.config import Config

from bench.contenders.update_item import update_item
from bench.worker.contender import CONNECTIONS, Rate, Target


class Boto3ByHand:
    """One client for all threads."""

    def __init__(self, target: Target) -> None:
        self.is_async = target.style == "asyncio"
        self._table = target.table
        config = Config(max_pool_connections=CONNECTIONS, retries={"total_max_attempts": 1})
        self._client = boto3.client("dynamodb", endpoint_url=target.endpoint_url, config=config)
        self._has_threads = False

    def limiter(self, rate: Rate) -> Any:
        refused = self._client.exceptions.ConditionalCheckFailedException
        call, table = self._client.update_item, self._table

        def admit(key: str) -> bool:
            try:
                call(**update_item(table, key, rate))
            except refused:
                return False
            return True

        async def admit_async(key: str) -> bool:
            if not self._has_threads:
                threads = ThreadPoolExecutor(CONNECTIONS)
                asyncio.get_running_loop().set_default_executor(threads)
                self._has_threads = True
            return await asyncio.to_thread(admit, key)

        return admit_async if self.is_async else admit

    def counters(self) -> dict[str, Any]:
        return {}


def create(target: Target) -> Boto3ByHand:
    """The client."""
    return Boto3ByHand(target)
