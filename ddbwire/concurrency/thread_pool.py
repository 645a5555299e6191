"""A limited pool of daemon threads that do work in the order of submission.

A ``ThreadPoolExecutor`` does not do: if no thread can be started it raises, but keeps the work for
a thread that becomes free later; and the interpreter waits for its threads at exit.
"""

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from typing import Any, TypeAlias, TypeVar

from ddbwire.concurrency.slots import Acquired, Slots
from ddbwire.concurrency.threads import do_work, start_thread
from ddbwire.errors import Unreachable

T = TypeVar("T")
_WorkItem: TypeAlias = tuple[Callable[[], Any], "Future[Any]"]


class ThreadPool:
    """Threads are started when there is work and end when there is none."""

    __slots__ = ("_queue", "_slots")

    def __init__(self, max_threads: int) -> None:
        """Start no thread yet, and never more than ``max_threads``."""
        self._slots: Slots[None] = Slots(max_threads)
        self._queue: deque[_WorkItem] = deque()

    def submit(self, work: Callable[[], T]) -> "Future[T]":
        """Do ``work`` as soon as a thread is free; until then the future can be cancelled.

        Returns:
            Its result or exception; ``Unreachable`` if no thread could be started.
        """
        future: Future[T] = Future()
        item: _WorkItem = (work, future)
        self._queue.append(item)
        try:
            self._start_one()
        except Unreachable as error:
            # Another thread may have taken the work meanwhile.
            with suppress(ValueError):
                self._queue.remove(item)
                future.set_exception(error)
        return future

    def _start_one(self) -> None:
        """Start a thread if there may be one more."""
        acquired: Acquired[None] = []
        started = False
        try:
            if self._slots.acquire(acquired):
                start_thread(self._work, acquired)
                started = True
        finally:
            if acquired and not started:
                self._slots.release(acquired)

    def _work(self, acquired: Acquired[None]) -> None:
        while self._queue:
            with suppress(IndexError):
                work, future = self._queue.popleft()
                if future.set_running_or_notify_cancel():
                    do_work(work, future)
                del work, future
        if acquired:
            self._slots.release(acquired)
        # Work may have been queued after the last check, while this thread still counted.
        if self._queue:
            with suppress(Unreachable):
                self._start_one()
