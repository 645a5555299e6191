"""The pace: how soon this process may write to a key again, so that all together stay in bounds.

A partition takes 1,000 writes a second (AWS: "Best practices for designing and using partition
keys effectively"), and one key is one item on one partition. Beyond that the table throttles the
key. Nobody knows how many processes there are, but everybody sees how many takes all of them
have applied, since the item counts them (``writes``). So each process, by itself:

- estimates the writes of all: the counter's rate, and as many refused ones as are usual among its
  own;
- while they stay below 870 a second, is not paced at all;
- beyond, and when the key is throttled, lowers its own writes a second by a factor, and raises
  them by an addend as long as there is room: additive increase, multiplicative decrease, by which
  shares even out (Chiu and Jain, 1989; TCP does it). Gaps are jittered by a quarter.

A dry write, which found no token, is followed by a pause of its own, on keys that are leased or
paced: others get their turn. On all other keys ``seen`` tells exactly when the next token is due.
"""

from __future__ import annotations

import random
from collections.abc import Callable

MOST_WRITES_PER_SECOND = 870.0
"""By all processes together, to one key."""

_SECOND_NS = 1_000_000_000
_UNPACED = float("inf")
_MEASURED_OVER_NS = 100_000_000
_LONGEST_GAP_SECONDS = 2.0
_FREE_PER_SECOND = 170.0
"""A process that may write so often is not paced any more."""
_THROTTLED_AT_MOST_PER_SECOND = 60.0
_LESS_WHEN_THROTTLED = 0.6
_RISE = 4.0
_FLOOD_WRITES = 400
"""So many writes in less than 100 ms are a flood, of which the estimate need not wait for more."""
_FLOOD_OVER_NS = 5_000_000
_FIRST_PAUSE_NS = 10_000_000
_LONGEST_PAUSE_NS = 150_000_000
_PAUSE_GROWTH = 1.6


class Pace:
    """The pace of one process's writes to one key.

    Attributes:
        next_write_ns: not before this instant of the monotonic clock.
        is_dry: whether the last write found no token, and the pause after it is not over.
        is_throttled: whether the table throttled the last write.
        allowed_per_second: this process's writes a second; infinite while it is not paced.
    """

    __slots__ = (
        "_own",
        "_pause_ns",
        "_random",
        "_refused",
        "_since_ns",
        "_writes",
        "allowed_per_second",
        "is_dry",
        "is_throttled",
        "next_write_ns",
    )

    def __init__(self, random_float: Callable[[], float] = random.random) -> None:
        self._random = random_float
        self.next_write_ns = 0
        self.is_dry = False
        self.is_throttled = False
        self.allowed_per_second = _UNPACED
        self._pause_ns = 0
        self._refused = 0.0
        self._writes: int | None = None
        self._since_ns = 0
        self._own = 0

    @property
    def is_paced(self) -> bool:
        """Whether there are gaps between this process's writes."""
        return self.allowed_per_second < _UNPACED

    @property
    def gap_ns(self) -> int:
        """How far apart the writes are."""
        if self.allowed_per_second == _UNPACED:
            return 0
        return int(min(_LONGEST_GAP_SECONDS, 1 / self.allowed_per_second) * _SECOND_NS)

    def wrote(self, monotonic_ns: int, writes: int, *, applied: bool) -> None:
        """Note one write, and what the item's counter says."""
        self.is_throttled = False
        self._own += 1
        self._refused = 0.8 * self._refused + (0.0 if applied else 0.2)
        if self._writes is None or writes < self._writes:
            self._start_measuring(monotonic_ns, writes)
        else:
            passed_ns, more = monotonic_ns - self._since_ns, writes - self._writes
            if passed_ns >= max(_MEASURED_OVER_NS, 2 * self.gap_ns) or (
                not self.is_paced and more >= _FLOOD_WRITES and passed_ns >= _FLOOD_OVER_NS
            ):
                self._adapt(passed_ns / _SECOND_NS, more)
                self._start_measuring(monotonic_ns, writes)
        self._schedule(monotonic_ns)

    def measure_anew(self) -> None:
        """Forget what was measured, as the first lease changes how often this process writes."""
        self._writes = None

    def found(self, tokens: bool, monotonic_ns: int, due_ns: int, *, shares: bool) -> None:
        """Note whether a write found tokens.

        Args:
            tokens: whether it did.
            monotonic_ns: now.
            due_ns: in how many nanoseconds the next token is due.
            shares: whether the key is leased or paced, so that others should get their turn.
        """
        self.is_dry = not tokens and shares
        if tokens:
            self._pause_ns = 0
        elif shares:
            grown_ns = int(self._pause_ns * _PAUSE_GROWTH)
            self._pause_ns = min(_LONGEST_PAUSE_NS, max(self.gap_ns, _FIRST_PAUSE_NS, grown_ns))
            pause_ns = int(self._pause_ns * self._random())
            self.next_write_ns = max(self.next_write_ns, monotonic_ns + due_ns) + pause_ns

    def throttled(self, monotonic_ns: int) -> None:
        """Note that the table throttled the key: widen the gap."""
        self.is_throttled = True
        allowed = min(self.allowed_per_second, _THROTTLED_AT_MOST_PER_SECOND)
        self.allowed_per_second = max(1 / _LONGEST_GAP_SECONDS, allowed * _LESS_WHEN_THROTTLED)
        self._schedule(monotonic_ns)

    def _start_measuring(self, monotonic_ns: int, writes: int) -> None:
        self._writes, self._since_ns, self._own = writes, monotonic_ns, 0

    def _adapt(self, seconds: float, applied: int) -> None:
        total = applied / seconds / max(0.1, 1 - self._refused)
        own = self._own / seconds
        allowed = self.allowed_per_second
        over = (total - MOST_WRITES_PER_SECOND) / MOST_WRITES_PER_SECOND
        if over > 0:
            least = 1 / _LONGEST_GAP_SECONDS
            # Far beyond, each one's share of what there is; near it, half the excess.
            factor = 1 / (1 + over) if over > 1 else 1 - 0.5 * over
            # Only who is not paced yet begins with what it wrote: in a gap or two that is chance.
            self.allowed_per_second = max(least, (allowed if self.is_paced else own) * factor)
        elif allowed < _UNPACED:
            allowed += max(1.0, 0.05 * allowed) * min(1.0, seconds) * _RISE * -over
            self.allowed_per_second = _UNPACED if allowed > _FREE_PER_SECOND else allowed

    def _schedule(self, monotonic_ns: int) -> None:
        gap_ns = self.gap_ns
        self.next_write_ns = monotonic_ns + int(gap_ns * (0.75 + 0.5 * self._random()))
