"""Warns of blocking calls in a thread that runs an asyncio event loop, which stop all its tasks."""

from __future__ import annotations

import warnings


def warn_of_blocking(stacklevel: int) -> None:
    """Warn of a blocking call to a table in an event loop."""
    warnings.warn(
        "a blocking limiter was called in an event loop, which can't run other tasks until the "
        "table answers: await a method of AsyncRateLimiter or AsyncConcurrencyLimiter, or call it "
        "in a thread",
        RuntimeWarning,
        stacklevel=stacklevel + 1,
    )
