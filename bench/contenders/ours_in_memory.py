"""ratelimit-ddb on a MemoryStore."""

from __future__ import annotations

from typing import Any

from bench.worker.contender import Rate, Target, bucket_due
from ratelimit_ddb import AsyncRateLimiter, Limit, MemoryStore, RateLimiter


class OursInMemory:
    """Options: ``keys`` that the store may hold, ``limits`` on each key."""

    def __init__(self, target: Target) -> None:
        self.is_async = target.style == "asyncio"
        self._store = MemoryStore(max_keys=max(100_000, target.options.get("keys", 0)))
        self._limits = target.options.get("limits", 1)

    def limiter(self, rate: Rate) -> Any:
        limits = [
            Limit(rate.quantity, rate.period_seconds, rate.burst, name=f"l{number}")
            for number in range(self._limits)
        ]
        if self.is_async:
            acquire_async = AsyncRateLimiter(self._store, limits).acquire

            async def admit_async(key: str) -> bool:
                return (await acquire_async(key)).allowed

            return admit_async
        acquire = RateLimiter(self._store, limits).acquire

        def admit(key: str) -> bool:
            return acquire(key).allowed

        return admit

    def due(self, rate: Rate, seconds: float) -> float:
        return bucket_due(rate, seconds)

    def counters(self) -> dict[str, Any]:
        return {}


def create(target: Target) -> OursInMemory:
    """The limiter."""
    return OursInMemory(target)
