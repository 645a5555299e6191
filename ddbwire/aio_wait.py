"""Waiting on an event loop for what is done in a thread."""

import asyncio
from time import monotonic_ns
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from concurrent.futures import Future


async def until_done(future: "Future[Any]", deadline_ns: int) -> None:
    """Wait until ``future`` is done, whatever it brings, or the deadline has passed."""
    waiting = asyncio.wrap_future(future)
    try:
        await asyncio.wait((waiting,), timeout=max(0, deadline_ns - monotonic_ns()) / 1e9)
    finally:
        # The caller looks at ``future``. asyncio is to know that nobody awaits its copy any more,
        # which may outlive the loop, or that it was looked at.
        if not waiting.cancel() and not waiting.cancelled():
            waiting.exception()
