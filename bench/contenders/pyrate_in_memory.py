"""pyrate-limiter, in memory: a bucket (a log of what was admitted) for each key, by a factory."""

from __future__ import annotations

from typing import Any

from pyrate_limiter import BucketFactory, InMemoryBucket, Limiter
from pyrate_limiter import Rate as PyrateRate
from pyrate_limiter.abstracts import AbstractBucket, RateItem
from pyrate_limiter.clocks import MonotonicClock

from bench.worker.contender import Rate, Target, window_due


class BucketOfKey(BucketFactory):
    """What its documentation has users write, for it has one bucket for all keys otherwise."""

    def __init__(self, rate: PyrateRate) -> None:
        self._rate = rate
        self._clock = MonotonicClock()
        self._buckets: dict[str, AbstractBucket] = {}

    def wrap_item(self, name: str, weight: int = 1) -> RateItem:
        return RateItem(name, self._clock.now(), weight=weight)

    def get(self, item: RateItem) -> AbstractBucket:
        bucket = self._buckets.get(item.name)
        if bucket is None:
            bucket = self._buckets[item.name] = self.create(InMemoryBucket, [self._rate])
        return bucket


class Pyrate:
    """A limiter for each rate."""

    is_async = False

    def limiter(self, rate: Rate) -> Any:
        factory = BucketOfKey(PyrateRate(rate.quantity, rate.period_seconds * 1_000))
        acquire = Limiter(factory).try_acquire

        def admit(key: str) -> bool:
            return bool(acquire(key, blocking=False))

        return admit

    def due(self, rate: Rate, seconds: float) -> float:
        return window_due(rate, seconds)

    def counters(self) -> dict[str, Any]:
        return {}


def create(target: Target) -> Pyrate:
    """Nothing is shared."""
    return Pyrate()
