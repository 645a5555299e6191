"""ratelimit-ddb on a table."""

from __future__ import annotations

from collections import Counter
from typing import Any

from bench.worker.contender import CONNECTIONS, Rate, Target, bucket_due
from ratelimit_ddb import AsyncRateLimiter, DynamoDBStore, Limit, RateLimiter

DEADLINE_SECONDS = 10.0
"""Longer than an application would wait: an emulator with a hundred requests at once is slow."""


class Ours:
    """Options: ``limits`` on each key, ``count`` calls and units; ``limiter``, arguments of it."""

    def __init__(self, target: Target) -> None:
        self.is_async = target.style == "asyncio"
        self._calls: Counter[str] = Counter()
        self._store = DynamoDBStore(
            target.table,
            endpoint_url=target.endpoint_url,
            max_connections=CONNECTIONS,
            on_call=self._count if target.options.get("count") else None,
        )
        self._limits = target.options.get("limits", 1)
        self._options: dict[str, Any] = {
            "on_outage": "raise",
            "deadline": DEADLINE_SECONDS,
            **target.options.get("limiter", {}),
        }
        self._store.warm_up()

    def limiter(self, rate: Rate) -> Any:
        limits = [
            Limit(rate.quantity, rate.period_seconds, rate.burst, name=f"l{number}")
            for number in range(self._limits)
        ]
        if self.is_async:
            acquire_async = AsyncRateLimiter(self._store, limits, **self._options).acquire

            async def admit_async(key: str) -> bool:
                return (await acquire_async(key)).allowed

            return admit_async
        acquire = RateLimiter(self._store, limits, **self._options).acquire

        def admit(key: str) -> bool:
            return acquire(key).allowed

        return admit

    def due(self, rate: Rate, seconds: float) -> float:
        return bucket_due(rate, seconds)

    def counters(self) -> dict[str, Any]:
        return dict(self._calls)

    def _count(self, call: Any) -> None:
        self._calls["refused" if call.refused else "applied"] += 1


def create(target: Target) -> Ours:
    """The limiter, warmed up."""
    return Ours(target)
