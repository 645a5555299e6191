"""The process's own time, for data that no other process shares: buckets and sessions in memory."""

from __future__ import annotations

import time
from collections.abc import Callable


class LocalClock:
    """The wall clock, read once, plus the monotonic clock since: later steps have no effect.

    Args:
        read_ns: another source of nanoseconds since the epoch, for tests.
    """

    # Without __slots__: Pyright takes a function in one for a method, and so this for no Clock.
    known = True

    def __init__(self, read_ns: Callable[[], int] | None = None) -> None:
        # The functions themselves, as a decision reads the time several times.
        self.monotonic_ns: Callable[[], int] = time.monotonic_ns if read_ns is None else read_ns
        """Reads the monotonic clock, in nanoseconds from any origin."""
        self.wall_ns: Callable[[], int] = time.time_ns if read_ns is None else read_ns
        """Reads the wall clock as it is: it steps, and it goes on in a suspension."""
        self._base_ns = time.time_ns() - time.monotonic_ns() if read_ns is None else 0

    def now_ns(self) -> int:
        """Nanoseconds since the epoch."""
        return self._base_ns + self.monotonic_ns()
