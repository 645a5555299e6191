"""The process's own time, for buckets that no other process shares."""

from __future__ import annotations

import time
from collections.abc import Callable


class LocalClock:
    """The wall clock, read once, and the monotonic clock since: no step of it moves a bucket.

    Args:
        read_ns: another source of nanoseconds since the epoch, for tests.
    """

    __slots__ = ("_anchor_ns", "now_ns")

    known = True

    def __init__(self, read_ns: Callable[[], int] | None = None) -> None:
        self._anchor_ns = time.time_ns() - time.monotonic_ns()
        self.now_ns: Callable[[], int] = read_ns or self._since_anchor_ns

    def _since_anchor_ns(self) -> int:
        return self._anchor_ns + time.monotonic_ns()
