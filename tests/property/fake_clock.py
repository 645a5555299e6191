"""A clock that stands still until a test moves it."""

from __future__ import annotations


class FakeClock:
    """Call it for nanoseconds since the epoch."""

    def __init__(self, now_ns: int = 1_800_000_000_000_000_000) -> None:
        self.now_ns = now_ns

    def __call__(self) -> int:
        return self.now_ns

    def advance(self, by_ns: int) -> None:
        """Let time pass."""
        self.now_ns += by_ns
