"""Asyncio's running event loop, waiting on it for what a thread does, and what must be done."""

import asyncio
from collections.abc import Coroutine
from time import monotonic_ns
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from concurrent.futures import Future

T = TypeVar("T")

_UNCANCELLED: set["asyncio.Task[Any]"] = set()
"""Those under way: the event loop itself holds its tasks only weakly."""


def running_loop() -> asyncio.AbstractEventLoop:
    """Asyncio's running event loop.

    Raises:
        RuntimeError: there is none, as under trio, with the way out.
    """
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        raise RuntimeError(
            "no asyncio event loop is running here (trio's does not count): run the server on "
            "asyncio, or call the blocking methods in a thread (trio.to_thread.run_sync)"
        ) from None


async def uncancelled(doing: Coroutine[Any, Any, T]) -> T:
    """Await what must be done to its end: where the task is cancelled, it goes on without it.

    A cancelled task can't do it by itself, as in a ``finally``: AnyIO cancels it at each await.
    """
    task = running_loop().create_task(doing)
    _UNCANCELLED.add(task)
    task.add_done_callback(_UNCANCELLED.discard)
    return await asyncio.shield(task)


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
