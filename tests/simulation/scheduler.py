"""Simulated time: tasks that sleep, woken in the order of their instants and in no other.

A task is a generator that yields how long it wants to sleep, or a function that is called once and
says whether it wants to be called again. Whatever it does between two sleeps happens at one
instant, alone; every other task may come in while it sleeps.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator
from heapq import heappop, heappush

Task = Generator[int, None, None]
Call = Callable[[], int | None]
"""Returns how long to sleep until it is called again; None for never."""


class Scheduler:
    """True time, and the tasks that wait for their turn in it."""

    __slots__ = ("_ready", "_sequence", "_sleeping", "now_ns")

    def __init__(self, start_ns: int) -> None:
        self.now_ns = start_ns
        # What is to be called at this instant comes after all that was to be, and is not sorted.
        self._ready: deque[Call] = deque()
        self._sleeping: list[tuple[int, int, Call]] = []
        self._sequence = 0

    def start(self, task: Task, delay_ns: int = 0) -> None:
        """Begin a task after a while."""
        self.call(task.__next__, delay_ns)

    def call(self, call: Call, delay_ns: int = 0) -> None:
        """Call a function after a while, and again for as long as it says when."""
        if delay_ns:
            self._sequence += 1
            heappush(self._sleeping, (self.now_ns + delay_ns, self._sequence, call))
        else:
            self._ready.append(call)

    def run(self) -> None:
        """Let all tasks run to their end."""
        ready, sleeping = self._ready, self._sleeping
        while ready or sleeping:
            if ready and not (sleeping and sleeping[0][0] == self.now_ns):
                call = ready.popleft()
            else:
                self.now_ns, _, call = heappop(sleeping)
            try:
                delay_ns = call()
            except StopIteration:
                continue
            if delay_ns:
                self._sequence += 1
                heappush(sleeping, (self.now_ns + delay_ns, self._sequence, call))
            elif delay_ns is not None:
                ready.append(call)
