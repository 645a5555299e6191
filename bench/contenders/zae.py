"""zae-limiter: token buckets on a table of its own, as shipped."""

from __future__ import annotations

import asyncio
import warnings
from typing import Any

from zae_limiter import Limit, RateLimiter, RateLimitExceeded, Repository

from bench.worker.contender import Rate, Target, bucket_due

NAME = "tokens"
RESOURCE = "bench"


class Zae:
    """One repository for the event loop, opened by a first call."""

    is_async = True

    def __init__(self, target: Target) -> None:
        self._target = target
        self._limiter: Any = None
        self._opening: asyncio.Lock | None = None

    def limiter(self, rate: Rate) -> Any:
        limit = Limit(
            name=NAME,
            capacity=rate.capacity,
            refill_amount=rate.quantity,
            refill_period_seconds=rate.period_seconds,
        )
        limits, consume = [limit], {NAME: 1}

        async def admit(key: str) -> bool:
            limiter = self._limiter or await self._opened()
            try:
                async with limiter.acquire(
                    entity_id=key, resource=RESOURCE, limits=limits, consume=consume
                ):
                    return True
            except RateLimitExceeded:
                return False

        return admit

    def due(self, rate: Rate, seconds: float) -> float:
        return bucket_due(rate, seconds)

    def counters(self) -> dict[str, Any]:
        return {}

    async def _opened(self) -> Any:
        self._opening = self._opening or asyncio.Lock()
        async with self._opening:
            if self._limiter is None:
                self._limiter = await _opened(self._target)
            return self._limiter


async def _opened(target: Target) -> Any:
    where: Any = {"region": "us-east-1", "endpoint_url": target.endpoint_url}
    with warnings.catch_warnings():
        # Its open() would provision by CloudFormation, which an emulator of DynamoDB alone lacks.
        warnings.simplefilter("ignore", DeprecationWarning)
        maker = Repository(target.table, **where)
    await maker.create_table()
    await maker.close()
    repository = await Repository.open(stack=target.table, auto_update=False, **where)
    return RateLimiter(repository=repository)


def create(target: Target) -> Zae:
    """The limiter, to be opened in the event loop."""
    return Zae(target)
