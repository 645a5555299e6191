"""How many tokens of a key this process is asked for a second, and how many it admits."""

from __future__ import annotations

_MEASURED_OVER_NS = 100_000_000
_SUDDEN = 8
_SUDDEN_NS = 10_000_000
"""A key that is asked for so many tokens in so short a time is measured at once."""
_STALE_NS = 1_000_000_000
_SECOND_NS = 1_000_000_000


class Demand:
    """Two rates of one key, each a running mean of measurements over 100 ms.

    Attributes:
        offered_per_second: tokens that were asked for.
        admitted_per_second: tokens that were admitted.
        offered, admitted: tokens since the last measurement; the callers count them here.
    """

    __slots__ = ("_since_ns", "admitted", "admitted_per_second", "offered", "offered_per_second")

    def __init__(self, monotonic_ns: int) -> None:
        self.offered = 0
        self.admitted = 0
        self.offered_per_second = 0.0
        self.admitted_per_second = 0.0
        self._since_ns = monotonic_ns

    def measure(self, monotonic_ns: int) -> None:
        """Measure if the last measurement is 100 ms ago, or if a flood has just begun."""
        passed_ns = monotonic_ns - self._since_ns
        if passed_ns < _MEASURED_OVER_NS and not (
            self.offered >= _SUDDEN and passed_ns >= _SUDDEN_NS and not self.offered_per_second
        ):
            return
        offered = self.offered * _SECOND_NS / passed_ns
        admitted = self.admitted * _SECOND_NS / passed_ns
        # A mean with an old measurement would hide that the key was quiet.
        fresh = not self.offered_per_second or passed_ns > _STALE_NS
        self.offered_per_second = offered if fresh else (self.offered_per_second + offered) / 2
        self.admitted_per_second = admitted if fresh else (self.admitted_per_second + admitted) / 2
        self.offered = self.admitted = 0
        self._since_ns = monotonic_ns
