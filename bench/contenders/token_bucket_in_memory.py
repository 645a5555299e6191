"""token-bucket, in memory. It takes no lock, as its own comments say."""

from __future__ import annotations

from typing import Any

from token_bucket import Limiter, MemoryStorage

from bench.worker.contender import Rate, Target, bucket_due


class TokenBucket:
    """A storage for each rate: its buckets know no limit of their own."""

    is_async = False

    def limiter(self, rate: Rate) -> Any:
        per_second = rate.quantity / rate.period_seconds
        return Limiter(per_second, rate.capacity, MemoryStorage()).consume

    def due(self, rate: Rate, seconds: float) -> float:
        return bucket_due(rate, seconds)

    def counters(self) -> dict[str, Any]:
        return {}


def create(target: Target) -> TokenBucket:
    """Nothing is shared."""
    return TokenBucket()
