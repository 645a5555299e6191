"""Asyncio's running event loop: find it, wait for a thread, finish what must not be cancelled."""

import asyncio
from collections.abc import Coroutine
from time import monotonic_ns
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from concurrent.futures import Future

T = TypeVar("T")

_UNCANCELLED: set["asyncio.Task[Any]"] = set()
"""The tasks under way: the event loop has only weak references to them."""


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
    """Await a coroutine that must finish: if this task is cancelled, the coroutine continues.

    A cancelled task can't await it itself, for example in a ``finally``: AnyIO cancels each await.
    """
    try:
        task = running_loop().create_task(doing)
    except RuntimeError:
        doing.close()  # a coroutine that nobody awaits would warn of it
        raise
    _UNCANCELLED.add(task)
    task.add_done_callback(_UNCANCELLED.discard)
    return await asyncio.shield(task)


async def wait_until_done(future: "Future[Any]", deadline_ns: int) -> None:
    """Wait until ``future`` is done, also with an exception, or the deadline has passed."""
    waiting = asyncio.wrap_future(future)
    try:
        await asyncio.wait((waiting,), timeout=max(0, deadline_ns - monotonic_ns()) / 1e9)
    finally:
        # The caller reads ``future``. asyncio's copy, which may outlive the loop, is cancelled, or
        # its exception is marked as retrieved.
        if not waiting.cancel() and not waiting.cancelled():
            waiting.exception()
