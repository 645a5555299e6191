"""The process's own time, for what no other process shares: buckets and sessions in memory."""

from __future__ import annotations

import time
from collections.abc import Callable


class LocalClock:
    """The wall clock, read once, and the monotonic clock since: later steps of it change nothing.

    Args:
        read_ns: another source of nanoseconds since the epoch, for tests.
    """

    __slots__ = ("_base_ns", "_read_ns", "_wall_ns")

    known = True

    def __init__(self, read_ns: Callable[[], int] | None = None) -> None:
        self._read_ns = time.monotonic_ns if read_ns is None else read_ns
        self._base_ns = time.time_ns() - time.monotonic_ns() if read_ns is None else 0
        self._wall_ns = time.time_ns if read_ns is None else read_ns

    def now_ns(self) -> int:
        """Nanoseconds since the epoch."""
        return self._base_ns + self._read_ns()

    def monotonic_ns(self) -> int:
        """The monotonic clock, in nanoseconds from any origin."""
        return self._read_ns()

    def wall_ns(self) -> int:
        """The wall clock as it is: it steps, and it goes on in a suspension."""
        return self._wall_ns()
