"""A rule's limits: their bucket, and their names in header fields."""

from __future__ import annotations

import time
from functools import lru_cache

from ratelimit_ddb.bucket.block_lookup import BlockLookup
from ratelimit_ddb.bucket.bucket import Bucket
from ratelimit_ddb.bucket.decision import Decision
from ratelimit_ddb.bucket.observations import CacheGroup, Observation, ObservationCache
from ratelimit_ddb.bucket.times import BucketTimes
from ratelimit_ddb.bucket.violations import BlockPolicy, Violations
from ratelimit_ddb.limit import AnyLimit
from ratelimit_ddb.operations.operation import Flow
from ratelimit_ddb.quota import Quota
from ratelimit_ddb.web.rules.policy import item_name, policy_item, policy_name

_SOURCES_OF_LIMITS = ("table", "seen")
"""The sources of denials by the limits themselves."""


class QuotaPolicy:
    """Limits under a rule's name.

    Attributes:
        bucket: the limits, and the observations of their keys.
        smallest_burst: the largest cost of a request.
        names: by limit name, its name as a policy: the rule's, with the limit's if there are
            several.
        items: by limit name, that name as it is written in RateLimit.
        is_closed: whether it admits nothing: it stands for clients that are listed in ``deny``.
        violations: counts denials, and blocks after too many; None if the rule has no blocks.
        blocks: looks up whether a denial is due to a block.
    """

    __slots__ = (
        "_limits",
        "_policy_field",
        "blocks",
        "bucket",
        "is_closed",
        "items",
        "names",
        "smallest_burst",
        "violations",
    )

    def __init__(
        self,
        rule: str,
        limits: tuple[AnyLimit, ...],
        cache: ObservationCache[Observation],
        times: BucketTimes,
        of_blocks: ObservationCache[Observation],
    ) -> None:
        self.bucket = Bucket(limits, cache, times)
        self.violations: Violations | None = None
        self.blocks = BlockLookup(self.bucket, of_blocks)
        self.is_closed = False
        self.smallest_burst = min(limit.burst for limit in limits)
        self.names = {limit.name: policy_name(rule, limit, limits) for limit in limits}
        self.items = {name: item_name(policy) for name, policy in self.names.items()}
        self._limits = limits
        of_calendar = any(isinstance(limit, Quota) for limit in limits)
        self._policy_field = None if of_calendar else self._policy_field_at(0)

    @property
    def policy_field(self) -> tuple[str, str]:
        """The field RateLimit-Policy with all limits: its name and value."""
        return self._policy_field or self._policy_field_at(self.now_ns())

    @property
    def policy(self) -> str:
        """The value of RateLimit-Policy with all limits."""
        return self.policy_field[1]

    def after_denial(self, key: str, denial: Decision, cost: int) -> Flow[Decision] | None:
        """The flow that follows a denial; None for none.

        If the rule blocks after too many denials, the flow counts this one. Otherwise, if the
        denial lasts for longer than the limits alone would deny, it looks up whether that is a
        block.

        Args:
            key: the key as the table holds it.
            denial: the denial; one by an outage or a cost is not counted.
            cost: the tokens that were asked for.
        """
        if denial.source not in _SOURCES_OF_LIMITS:
            return None
        if self.violations is not None:
            return self.violations.count(key, denial)
        if self.blocks.may_deny(denial, cost, self.now_ns):
            return self.blocks.look_up(key, denial)
        return None

    def now_ns(self) -> int:
        """The table's time; the host's if that is not known."""
        clock = self.bucket.cache.group.clock
        return time.time_ns() if clock is None or not clock.known else clock.now_ns()

    def _policy_field_at(self, now_ns: int) -> tuple[str, str]:
        items = [policy_item(self.names[limit.name], limit, now_ns) for limit in self._limits]
        return "ratelimit-policy", ", ".join(items)


def closed_policy(
    rule: str, limits: tuple[AnyLimit, ...], group: CacheGroup, times: BucketTimes
) -> QuotaPolicy:
    """The quota of clients that are never let through: every cost is too large for it."""
    nothing = ObservationCache[Observation](2, group)
    quota = QuotaPolicy(rule, limits, nothing, times, nothing)
    quota.is_closed = True
    quota.smallest_burst = 0
    return quota


class QuotaPolicyCache:
    """A rule's quotas, one for each set of limits that its requests have.

    The first few sets have caches of their own, so that sets that alternate on one key, by method
    for instance, don't replace each other's observations. All further sets, such as one for each
    tenant, share a cache (P9).

    Args:
        rule: its name.
        seen_keys: how many keys each cache holds.
        times: how long observations, leases and calls may last.
        group: the caches of the store.
        blocks: when the rule blocks a key; None for never.
    """

    __slots__ = ("of",)

    _MOST_SETS = 1_024
    _MOST_MEMORIES = 8

    def __init__(
        self,
        rule: str,
        seen_keys: int,
        times: BucketTimes,
        group: CacheGroup,
        blocks: BlockPolicy | None = None,
    ) -> None:
        memories: dict[tuple[AnyLimit, ...], ObservationCache[Observation]] = {}
        shared = ObservationCache[Observation](seen_keys, group)
        of_blocks = ObservationCache[Observation](seen_keys, group)
        counted = ObservationCache[tuple[int, int]](seen_keys, group)

        def of(limits: tuple[AnyLimit, ...]) -> QuotaPolicy:
            if limits not in memories and len(memories) < self._MOST_MEMORIES:
                memories[limits] = ObservationCache(seen_keys, group)
            quota = QuotaPolicy(rule, limits, memories.get(limits, shared), times, of_blocks)
            if blocks is not None:
                quota.violations = Violations(quota.bucket, blocks, counted)
            return quota

        self.of = lru_cache(maxsize=self._MOST_SETS)(of)
