"""Whether a denial is due to a block, for a rule that does not count violations itself.

``limiter.block``, and other rules of the key with a ``block_after``, write the end of a block to
the item (debt.py). A denial does not show that number, so it is read; but only if the denial lasts
for longer than the limit alone would deny. So a key that is not blocked and owes nothing costs no
reads. What was read is stored: a block until its end, and that there is none for as long as an
observation may deny.
"""

from __future__ import annotations

from collections.abc import Callable

from ratelimit_ddb.bucket.arithmetic import known
from ratelimit_ddb.bucket.bucket import Bucket
from ratelimit_ddb.bucket.decision import Decision
from ratelimit_ddb.bucket.observations import Observation, ObservationCache
from ratelimit_ddb.limit import SECOND_NS, Limit
from ratelimit_ddb.operations.operation import BLOCKED, Flow, OperationResult, Read, ReadClock
from ratelimit_ddb.quota import Quota

_NAMES = (BLOCKED,)
_CLOCK_READINGS_NS = SECOND_NS
"""How far two readings of the clock may differ, at a denial and just after it."""


class BlockLookup:
    """The blocks of one bucket's keys.

    Args:
        bucket: the limits that deny.
        known: the observations of blocks.
    """

    __slots__ = ("_bucket", "_known")

    def __init__(self, bucket: Bucket, known: ObservationCache[Observation]) -> None:
        self._bucket = bucket
        self._known = known

    def may_deny(self, denial: Decision, cost: int, clock: Callable[[], int]) -> bool:
        """Whether a denial lasts for longer than its limit alone would deny.

        Args:
            denial: by the limits.
            cost: the tokens that were asked for.
            clock: gives the table's time.
        """
        limit = denial.limit
        if isinstance(limit, Limit):
            return denial.retry_after_ns > cost * limit.unit_ns
        if isinstance(limit, Quota):
            now_ns = clock()
            edge_ns = limit.calendar.window_at(now_ns).end_ns
            return now_ns + denial.retry_after_ns > edge_ns + _CLOCK_READINGS_NS
        return False

    def look_up(self, key: str, denial: Decision) -> Flow[Decision]:
        """The denial, with ``source="blocked"`` where there is a block.

        Args:
            key: the key as the table holds it.
            denial: one that ``may_deny`` is true of.

        Raises:
            StoreError: as a store raises it.
        """
        now_ns = yield ReadClock()
        until_ns = self._recall(key, now_ns)
        if until_ns is None:
            since = self._known.group.invalidations
            result: OperationResult = yield Read(key, _NAMES)
            (until_ns,) = full_at_ns = known(result.full_at_ns)
            self._known.put(key, Observation(now_ns, full_at_ns, 0, _NAMES), since)
        return blocked(denial, until_ns, now_ns) if until_ns > now_ns else denial

    def _recall(self, key: str, now_ns: int) -> int | None:
        """When the last block ends; None if that must be read."""
        observation = self._known.get(key)
        if observation is None:
            return None
        (until_ns,) = observation.full_at_ns
        holds = until_ns > now_ns or self._bucket.may_deny(observation, now_ns)
        return until_ns if holds else None


def blocked(denial: Decision, until_ns: int, now_ns: int) -> Decision:
    """The denial as a block gives it.

    Args:
        denial: by the limits.
        until_ns: the block's end.
        now_ns: the table's time.
    """
    lasts_ns = max(1, until_ns - now_ns)
    limit = denial.limit
    window_ns = limit.window_ns - limit.unit_ns if isinstance(limit, Limit) else 0
    return denial._replace(
        remaining=0,
        retry_after_ns=max(lasts_ns, denial.retry_after_ns),
        reset_after_ns=max(lasts_ns + window_ns, denial.reset_after_ns),
        source="blocked",
    )
