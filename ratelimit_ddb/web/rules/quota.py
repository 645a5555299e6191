"""A rule's limits at work: their bucket, and their names in header fields."""

from __future__ import annotations

from functools import lru_cache

from ratelimit_ddb.bucket.bucket import Bucket
from ratelimit_ddb.bucket.observations import CacheGroup, ObservationCache
from ratelimit_ddb.bucket.times import BucketTimes
from ratelimit_ddb.bucket.violations import BlockPolicy, Violations
from ratelimit_ddb.limit import Limit
from ratelimit_ddb.web.rules.policy import item_name, policy_item, policy_name


class Quota:
    """Limits under a rule's name.

    Attributes:
        bucket: the limits, and what was seen of their keys.
        smallest_burst: what a request may cost at most.
        names: each limit's name as a policy: the rule's, with the limit's where there are several.
        policy: all of them as they stand in RateLimit-Policy.
        policy_field: that field, with its name.
        items: by limit name, the name as it stands in RateLimit.
        violations: counts denials, and blocks after too many; None where nothing does.
    """

    __slots__ = (
        "bucket",
        "items",
        "names",
        "policy",
        "policy_field",
        "smallest_burst",
        "violations",
    )

    def __init__(
        self, rule: str, limits: tuple[Limit, ...], cache: ObservationCache, times: BucketTimes
    ) -> None:
        self.bucket = Bucket(limits, cache, times)
        self.violations: Violations | None = None
        self.smallest_burst = min(limit.burst for limit in limits)
        self.names = {limit.name: policy_name(rule, limit, limits) for limit in limits}
        self.items = {name: item_name(policy) for name, policy in self.names.items()}
        self.policy = ", ".join(policy_item(self.names[limit.name], limit) for limit in limits)
        self.policy_field = ("ratelimit-policy", self.policy)


class QuotaCache:
    """A rule's quotas, one for each set of limits that its requests have.

    The first few sets remember keys apart, so that those which alternate on one key (by method,
    say) don't displace each other; all further ones, such as one a tenant, share a memory (P9).

    Args:
        rule: its name.
        seen_keys: how many keys each memory holds.
        times: how long observations, leases and calls may last.
        group: what the store's limiters and rules have seen.
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
        memories: dict[tuple[Limit, ...], ObservationCache] = {}
        shared = ObservationCache(seen_keys, group)
        of_blocks = None if blocks is None else ObservationCache(seen_keys, group)

        def of(limits: tuple[Limit, ...]) -> Quota:
            if limits not in memories and len(memories) < self._MOST_MEMORIES:
                memories[limits] = ObservationCache(seen_keys, group)
            quota = Quota(rule, limits, memories.get(limits, shared), times)
            if blocks is not None and of_blocks is not None:
                quota.violations = Violations(quota.bucket, blocks, of_blocks)
            return quota

        self.of = lru_cache(maxsize=self._MOST_SETS)(of)
