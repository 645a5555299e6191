"""What each ``fullAt`` means: how many tokens are left, how long to wait, which limit binds.

    tokens(now) = (window - max(0, fullAt - now)) // unit
    a cost fits iff fullAt - now <= room, where room = window - cost * unit + wait

Most keys have one limit, and its arithmetic is most of a denial from memory. So it is written out
beside the arithmetic of several; both give the same results for one. The code of each decision is
plain loops and comparisons: one zip(), max() or generator expression would cost as much as the
rest.
"""

from __future__ import annotations

from typing import Protocol

from ddbwire.tuple_new import tuple_new
from ratelimit_ddb.bucket.decision import Decision, Source, Taken
from ratelimit_ddb.limit import AnyLimit, Limit

Instants = tuple[int, ...]
"""Nanoseconds since the epoch, one for each limit, in their order."""

Spans = tuple[int, ...]
"""Nanoseconds, one for each limit, in their order."""

_MANY = 1 << 62
_NEVER_NS = -1
_IDLE = (True,)
_ACTIVE = (False,)


class BucketArithmetic(Protocol):
    """Computes with the ``fullAt`` of one bucket's limits."""

    def bases_ns(self, date_ns: int) -> Instants:
        """The instant from which each limit counts, in a take of this date: the date or earlier."""

    def full_by_ns(self, now_ns: int, wait_ns: int) -> int:
        """The latest instant at which every limit is full again, after a take with this wait."""

    def latest_ns(self, now_ns: int) -> Instants:
        """The latest that takes without a wait can move each ``fullAt`` to."""

    def idle(self, full_at_ns: Instants, now_ns: int) -> tuple[bool, ...]:
        """For each limit, whether its bucket was full before now."""

    def cost_ns(self, cost: int) -> Spans:
        """The time in which so many tokens flow back."""

    def room_ns(self, cost: int, wait_ns: int) -> Spans:
        """How far beyond now each ``fullAt`` may lie for a cost whose tokens are due in time."""

    def room_within_ns(self, room_ns: Spans, now_ns: int) -> Spans:
        """The part of this room that a take may use, so that a wait ends in the same window."""

    def fits(self, full_at_ns: Instants, now_ns: int, room_ns: Spans) -> bool:
        """Whether every limit has room."""

    def tokens(self, full_at_ns: Instants, base_ns: int, window_less_ns: int) -> int:
        """How many tokens a take can have of every limit.

        Args:
            full_at_ns: each ``fullAt``.
            base_ns: the take's date.
            window_less_ns: how far the date lies ahead of now; its room is smaller by that.
        """

    def blocked_ns(self, until_ns: int) -> Instants:
        """Each ``fullAt`` of a bucket that has no token before an instant, and one at it."""

    def most_leased(self, ahead: int, full_at_ns: Instants, now_ns: int) -> int:
        """How many of ``ahead`` tokens may be leased by these ``fullAt``."""

    def lease_ns(self, now_ns: int, lease_ns: int) -> int:
        """How long a lease lasts, if it should last ``lease_ns``."""

    def unspent_ns(self, cost: int, since_ns: int, full_at_ns: Instants, now_ns: int) -> Spans:
        """The time of a take's tokens that can't have flowed back yet.

        Args:
            cost: the tokens.
            since_ns: the time since the take.
            full_at_ns: each ``fullAt`` as the take left it.
            now_ns: the table's time.
        """

    def less(self, full_at_ns: Instants, tokens: int) -> Instants:
        """Each ``fullAt`` as it would be if so many tokens fewer had been taken."""

    def admitted(
        self, full_at_ns: Instants, now_ns: int, taken: Taken | None, source: Source = "table"
    ) -> Decision:
        """The admission, by each ``fullAt`` as the take left it."""

    def denial(
        self, full_at_ns: Instants, now_ns: int, room_ns: Spans, source: Source
    ) -> Decision | None:
        """The denial, if a limit has too little room; otherwise None."""


def arithmetic_for(limits: tuple[AnyLimit, ...]) -> BucketArithmetic:
    """The arithmetic for these limits."""
    buckets = tuple([limit for limit in limits if isinstance(limit, Limit)])
    if len(buckets) < len(limits):
        # Imported here: only quotas need dates and zones.
        from ratelimit_ddb.bucket.quota_arithmetic import QuotaArithmetic

        return QuotaArithmetic(limits)
    return SingleLimitArithmetic(buckets[0]) if len(buckets) == 1 else MultiLimitArithmetic(buckets)


class SingleLimitArithmetic:
    """The arithmetic of one limit."""

    __slots__ = ("_limit",)

    def __init__(self, limit: Limit) -> None:
        self._limit = limit

    def bases_ns(self, date_ns: int) -> Instants:
        """See BucketArithmetic."""
        return (date_ns,)

    def full_by_ns(self, now_ns: int, wait_ns: int) -> int:
        """See BucketArithmetic."""
        return now_ns + self._limit.window_ns + wait_ns

    def latest_ns(self, now_ns: int) -> Instants:
        """See BucketArithmetic."""
        return (now_ns + self._limit.window_ns,)

    def idle(self, full_at_ns: Instants, now_ns: int) -> tuple[bool, ...]:
        """See BucketArithmetic."""
        return _IDLE if full_at_ns[0] < now_ns else _ACTIVE

    def cost_ns(self, cost: int) -> Spans:
        """See BucketArithmetic."""
        return (cost * self._limit.unit_ns,)

    def room_ns(self, cost: int, wait_ns: int) -> Spans:
        """See BucketArithmetic."""
        return (self._limit.window_ns - cost * self._limit.unit_ns + wait_ns,)

    def room_within_ns(self, room_ns: Spans, now_ns: int) -> Spans:  # noqa: ARG002 - no windows
        """See BucketArithmetic."""
        return room_ns

    def fits(self, full_at_ns: Instants, now_ns: int, room_ns: Spans) -> bool:
        """See BucketArithmetic."""
        return full_at_ns[0] - now_ns <= room_ns[0] and room_ns[0] >= 0

    def tokens(self, full_at_ns: Instants, base_ns: int, window_less_ns: int) -> int:
        """See BucketArithmetic."""
        limit = self._limit
        ahead_ns = max(0, full_at_ns[0] - base_ns)
        return max(0, limit.window_ns - window_less_ns - ahead_ns) // limit.unit_ns

    def blocked_ns(self, until_ns: int) -> Instants:
        """See BucketArithmetic."""
        return (until_ns + self._limit.window_ns - self._limit.unit_ns,)

    def most_leased(self, ahead: int, full_at_ns: Instants, now_ns: int) -> int:  # noqa: ARG002
        """See BucketArithmetic. What is not spent flows back, so any number."""
        return ahead

    def lease_ns(self, now_ns: int, lease_ns: int) -> int:  # noqa: ARG002
        """See BucketArithmetic."""
        return lease_ns

    def unspent_ns(
        self,
        cost: int,
        since_ns: int,
        full_at_ns: Instants,  # noqa: ARG002 - time alone tells
        now_ns: int,  # noqa: ARG002
    ) -> Spans:
        """See BucketArithmetic."""
        return (max(0, cost * self._limit.unit_ns - since_ns),)

    def less(self, full_at_ns: Instants, tokens: int) -> Instants:
        """See BucketArithmetic."""
        return (full_at_ns[0] - tokens * self._limit.unit_ns,)

    def admitted(
        self, full_at_ns: Instants, now_ns: int, taken: Taken | None, source: Source = "table"
    ) -> Decision:
        """See BucketArithmetic."""
        limit = self._limit
        ahead_ns = full_at_ns[0] - now_ns
        if ahead_ns <= 0:
            return tuple_new(Decision, (True, limit.burst, 0, 0, limit, 0, source, taken))
        left_ns = limit.window_ns - ahead_ns
        if left_ns < 0:
            return tuple_new(Decision, (True, 0, 0, ahead_ns, limit, -left_ns, source, taken))
        return tuple_new(
            Decision, (True, left_ns // limit.unit_ns, 0, ahead_ns, limit, 0, source, taken)
        )

    def denial(
        self, full_at_ns: Instants, now_ns: int, room_ns: Spans, source: Source
    ) -> Decision | None:
        """See BucketArithmetic."""
        ahead_ns = full_at_ns[0] - now_ns
        retry_ns = ahead_ns - room_ns[0]
        if retry_ns <= 0:
            return None
        limit = self._limit
        left_ns = limit.window_ns - ahead_ns
        remaining = left_ns // limit.unit_ns if left_ns > 0 else 0
        return tuple_new(Decision, (False, remaining, retry_ns, ahead_ns, limit, 0, source, None))


class MultiLimitArithmetic:
    """The arithmetic of any number of limits: all must have room, and one of them binds."""

    __slots__ = ("_indexes", "_limits", "_longest_window_ns")

    def __init__(self, limits: tuple[Limit, ...]) -> None:
        self._limits = limits
        self._indexes = tuple(range(len(limits)))
        self._longest_window_ns = max(limit.window_ns for limit in limits)

    def bases_ns(self, date_ns: int) -> Instants:
        """See BucketArithmetic."""
        return (date_ns,) * len(self._limits)

    def full_by_ns(self, now_ns: int, wait_ns: int) -> int:
        """See BucketArithmetic."""
        return now_ns + self._longest_window_ns + wait_ns

    def latest_ns(self, now_ns: int) -> Instants:
        """See BucketArithmetic."""
        return tuple([now_ns + limit.window_ns for limit in self._limits])

    def idle(self, full_at_ns: Instants, now_ns: int) -> tuple[bool, ...]:
        """See BucketArithmetic."""
        return tuple([one_ns < now_ns for one_ns in full_at_ns])

    def cost_ns(self, cost: int) -> Spans:
        """See BucketArithmetic."""
        return tuple([cost * limit.unit_ns for limit in self._limits])

    def room_ns(self, cost: int, wait_ns: int) -> Spans:
        """See BucketArithmetic."""
        return tuple([limit.window_ns - cost * limit.unit_ns + wait_ns for limit in self._limits])

    def room_within_ns(self, room_ns: Spans, now_ns: int) -> Spans:  # noqa: ARG002 - no windows
        """See BucketArithmetic."""
        return room_ns

    def fits(self, full_at_ns: Instants, now_ns: int, room_ns: Spans) -> bool:
        """See BucketArithmetic."""
        for index in self._indexes:
            if room_ns[index] < 0 or full_at_ns[index] - now_ns > room_ns[index]:
                return False
        return True

    def tokens(self, full_at_ns: Instants, base_ns: int, window_less_ns: int) -> int:
        """See BucketArithmetic."""
        return min(
            max(0, limit.window_ns - window_less_ns - max(0, one_ns - base_ns)) // limit.unit_ns
            for limit, one_ns in zip(self._limits, full_at_ns, strict=True)
        )

    def blocked_ns(self, until_ns: int) -> Instants:
        """See BucketArithmetic."""
        return tuple([until_ns + limit.window_ns - limit.unit_ns for limit in self._limits])

    def most_leased(self, ahead: int, full_at_ns: Instants, now_ns: int) -> int:  # noqa: ARG002
        """See BucketArithmetic. What is not spent flows back, so any number."""
        return ahead

    def lease_ns(self, now_ns: int, lease_ns: int) -> int:  # noqa: ARG002
        """See BucketArithmetic."""
        return lease_ns

    def unspent_ns(
        self,
        cost: int,
        since_ns: int,
        full_at_ns: Instants,  # noqa: ARG002 - time alone tells
        now_ns: int,  # noqa: ARG002
    ) -> Spans:
        """See BucketArithmetic."""
        return tuple([max(0, cost * limit.unit_ns - since_ns) for limit in self._limits])

    def less(self, full_at_ns: Instants, tokens: int) -> Instants:
        """See BucketArithmetic."""
        return tuple(
            one_ns - tokens * limit.unit_ns
            for limit, one_ns in zip(self._limits, full_at_ns, strict=True)
        )

    def admitted(
        self, full_at_ns: Instants, now_ns: int, taken: Taken | None, source: Source = "table"
    ) -> Decision:
        """See BucketArithmetic. The limit with least left binds."""
        binding, remaining, reset_ns, waited_ns = self._limits[0], _MANY, 0, 0
        for index in self._indexes:
            limit = self._limits[index]
            ahead_ns = full_at_ns[index] - now_ns
            tokens = _tokens(limit, ahead_ns)
            if tokens < remaining:
                binding, remaining = limit, tokens
            if ahead_ns > reset_ns:
                reset_ns = ahead_ns
            if ahead_ns - limit.window_ns > waited_ns:
                waited_ns = ahead_ns - limit.window_ns
        return tuple_new(
            Decision, (True, remaining, 0, reset_ns, binding, waited_ns, source, taken)
        )

    def denial(
        self, full_at_ns: Instants, now_ns: int, room_ns: Spans, source: Source
    ) -> Decision | None:
        """See BucketArithmetic. The limit that denies longest binds."""
        binding, retry_ns, reset_ns = -1, 0, 0
        for index in self._indexes:
            ahead_ns = full_at_ns[index] - now_ns
            if ahead_ns > reset_ns:
                reset_ns = ahead_ns
            if ahead_ns - room_ns[index] > retry_ns:
                binding, retry_ns = index, ahead_ns - room_ns[index]
        if binding < 0:
            return None
        limit = self._limits[binding]
        remaining = _tokens(limit, full_at_ns[binding] - now_ns)
        return tuple_new(Decision, (False, remaining, retry_ns, reset_ns, limit, 0, source, None))


def known(full_at_ns: tuple[int | None, ...]) -> Instants:
    """Each ``fullAt``; an instant long past if the item has none."""
    if None in full_at_ns:
        return tuple(_NEVER_NS if one_ns is None else one_ns for one_ns in full_at_ns)
    return full_at_ns  # type: ignore[return-value]  # no None is left


def _tokens(limit: Limit, ahead_ns: int) -> int:
    """Whole tokens left in a bucket that will be full in ``ahead_ns``; 0 if callers wait."""
    if ahead_ns <= 0:
        return limit.burst
    left_ns = limit.window_ns - ahead_ns
    return left_ns // limit.unit_ns if left_ns > 0 else 0
