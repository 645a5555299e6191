"""Simulated time: tasks that sleep, woken in the order of their instants and in no other.

A task is a generator that yields how long it wants to sleep. Whatever it does between two yields
happens at one instant, alone; every other task may come in at every yield.
"""

from __future__ import annotations

from collections.abc import Generator
from heapq import heappop, heappush

Task = Generator[int, None, None]


class Scheduler:
    """True time, and the tasks that wait for their turn in it."""

    __slots__ = ("_sequence", "_sleeping", "now_ns")

    def __init__(self, start_ns: int) -> None:
        self.now_ns = start_ns
        self._sleeping: list[tuple[int, int, Task]] = []
        self._sequence = 0

    def start(self, task: Task, delay_ns: int = 0) -> None:
        """Begin a task after a while."""
        self._sequence += 1
        heappush(self._sleeping, (self.now_ns + delay_ns, self._sequence, task))

    def run(self) -> None:
        """Let all tasks run to their end."""
        sleeping = self._sleeping
        while sleeping:
            self.now_ns, _, task = heappop(sleeping)
            try:
                delay_ns = next(task)
            except StopIteration:
                continue
            self.start(task, delay_ns)
