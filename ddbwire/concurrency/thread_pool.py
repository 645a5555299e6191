"""Blocking calls in threads, at most so many at a time: first come, first served.

Why not a ``ThreadPoolExecutor``: where no thread can be started it raises, and yet keeps the call
for a thread that comes free later. And its threads are waited for at the end of the program.
"""

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from typing import Any, TypeAlias, TypeVar

from ddbwire.concurrency.slots import Acquired, Slots
from ddbwire.concurrency.threads import run, start_thread
from ddbwire.errors import Unreachable

T = TypeVar("T")
_WorkItem: TypeAlias = tuple[Callable[[], Any], "Future[Any]"]


class ThreadPool:
    """Daemon threads, started as there is work and ended when there is none."""

    __slots__ = ("_jobs", "_slots")

    def __init__(self, most: int) -> None:
        """Start none yet, and never more than ``most``."""
        self._slots: Slots[None] = Slots(most)
        self._jobs: deque[_WorkItem] = deque()

    def submit(self, work: Callable[[], T]) -> "Future[T]":
        """Have ``work`` done as soon as a thread is free; until then the future can be cancelled.

        Returns:
            What comes of it; ``Unreachable`` if no thread could be started.
        """
        future: Future[T] = Future()
        job: _WorkItem = (work, future)
        self._jobs.append(job)
        try:
            self._start_one()
        except Unreachable as error:
            # Unless another thread has taken it on meanwhile.
            with suppress(ValueError):
                self._jobs.remove(job)
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
        while self._jobs:
            with suppress(IndexError):
                work, future = self._jobs.popleft()
                if future.set_running_or_notify_cancel():
                    run(work, future)
                del work, future
        if acquired:
            self._slots.release(acquired)
        # A job may have come after the last look, when this thread still counted.
        if self._jobs:
            with suppress(Unreachable):
                self._start_one()
