"""throttled-py, in memory: the style is its algorithm, such as ``token_bucket`` or ``gcra``."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from throttled import MemoryStore, Throttled, rate_limiter

from bench.worker.contender import Rate, Target, bucket_due

MOST_KEYS = 2_000_000
"""Its own default of 1,024 would forget keys in the middle of a measurement."""


class ThrottledInMemory:
    """One store for all limits."""

    is_async = False

    def __init__(self, target: Target) -> None:
        self._using = target.style
        self._store = MemoryStore(options={"MAX_SIZE": MOST_KEYS})

    def limiter(self, rate: Rate) -> Any:
        period = timedelta(seconds=rate.period_seconds)
        quota = rate_limiter.per_duration(period, rate.quantity, burst=rate.capacity)
        limit = Throttled(using=self._using, quota=quota, store=self._store).limit

        def admit(key: str) -> bool:
            return not limit(key).limited

        return admit

    def due(self, rate: Rate, seconds: float) -> float:
        return bucket_due(rate, seconds)

    def counters(self) -> dict[str, Any]:
        return {}


def create(target: Target) -> ThrottledInMemory:
    """The store."""
    return ThrottledInMemory(target)
