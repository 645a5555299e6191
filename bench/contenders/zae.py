"""zae-limiter: token buckets on a table of its own, as shipped."""

from __future__ import annotations

import asyncio
import warnings
from typing import Any

from zae_limiter import Limit, RateLimiter, RateLimitExceeded, Repository

from bench.place import Place, Rate, bucket_due

NAME = "tokens"
RESOURCE = "bench"


class Zae:
    """One repository for the event loop, opened by a first call."""

    is_async = True

    def __init__(self, place: Place) -> None:
        self._place = place
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

    def told(self) -> dict[str, Any]:
        return {}

    async def _opened(self) -> Any:
        self._opening = self._opening or asyncio.Lock()
        async with self._opening:
            if self._limiter is None:
                self._limiter = await _opened(self._place)
            return self._limiter


async def _opened(place: Place) -> Any:
    where: Any = {"region": "us-east-1", "endpoint_url": place.endpoint_url}
    with warnings.catch_warnings():
        # Its open() would provision by CloudFormation, which an emulator of DynamoDB alone lacks.
        warnings.simplefilter("ignore", DeprecationWarning)
        maker = Repository(place.table, **where)
    await maker.create_table()
    await maker.close()
    repository = await Repository.open(stack=place.table, auto_update=False, **where)
    return RateLimiter(repository=repository)


def begin(place: Place) -> Zae:
    """The limiter, to be opened in the event loop."""
    return Zae(place)
