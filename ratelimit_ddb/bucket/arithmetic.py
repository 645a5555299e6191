"""What each ``fullAt`` means: how many tokens are left, how long to wait, which limit binds.

    tokens(now) = (window - max(0, fullAt - now)) // unit
    a cost fits iff fullAt - now <= room, where room = window - cost * unit + wait

Most keys have one limit, and its arithmetic is most of a denial from memory. So it is written
out beside the rule for several; both give the same for one. What runs at every decision are plain
loops and comparisons, since one zip(), max() or generator expression would cost as much as the
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
    """What the limits of one bucket say of its numbers."""

    def bases_ns(self, date_ns: int) -> Instants:
        """From when on each limit counts, in a take of this date: that is the date, or earlier."""

    def full_by_ns(self, now_ns: int, wait_ns: int) -> int:
        """When every limit is full again at the latest, after a take with so long a wait."""

    def latest_ns(self, now_ns: int) -> Instants:
        """The latest each ``fullAt`` can be by takes that nobody waits for."""

    def idle(self, full_at_ns: Instants, now_ns: int) -> tuple[bool, ...]:
        """For each limit, whether its bucket was full before now."""

    def cost_ns(self, cost: int) -> Spans:
        """The time that so many tokens are worth."""

    def room_ns(self, cost: int, wait_ns: int) -> Spans:
        """How far beyond now ``fullAt`` may lie for so many tokens, due within ``wait_ns``."""

    def room_within_ns(self, room_ns: Spans, now_ns: int) -> Spans:
        """What of this room a take may use, so that who waits has its turn in the same window."""

    def fits(self, full_at_ns: Instants, now_ns: int, room_ns: Spans) -> bool:
        """Whether there is room everywhere."""

    def tokens(self, full_at_ns: Instants, base_ns: int, window_less_ns: int) -> int:
        """How many tokens a take dated at ``base_ns`` can have of every limit.

        Args:
            full_at_ns: what the buckets hold.
            base_ns: the take's date.
            window_less_ns: how far the date is ahead of the take, which is room that it has not.
        """

    def blocked_ns(self, until_ns: int) -> Instants:
        """Each ``fullAt`` of a bucket that has no token before an instant, and one from then on."""

    def most_leased(self, ahead: int, full_at_ns: Instants, now_ns: int) -> int:
        """How many of so many tokens may be leased, where the buckets hold this."""

    def lease_ns(self, now_ns: int, lease_ns: int) -> int:
        """For how long a lease is made, where it should be so long."""

    def unspent_ns(self, cost: int, since_ns: int, full_at_ns: Instants, now_ns: int) -> Spans:
        """What of a take can't have flowed back.

        Args:
            cost: the tokens of it.
            since_ns: for how long it could.
            full_at_ns: as the take left each.
            now_ns: the table's time.
        """

    def less(self, full_at_ns: Instants, tokens: int) -> Instants:
        """Each ``fullAt`` as it would be with so many tokens less taken."""

    def admitted(
        self, full_at_ns: Instants, now_ns: int, taken: Taken | None, source: Source = "table"
    ) -> Decision:
        """The decision on tokens that were taken, by what the take made of ``fullAt``."""

    def denial(
        self, full_at_ns: Instants, now_ns: int, room_ns: Spans, source: Source
    ) -> Decision | None:
        """The denial, if there is too little room anywhere."""


def arithmetic_for(limits: tuple[AnyLimit, ...]) -> BucketArithmetic:
    """The arithmetic for these limits."""
    buckets = tuple([limit for limit in limits if isinstance(limit, Limit)])
    if len(buckets) < len(limits):
        # Here, since only who has quotas needs dates and zones.
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
    """Each ``fullAt``, long past where there is none."""
    if None in full_at_ns:
        return tuple(_NEVER_NS if one_ns is None else one_ns for one_ns in full_at_ns)
    return full_at_ns  # type: ignore[return-value]  # the line above saw to it


def _tokens(limit: Limit, ahead_ns: int) -> int:
    """Whole tokens left when the bucket will be full in ``ahead_ns``; none while one is awaited."""
    if ahead_ns <= 0:
        return limit.burst
    left_ns = limit.window_ns - ahead_ns
    return left_ns // limit.unit_ns if left_ns > 0 else 0
