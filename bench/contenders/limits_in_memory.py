"""limits, in memory: the style is the strategy, ``fixed-window`` or ``moving-window``."""

from __future__ import annotations

from typing import Any

from limits import RateLimitItemPerSecond
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter, MovingWindowRateLimiter

from bench.worker.contender import Rate, Target, window_due

STRATEGIES: dict[str, Any] = {
    "fixed-window": FixedWindowRateLimiter,
    "moving-window": MovingWindowRateLimiter,
}


class Limits:
    """One storage for all limits."""

    is_async = False

    def __init__(self, target: Target) -> None:
        self._strategy = STRATEGIES[target.style](MemoryStorage())

    def limiter(self, rate: Rate) -> Any:
        item = RateLimitItemPerSecond(rate.quantity, rate.period_seconds)
        hit = self._strategy.hit

        def admit(key: str) -> bool:
            return bool(hit(item, key))

        return admit

    def due(self, rate: Rate, seconds: float) -> float:
        return window_due(rate, seconds)

    def counters(self) -> dict[str, Any]:
        return {}


def create(target: Target) -> Limits:
    """The strategy."""
    return Limits(target)
