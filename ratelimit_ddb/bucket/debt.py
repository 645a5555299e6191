"""Debts: tokens that are taken even if they are not there.

    a charge of n tokens:  fullAt' = max(fullAt, now) + n * unit
    a block until T:       fullAt' = max(fullAt, T + window - unit)

Both are the conditional addition of every take, with unlimited room: nothing is refused. A charge
is an amount, so charges add up. A block is a date: of several blocks the latest holds, a block that
is sent twice has no further effect, and it does not lengthen a longer debt. Before T the bucket has
no token, and at T it has one, whatever its limits (docs/decisions/015).

P1 holds with debts in between: a charge raises ``fullAt`` as a take does, and the proof counts it
as one. No limit could have refused a charge after the last take of an interval; later callers pay
for it.

A block also writes its end to ``blocked`` (violations.py), so that a denial can say that it is a
block (block_lookup.py).

Tokens that were taken before a block are not given back during it, or the block would end early:
refunds out of turn check ``blocked`` too (refund.py). So that no refund is in turn, a block adds a
nanosecond if the key owes for as long already.

A key may owe for longer than its limits take to fill, and TTL must not delete its item meanwhile.
So the room is bounded by the item's ``expiresAt``: a write that would move ``fullAt`` beyond it is
refused, and sent again with a later ``expiresAt``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from ddbwire.arguments import shown
from ratelimit_ddb.arguments import require_int_from, require_seconds_ns
from ratelimit_ddb.bucket.arithmetic import Instants, Spans, known
from ratelimit_ddb.bucket.expiry import expires_at_seconds
from ratelimit_ddb.bucket.observations import Observation, ObservationCache
from ratelimit_ddb.errors import KeyThrottled
from ratelimit_ddb.limit import LONGEST_WINDOW_NS, SECOND_NS, AnyLimit, Limit
from ratelimit_ddb.operations.operation import (
    BLOCKED,
    ClockMoved,
    Flow,
    OperationResult,
    ReadClock,
    Take,
    Wait,
)
from ratelimit_ddb.quota import most_of_quota

_NEVER_NS = -1
_LEAST_PAUSE_NS = SECOND_NS // 100
_MOST_PAUSE_NS = SECOND_NS // 25


def require_charge(name: str, cost: object, limits: Iterable[AnyLimit]) -> int:
    """Check the cost of a charge, an argument of this name.

    Raises:
        TypeError, ValueError: it is not an int of at least 0, or a limit takes more than ten years
            to refill so much.
    """
    number = require_int_from(name, cost, 0)
    for limit in limits:
        if isinstance(limit, Limit):
            most, why = LONGEST_WINDOW_NS // limit.unit_ns, f"which {limit} refills in ten years"
        else:
            most, why = most_of_quota(limit.period), f"as a quota of a {limit.period}"
        if number > most:
            raise ValueError(f"{name} {shown(number)}: must be at most {most}, {why}")
    return number


def require_block_ns(seconds: object) -> int:
    """Check the length of a block, in seconds from 0.001 to ten years. Returns: nanoseconds.

    Raises:
        TypeError, ValueError: as ``require_seconds_ns``.
    """
    return require_seconds_ns("seconds", seconds, 0.001, LONGEST_WINDOW_NS / 1e9)


class Debt(NamedTuple):
    """A charge or a block.

    Attributes:
        key: the item's key.
        names: the limits' names, in their order; the tuples below follow it.
        bases_ns_at: returns the instant from which each limit counts, for the table's time.
        cost_ns: what is added.
        blocks_ns: how long the key is blocked; 0 for a charge.
        slack_ns_at: returns, for the table's time, how much longer than the debt the item is kept;
            so that a slightly larger debt needs no second write.
    """

    key: str
    names: tuple[str, ...]
    bases_ns_at: Callable[[int], Instants]
    cost_ns: Spans
    blocks_ns: int
    slack_ns_at: Callable[[int], int]

    def write(self, cache: ObservationCache[Observation]) -> Flow[tuple[int, Instants]]:
        """Move each ``fullAt`` to ``max(fullAt, base) + cost``, however late that is.

        If the table throttles the key, the write is repeated until the deadline: a flooded key is
        the one that a block is for.

        Args:
            cache: where the reply is stored, so that it may deny.

        Returns:
            the table's time, and each new ``fullAt``.

        Raises:
            StoreError: as a store raises it. A debt whose reply was lost may have been applied.
        """
        now_ns = yield ReadClock()
        others = 1 if self.blocks_ns else 0
        full_at_ns, kept_until_seconds = (_NEVER_NS,) * (others + len(self.names)), 0
        observation = cache.get(self.key)
        if observation is not None and observation.names is self.names:
            full_at_ns = (*full_at_ns[:others], *observation.full_at_ns)
            kept_until_seconds = observation.expires_at_seconds
        refused: Take | None = None
        while True:
            take = self._take(now_ns, full_at_ns, kept_until_seconds)
            if take == refused:
                raise cache.group.refused_without_reason(self.key, full_at_ns)
            since = cache.group.invalidations
            try:
                result: OperationResult = yield take
            except ClockMoved:
                now_ns, refused = (yield ReadClock()), None
                continue
            except KeyThrottled:
                if not (yield _pause()):
                    raise
                continue
            full_at_ns, kept_until_seconds = (
                known(result.full_at_ns),
                result.expires_at_seconds or 0,
            )
            of_limits_ns = full_at_ns[others:]
            observation = Observation(now_ns, of_limits_ns, kept_until_seconds, self.names)
            cache.put(self.key, observation, since)
            if result.applied:
                return now_ns, of_limits_ns
            refused = take

    def _take(self, now_ns: int, full_at_ns: Instants, kept_until_seconds: int) -> Take:
        """The write for an item with these ``fullAt``."""
        names, bases_ns, cost_ns = self.names, self.bases_ns_at(now_ns), self.cost_ns
        if self.blocks_ns:
            names, cost_ns = (BLOCKED, *names), (1, *cost_ns)
            bases_ns = (now_ns + self.blocks_ns - 1, *bases_ns)
        limits = list(zip(full_at_ns, bases_ns, cost_ns, strict=True))
        owed_until_ns = max(max(one_ns, base_ns) + cost for one_ns, base_ns, cost in limits)
        expires_seconds = expires_at_seconds(max(owed_until_ns, now_ns) + self.slack_ns_at(now_ns))
        rooms_ns = [expires_seconds * SECOND_NS - base_ns - cost for _, base_ns, cost in limits]
        return Take(
            self.key,
            names,
            tuple([one_ns < base_ns for one_ns, base_ns, _ in limits]),
            now_ns,
            bases_ns,
            cost_ns,
            tuple(rooms_ns),
            expires_seconds,
            kept_until_seconds <= expires_seconds,
        )


class _Never:
    """Awaited by a flow that waits for the time alone: it is never served."""

    served = False

    def attach(self, wake: Callable[[], None]) -> None:
        """See Awaited."""


def _pause() -> Wait:
    from secrets import randbelow  # few processes ever need it

    return Wait(_Never(), _LEAST_PAUSE_NS + randbelow(_MOST_PAUSE_NS - _LEAST_PAUSE_NS))
