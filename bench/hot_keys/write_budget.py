"""How many writes a second a partition takes."""

from __future__ import annotations

SECOND_NS = 1_000_000_000


class WriteBudget:
    """A bucket of write units that holds a second's worth of them, and is full at the start."""

    __slots__ = ("_last_ns", "_per_second", "_room")

    def __init__(self, per_second: int, now_ns: int) -> None:
        self._per_second = per_second
        # In billionths of a unit: integers, so that nothing drifts.
        self._room = per_second * SECOND_NS
        self._last_ns = now_ns

    def spend(self, units: int, now_ns: int) -> bool:
        """Whether there is so much left; then it is spent."""
        gained = (now_ns - self._last_ns) * self._per_second
        self._room = min(self._per_second * SECOND_NS, self._room + gained)
        self._last_ns = now_ns
        if self._room < units * SECOND_NS:
            return False
        self._room -= units * SECOND_NS
        return True
