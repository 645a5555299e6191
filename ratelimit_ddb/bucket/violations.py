"""Blocks after too many violations: ``block_after``, ``block_for`` and ``up_to`` of a rule.

A violation is a denial by a key's limits. Three more numbers of the key's item count violations and
blocks. They are moved by the conditional addition of every take, beside the limits, in one write:

    violations  a bucket of ``block_after``, full again after ``block_for``: each violation takes 1
    blocked     when the last block ends: while it lies ahead every write is refused, otherwise a
                write removes it
    blocks      a bucket's debt: each block adds ``up_to`` and its own length, since no block is
                forgotten while one lasts; the number of remembered blocks is how many times
                ``up_to`` it lies ahead

The request that takes the last token of ``violations`` blocks the key, by a second write. Its
conditions: ``blocked`` is past, so of many requests at once one blocks, and the refusal shows the
others that block; ``blocks`` is in the range that the block's length was computed from. The n-th
remembered block lasts ``block_for * 2^(n - 1)``, at most ``up_to``. The same write moves the
limits' ``fullAt`` to where it denies until the block's end and admits from then on (debt.py). So a
block costs other requests nothing, and an observation of it denies them.

What it costs: a write for each counted violation, ``block_after`` of them, and one more for each
block. While a block lasts nothing is counted: a process that does not know of it learns it at its
first denial, from one refused write. If a process dies after the last violation and before it
blocks, the next violation blocks.
"""

from __future__ import annotations

from typing import NamedTuple

from ratelimit_ddb.bucket.arithmetic import Instants, known
from ratelimit_ddb.bucket.block_lookup import blocked
from ratelimit_ddb.bucket.bucket import Bucket
from ratelimit_ddb.bucket.decision import Decision
from ratelimit_ddb.bucket.expiry import expires_at_seconds
from ratelimit_ddb.bucket.observations import Observation, ObservationCache
from ratelimit_ddb.limit import SECOND_NS
from ratelimit_ddb.operations.operation import (
    BLOCKED,
    ClockMoved,
    Flow,
    OperationResult,
    ReadClock,
    Take,
)

_NAMES = (":violations", BLOCKED, ":blocks")
"""No limit can be called so (limit.py)."""
_NEVER_NS = -1
_ANY_NS = 1 << 62
_CLOCK_READINGS_NS = SECOND_NS
"""How far two readings of the clock may differ, in one decision and between processes."""
_CLOCKS_APART_NS = 2 * SECOND_NS
"""How far the clocks of two processes may differ, each of which is wrong by at most half of it."""


class BlockPolicy(NamedTuple):
    """When a key is blocked, and for how long.

    Attributes:
        after: how many violations block; one is forgotten each ``for_ns / after``.
        for_ns: how long the first block lasts.
        up_to_ns: how long the longest block lasts, and after how long each block is forgotten; the
            same as ``for_ns`` if all blocks have the same length.
    """

    after: int
    for_ns: int
    up_to_ns: int

    @property
    def unit_ns(self) -> int:
        """The time that one violation adds to ``violations``."""
        return -(-self.for_ns // self.after)

    @property
    def room_ns(self) -> int:
        """How far ahead ``violations`` may lie for one more.

        The time of all but the last, and half of one more, at most two seconds: so violations that
        were counted by a clock ahead of this one do not count for more.
        """
        return self.unit_ns * (self.after - 1) + min(self.unit_ns // 2, _CLOCKS_APART_NS)

    def remembered(self, blocks_ns: int, now_ns: int) -> int:
        """How many blocks are remembered."""
        return max(0, -(-(blocks_ns - now_ns) // self.up_to_ns))

    def lasts_ns(self, remembered: int) -> int:
        """How long the next block lasts."""
        return min(self.up_to_ns, self.for_ns << min(remembered, 64))


class _Shown(NamedTuple):
    """The item's numbers as they were last shown; long past if it has none, or is not known."""

    violations_ns: int
    blocked_ns: int
    blocks_ns: int
    full_at_ns: Instants
    kept_until_seconds: int


class Violations:
    """The violations of one bucket's keys.

    Args:
        bucket: the limits that are violated.
        policy: when a key is blocked.
        known: of each key, when its violations are forgotten and its last block ends.
    """

    __slots__ = ("_bucket", "_known", "_names", "_nothing", "_policy")

    def __init__(
        self, bucket: Bucket, policy: BlockPolicy, known: ObservationCache[tuple[int, int]]
    ) -> None:
        self._bucket = bucket
        self._policy = policy
        self._known = known
        self._names = (*_NAMES, *bucket.names)
        never_ns = (_NEVER_NS,) * len(bucket.names)
        self._nothing = _Shown(_NEVER_NS, _NEVER_NS, _NEVER_NS, never_ns, 0)

    def count(self, key: str, denial: Decision) -> Flow[Decision]:
        """Count a denial, and block the key if there were too many.

        Args:
            key: the key as the table holds it.
            denial: by its limits.

        Returns:
            the denial; if the key is blocked, until the block's end and with ``source="blocked"``.

        Raises:
            StoreError: as a store raises it; it may have been counted.
        """
        now_ns = yield ReadClock()
        shown, refused = self._recalled(key), None
        if shown.blocked_ns > now_ns:
            if shown.blocked_ns <= now_ns + denial.retry_after_ns + _CLOCK_READINGS_NS:
                return blocked(denial, shown.blocked_ns, now_ns)
            # A limit that denies for a shorter time shows that a reset has lifted the block.
            shown = self._nothing
        while True:
            if shown.blocked_ns > now_ns and self._denies(shown):
                return self._noted(key, denial, shown, now_ns)
            take = self._take(key, now_ns, shown)
            if take == refused:
                raise self._known.group.refused_without_reason(key, shown.full_at_ns)
            since = self._known.group.invalidations
            try:
                result: OperationResult = yield take
            except ClockMoved:
                now_ns, shown, refused = (yield ReadClock()), self._nothing, None
                continue
            shown, refused = _shown(result), take
            counts = take.cost_ns[0] > 0
            self._remember(key, now_ns, shown, since)
            if result.applied and counts and not self._blocks(shown, now_ns):
                return denial

    def _blocks(self, shown: _Shown, now_ns: int) -> bool:
        """Whether there is no room for one more violation."""
        return shown.violations_ns - now_ns > self._policy.room_ns

    def _take(self, key: str, now_ns: int, shown: _Shown) -> Take:
        """The next write for an item with these numbers: it counts, blocks, or joins a block."""
        if shown.blocked_ns > now_ns:
            return self._block(key, now_ns, shown, shown.blocked_ns)
        if self._blocks(shown, now_ns):
            return self._block(key, now_ns, shown, 0)
        return self._count(key, now_ns, shown)

    def _count(self, key: str, now_ns: int, shown: _Shown) -> Take:
        policy, limits = self._policy, len(shown.full_at_ns)
        expires_seconds = expires_at_seconds(now_ns + policy.for_ns)
        return Take(
            key,
            self._names,
            (shown.violations_ns < now_ns, True, *(False,) * (1 + limits)),
            now_ns,
            (now_ns, now_ns + 1, *(0,) * (1 + limits)),
            (policy.unit_ns, -now_ns - 1, *(0,) * (1 + limits)),
            (policy.room_ns, 0, *(_ANY_NS,) * (1 + limits)),
            expires_seconds,
            shown.kept_until_seconds <= expires_seconds,
        )

    def _block(self, key: str, now_ns: int, shown: _Shown, until_ns: int) -> Take:
        """The write that blocks until ``until_ns``, or if that is 0, until the end of a new block.

        The first is for a block that other limits of the key began, such as those of another plan.
        """
        policy = self._policy
        remembered = policy.remembered(shown.blocks_ns, now_ns)
        lasts_ns = policy.lasts_ns(remembered)
        is_new = not until_ns
        if is_new:
            until_ns = now_ns + lasts_ns
        # A block of the longest length is not remembered in addition, and none is forgotten.
        adds_ns = lasts_ns + (policy.up_to_ns if lasts_ns < policy.up_to_ns else 0)
        # A nanosecond is always added, so that no refund is in turn after it (debt.py).
        denies_ns = tuple([one_ns - 1 for one_ns in self._bucket.blocked_ns(until_ns)])
        owed_ns = max(shown.blocks_ns, now_ns) + adds_ns
        expires_seconds = expires_at_seconds(1 + max(owed_ns, *denies_ns, *shown.full_at_ns))
        limits = list(zip(shown.full_at_ns, denies_ns, strict=True))
        return Take(
            key,
            self._names,
            (
                False,
                is_new,
                is_new and shown.blocks_ns < now_ns,
                *[one_ns < base_ns for one_ns, base_ns in limits],
            ),
            now_ns,
            (
                0,
                now_ns + 1 if is_new else until_ns,
                _start_of(remembered, now_ns, policy.up_to_ns) if is_new else 0,
                *denies_ns,
            ),
            (
                0,
                lasts_ns - 1 if is_new else 0,
                adds_ns if is_new else 0,
                *(1,) * len(limits),
            ),
            (
                _ANY_NS,
                0,
                policy.up_to_ns if is_new else _ANY_NS,
                *[expires_seconds * SECOND_NS - base_ns - 1 for _, base_ns in limits],
            ),
            expires_seconds,
            shown.kept_until_seconds <= expires_seconds,
        )

    def _denies(self, shown: _Shown) -> bool:
        """Whether every limit denies until the block's end."""
        denies_ns = self._bucket.blocked_ns(shown.blocked_ns)
        return all(map(int.__ge__, shown.full_at_ns, denies_ns))

    def _recalled(self, key: str) -> _Shown:
        """The item as this process last saw it: lower bounds, which select the branch to try."""
        shown, of_limits, known = self._nothing, self._bucket.cache.get(key), self._known.get(key)
        if of_limits is not None and of_limits.names is self._bucket.names:
            shown = shown._replace(kept_until_seconds=of_limits.expires_at_seconds)
        if known is not None:
            violations_ns, blocked_ns = known
            shown = shown._replace(violations_ns=violations_ns, blocked_ns=blocked_ns)
        return shown

    def _remember(self, key: str, now_ns: int, shown: _Shown, since: int) -> None:
        self._known.put(key, (shown.violations_ns, shown.blocked_ns), since)
        of_limits = Observation(
            now_ns, shown.full_at_ns, shown.kept_until_seconds, self._bucket.names
        )
        self._bucket.cache.put(key, of_limits, since)

    def _noted(self, key: str, denial: Decision, shown: _Shown, now_ns: int) -> Decision:
        """The denial by a block; the key's leases end, so that this process spends none either."""
        until_ns, cache = shown.blocked_ns, self._bucket.cache
        if cache.group.hot_keys is not None:
            cache.group.hot_keys.drop_leases(key)
        return blocked(denial, until_ns, now_ns)


def _start_of(remembered: int, now_ns: int, up_to_ns: int) -> int:
    """The least ``blocks`` by which so many blocks are remembered."""
    return now_ns + max(0, remembered - 1) * up_to_ns


def _shown(result: OperationResult) -> _Shown:
    violations_ns, blocked_ns, blocks_ns, *full_at_ns = known(result.full_at_ns)
    return _Shown(
        violations_ns, blocked_ns, blocks_ns, tuple(full_at_ns), result.expires_at_seconds or 0
    )
