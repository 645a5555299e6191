"""Asyncio's running event loop, and waiting on it for what a thread does."""

import asyncio
from time import monotonic_ns
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from concurrent.futures import Future


def running_loop() -> asyncio.AbstractEventLoop:
    """Asyncio's running event loop.

    Raises:
        RuntimeError: there is none, as under trio, with the way out.
    """
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        raise RuntimeError(
            "asyncio's event loop is needed, and none is running here (trio's is another): run the "
            "server on asyncio, or call the blocking methods in a thread (trio.to_thread.run_sync)"
        ) from None


async def wait_until_done(future: "Future[Any]", deadline_ns: int) -> None:
    """Wait until ``future`` is done, whatever it brings, or the deadline has passed."""
    waiting = asyncio.wrap_future(future)
    try:
        await asyncio.wait((waiting,), timeout=max(0, deadline_ns - monotonic_ns()) / 1e9)
    finally:
        # The caller looks at ``future``. asyncio is to know that nobody awaits its copy any more,
        # which may outlive the loop, or that it was looked at.
        if not waiting.cancel() and not waiting.cancelled():
            waiting.exception()
