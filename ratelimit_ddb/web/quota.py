"""A rule's limits at work: their bucket, and their names in header fields."""

from __future__ import annotations

from functools import lru_cache

from ratelimit_ddb.bucket import Bucket
from ratelimit_ddb.limit import Limit
from ratelimit_ddb.seen import Seen
from ratelimit_ddb.web.fields import item_name, policy_item, policy_name


class Quota:
    """Limits under a rule's name.

    Attributes:
        bucket: the limits, and what was seen of their keys.
        smallest_burst: what a request may cost at most.
        names: each limit's name as a policy: the rule's, with the limit's where there are several.
        policy: all of them as they stand in RateLimit-Policy.
        policy_field: that field, with its name.
        items: by limit name, the name as it stands in RateLimit.
    """

    __slots__ = ("bucket", "items", "names", "policy", "policy_field", "smallest_burst")

    def __init__(self, rule: str, limits: tuple[Limit, ...], seen: Seen, trust_ns: int) -> None:
        self.bucket = Bucket(limits, seen, trust_ns)
        self.smallest_burst = min(limit.burst for limit in limits)
        self.names = {limit.name: policy_name(rule, limit, limits) for limit in limits}
        self.items = {name: item_name(policy) for name, policy in self.names.items()}
        self.policy = ", ".join(policy_item(self.names[limit.name], limit) for limit in limits)
        self.policy_field = ("ratelimit-policy", self.policy)


class Quotas:
    """A rule's quotas, one for each set of limits that its requests have.

    Args:
        rule: its name.
        seen_keys: how many keys to remember for limits of the same names.
        trust_ns: for how long what was seen may deny.
    """

    __slots__ = ("of",)

    _MOST_SETS = 1_024
    _MOST_NAMINGS = 8

    def __init__(self, rule: str, seen_keys: int, trust_ns: int) -> None:
        # A plan's rate is not in the table, only the limits' names are: plans share what was seen.
        seen_of = lru_cache(maxsize=self._MOST_NAMINGS)(lambda _names: Seen(seen_keys))

        def of(limits: tuple[Limit, ...]) -> Quota:
            seen = seen_of(tuple(limit.name for limit in limits))
            return Quota(rule, limits, seen, trust_ns)

        self.of = lru_cache(maxsize=self._MOST_SETS)(of)
