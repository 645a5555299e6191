"""Time that a test sets."""

from __future__ import annotations

import math

from ratelimit_ddb.limit import SECOND_NS


class FakeClock:
    """Nanoseconds since the epoch, for ``clock=`` of a store; stands still until told."""

    def __init__(self, now_ns: int = 1_800_000_000 * SECOND_NS) -> None:
        self.now_ns = now_ns

    def __call__(self) -> int:
        return self.now_ns

    def advance(self, seconds: float) -> None:
        """Move on, rounding up to a whole nanosecond."""
        self.now_ns += math.ceil(round(seconds * SECOND_NS, 3))

    def advance_ns(self, nanoseconds: int) -> None:
        """Move on, or back."""
        self.now_ns += nanoseconds
