"""Blocking calls in threads, at most so many at a time: first come, first served.

Why not a ``ThreadPoolExecutor``: where no thread can be started it raises, and yet keeps the call
for a thread that comes free later. And its threads are waited for at the end of the program.
"""

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from typing import Any, TypeAlias, TypeVar

from ddbwire.concurrency.slots import Hand, Slots
from ddbwire.concurrency.threads import run, start_thread
from ddbwire.errors import Unreachable

T = TypeVar("T")
_Job: TypeAlias = tuple[Callable[[], Any], "Future[Any]"]


class Workers:
    """Daemon threads, started as there is work and ended when there is none."""

    __slots__ = ("_jobs", "_slots")

    def __init__(self, most: int) -> None:
        """Start none yet, and never more than ``most``."""
        self._slots: Slots[None] = Slots(most)
        self._jobs: deque[_Job] = deque()

    def submit(self, work: Callable[[], T]) -> "Future[T]":
        """Have ``work`` done as soon as a thread is free; until then the future can be cancelled.

        Returns:
            What comes of it; ``Unreachable`` if no thread could be started.
        """
        future: Future[T] = Future()
        job: _Job = (work, future)
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
        hand: Hand[None] = []
        started = False
        try:
            if self._slots.take(hand):
                start_thread(self._work, hand)
                started = True
        finally:
            if hand and not started:
                self._slots.give_back(hand)

    def _work(self, hand: Hand[None]) -> None:
        while self._jobs:
            with suppress(IndexError):
                work, future = self._jobs.popleft()
                if future.set_running_or_notify_cancel():
                    run(work, future)
                del work, future
        if hand:
            self._slots.give_back(hand)
        # A job may have come after the last look, when this thread still counted.
        if self._jobs:
            with suppress(Unreachable):
                self._start_one()
