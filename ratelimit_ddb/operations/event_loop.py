"""Whether asyncio's event loop runs in this thread: a call that blocks stops all its tasks."""

from __future__ import annotations

import sys
import warnings


def in_event_loop() -> bool:
    """Whether this thread runs asyncio's event loop. It does not import asyncio."""
    events = sys.modules.get("asyncio.events")
    return events is not None and events._get_running_loop() is not None


def warn_of_blocking(stacklevel: int) -> None:
    """Warn whoever waits for a table in an event loop, which other requests wait for too."""
    warnings.warn(
        "a limiter that blocks was called in an event loop, which stands still until the table "
        "answers: await the method of an AsyncRateLimiter or AsyncConcurrencyLimiter, or call it "
        "in a thread",
        RuntimeWarning,
        stacklevel=stacklevel + 1,
    )
