"""Waits, blocking and in an event loop, for what another thread or task does.

One waker serves one run of a driver. Any thread may wake it, more than once, and after the wait has
ended.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from time import monotonic_ns

from ratelimit_ddb.operations.operation import Wait

_LONGEST_NS = 60_000_000_000


class BlockingWaker:
    """Blocks its thread."""

    __slots__ = ("_lock",)

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lock.acquire()

    def wake(self) -> None:
        """End the wait."""
        try:
            self._lock.release()
        except RuntimeError:
            return  # it was woken before, and has not waited since

    def wait(self, wait: Wait, deadline_ns: int) -> bool:
        """Carry out a Wait; see there."""
        remaining_ns = _remaining_ns(wait, deadline_ns, self.wake)
        if remaining_ns > 0:
            self._lock.acquire(timeout=remaining_ns / 1e9)
        return monotonic_ns() < deadline_ns


class LoopWaker:
    """Suspends its task.

    Raises:
        RuntimeError: no event loop of asyncio's is running.
    """

    __slots__ = ("_future", "_loop", "_thread")

    def __init__(self) -> None:
        from ddbwire.concurrency.event_loop import running_loop

        self._loop = running_loop()
        self._thread = threading.get_ident()
        self._future = self._loop.create_future()

    def wake(self) -> None:
        """End the wait."""
        try:
            if threading.get_ident() == self._thread:
                self._end()
            else:
                self._loop.call_soon_threadsafe(self._end)
        except RuntimeError:
            return  # the loop was closed, and its tasks with it

    async def wait(self, wait: Wait, deadline_ns: int) -> bool:
        """Carry out a Wait; see there."""
        if self._future.done():
            self._future = self._loop.create_future()
        remaining_ns = _remaining_ns(wait, deadline_ns, self.wake)
        if remaining_ns > 0:
            timer = self._loop.call_later(remaining_ns / 1e9, self._end)
            try:
                await self._future
            finally:
                timer.cancel()
        return monotonic_ns() < deadline_ns

    def _end(self) -> None:
        if not self._future.done():
            self._future.set_result(None)


def _remaining_ns(wait: Wait, deadline_ns: int, wake: Callable[[], None]) -> int:
    """The longest wait; 0 if it is served already."""
    wait.awaited.attach(wake)
    if wait.awaited.served:
        return 0
    remaining_ns = min(deadline_ns - monotonic_ns(), _LONGEST_NS)
    return remaining_ns if wait.most_ns is None else min(remaining_ns, wait.most_ns)
