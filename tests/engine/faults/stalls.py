"""For how long this process stood still: suspended, or waiting for a core."""

from __future__ import annotations

import select
import threading
from time import monotonic_ns

_BEAT_NS = 5_000_000
_NORMAL_NS = 6_000_000
"""How late a beat may be without meaning anything: Python's threads take turns of 5 ms."""


class Stalls:
    """A thread that looks how late it wakes up, all the time.

    What a call took, less what the process stood still meanwhile, is what the call is to blame for.
    """

    def __init__(self) -> None:
        self._total_ns = 0
        self._beat_ns = monotonic_ns()
        threading.Thread(target=self._run, daemon=True).start()

    def total_ns(self) -> int:
        """Since the start, with what goes on just now."""
        late_ns = monotonic_ns() - self._beat_ns - _BEAT_NS
        return self._total_ns + (late_ns if late_ns > _NORMAL_NS else 0)

    def _run(self) -> None:
        while True:
            select.select([], [], [], _BEAT_NS / 1e9)
            late_ns = monotonic_ns() - self._beat_ns - _BEAT_NS
            if late_ns > _NORMAL_NS:
                self._total_ns += late_ns
            self._beat_ns = monotonic_ns()
