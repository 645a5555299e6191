"""The pace: how soon this process may write to a key again, so that all together stay in bounds.

A partition takes 1,000 writes a second (AWS: "Best practices for designing and using partition
keys effectively"), and one key is one item on one partition. Beyond that the table throttles the
key. Processes don't know of each other, but each of their takes adds to two counters of the item,
which costs nothing:

    writes     1, and as many as this process's refused writes since its last applied one
    activeNs   the time since then

So the first one grows by the writes of all processes, and the second one, in each second, by as
many seconds as there are processes that write: as the CPU time of a second tells how many cores
were busy. By them each process, by itself:

- is not paced at all while there are fewer than 870 writes a second;
- beyond, keeps to ``share * 870 / processes`` writes a second, the same for everybody. ``share``
  starts at 1, and makes good for those who write less than that: it rises while there is room,
  by an addend, and falls by a factor (additive increase, multiplicative decrease). Where it is no
  demand for writes, but the pace that holds them back, all shares tend to 1.

Gaps are jittered by a quarter. A dry write, which found no token, is followed by a pause of its
own, on keys that are leased or paced: others get their turn. On all other keys ``seen`` tells
exactly when the next token is due.
"""

from __future__ import annotations

from collections.abc import Callable

MOST_WRITES_PER_SECOND = 870.0
"""By all processes together, to one key."""

_SECOND_NS = 1_000_000_000
_UNPACED = float("inf")
_MEASURED_OVER_NS = 300_000_000
_CERTAIN_DEVIATIONS = 2.0
"""By how many standard deviations of random writes there must be more than MOST_WRITES_PER_SECOND
before a process is paced."""
_FLOOD_WRITES = 400
"""So many writes in a shorter time are a flood, of which the measurement need not wait for more."""
_FLOOD_OVER_NS = 5_000_000
_LONGEST_ACTIVE_NS = 2 * _SECOND_NS
"""A process that has not written for longer was not there in between."""
_NEWEST = 0.2
"""The weight of the latest measurement in the running mean of the number of processes."""
_LONGEST_GAP_SECONDS = 2.0
_FREE_PER_SECOND = 170.0
"""A process that may write so often is not paced any more; nor is one with MOST_SHARES."""
_MOST_SHARES = 8.0
_LEAST_SHARES = 0.1
_RISE_PER_SECOND = 2.0
_TOWARDS_ONE = 0.4
_LOOSE = 0.8
"""A process that writes less often than this part of what it may is not held back by its pace."""
_ROOM = 0.1
_GROWTH = 1.5
_THROTTLED_AT_MOST_PER_SECOND = 60.0
_LESS_WHEN_THROTTLED = 0.6
_FIRST_PAUSE_NS = 10_000_000
_LONGEST_PAUSE_NS = 150_000_000
_PAUSE_GROWTH = 1.6


class Pace:
    """The pace of one process's writes to one key.

    Attributes:
        next_write_ns: not before this instant of the monotonic clock.
        is_dry: whether the last write found no token, and the pause after it is not over.
        is_paced: whether there are gaps between this process's writes.
    """

    __slots__ = (
        "_allowed_per_second",
        "_measured_from",
        "_own",
        "_pause_ns",
        "_processes",
        "_random",
        "_refused",
        "_reported_ns",
        "_share",
        "is_dry",
        "is_paced",
        "next_write_ns",
    )

    def __init__(self, random_float: Callable[[], float]) -> None:
        self._random = random_float
        self.next_write_ns = 0
        self.is_dry = False
        self.is_paced = False
        self._allowed_per_second = _UNPACED
        self._pause_ns = 0
        self._share = 1.0
        self._processes = 0.0
        self._refused = self._own = 0
        self._reported_ns: int | None = None
        self._measured_from: tuple[int, int, int] | None = None

    @property
    def gap_ns(self) -> int:
        """How far apart the writes are."""
        if not self.is_paced:
            return 0
        return int(min(_LONGEST_GAP_SECONDS, 1 / self._allowed_per_second) * _SECOND_NS)

    def report(self, monotonic_ns: int) -> tuple[int, int]:
        """What a take that is sent now adds to the item's ``writes`` and ``activeNs``."""
        if self._reported_ns is None:
            return 1, 0
        return 1 + self._refused, min(monotonic_ns - self._reported_ns, _LONGEST_ACTIVE_NS)

    def wrote(self, monotonic_ns: int, writes: int, active_ns: int, *, applied: bool) -> None:
        """Note one write, and what the item's counters say."""
        self._own += 1
        if applied or self._reported_ns is None:
            self._refused, self._reported_ns = 0, monotonic_ns
        else:
            self._refused += 1
        measured_from = self._measured_from
        if measured_from is None or writes < measured_from[1]:
            self._measured_from, self._own = (monotonic_ns, writes, active_ns), 0
        else:
            since_ns, writes_before, active_before_ns = measured_from
            passed_ns, more = monotonic_ns - since_ns, writes - writes_before
            over_ns = (
                max(_MEASURED_OVER_NS, 2 * self.gap_ns) if self.is_paced else _MEASURED_OVER_NS
            )
            if passed_ns >= over_ns or (
                not self.is_paced and more >= _FLOOD_WRITES and passed_ns >= _FLOOD_OVER_NS
            ):
                self._note_processes((active_ns - active_before_ns) / passed_ns)
                self._adapt(passed_ns / _SECOND_NS, more)
                self._measured_from, self._own = (monotonic_ns, writes, active_ns), 0
        if self.is_paced:
            self._schedule(monotonic_ns)

    def measure_anew(self) -> None:
        """Forget what was measured, as the first lease changes how often this process writes."""
        self._measured_from = None

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

    def rest(self, monotonic_ns: int, rest_ns: int) -> None:
        """Rest after a write that brought less than was asked for: more must flow in first."""
        self.next_write_ns = max(self.next_write_ns, monotonic_ns + self._jittered(rest_ns))

    def throttled(self, monotonic_ns: int) -> None:
        """Note that the table throttled the key: widen the gap."""
        allowed = min(self._allowed_per_second, _THROTTLED_AT_MOST_PER_SECOND)
        self._allow(allowed * _LESS_WHEN_THROTTLED)
        self._share = max(_LEAST_SHARES, self._share * _LESS_WHEN_THROTTLED)
        self._schedule(monotonic_ns)

    def _note_processes(self, processes: float) -> None:
        processes = max(1.0, processes)
        if self._processes:
            processes = self._processes + _NEWEST * (processes - self._processes)
        self._processes = processes

    def _adapt(self, seconds: float, writes: int) -> None:
        """Adapt to so many writes of all processes in so many seconds."""
        per_second = writes / seconds
        if not self.is_paced:
            certain = per_second - _CERTAIN_DEVIATIONS * writes**0.5 / seconds
            if certain <= MOST_WRITES_PER_SECOND:
                return
            self._share = 1.0
        else:
            self._adapt_share(seconds, per_second / MOST_WRITES_PER_SECOND - 1)
        allowed = self._share * MOST_WRITES_PER_SECOND / self._processes
        is_free = self.is_paced and (allowed > _FREE_PER_SECOND or self._share > _MOST_SHARES)
        self._allow(_UNPACED if is_free else allowed)

    def _allow(self, per_second: float) -> None:
        """Write so often, or once in the longest gap; infinitely often is without a pace."""
        self._allowed_per_second = max(1 / _LONGEST_GAP_SECONDS, per_second)
        self.is_paced = per_second < _UNPACED

    def _adapt_share(self, seconds: float, over: float) -> None:
        if over > 0:
            # Far beyond, each one's part of what there is; near it, half the excess.
            self._share *= 1 / (1 + over) if over > 1 else 1 - 0.5 * over
            self._share = max(_LEAST_SHARES, self._share)
            self._share += _TOWARDS_ONE * (1 - self._share)
            return
        own = self._own / seconds
        if own < _LOOSE * self._allowed_per_second and over < -_ROOM and not self._pause_ns:
            self._share *= _GROWTH
        self._share += _RISE_PER_SECOND * min(1.0, seconds) * -over
        if self._share < 1:
            self._share += _TOWARDS_ONE * (1 - self._share)

    def _schedule(self, monotonic_ns: int) -> None:
        self.next_write_ns = max(monotonic_ns, self.next_write_ns) + self._jittered(self.gap_ns)

    def _jittered(self, gap_ns: int) -> int:
        return int(gap_ns * (0.75 + 0.5 * self._random()))
