"""A rule's ``in_flight``: how many of its requests one identity may have under way at once."""

from __future__ import annotations

from typing import ClassVar

from ratelimit_ddb.bucket.decision import Decision
from ratelimit_ddb.slot_limit import SlotLimit
from ratelimit_ddb.web.rules.policy import concurrency_policy_item, item_name


def slot_limit_of(in_flight: int | SlotLimit | None) -> SlotLimit | None:
    """The limit that is meant; None for none.

    Raises:
        TypeError, ValueError: something else was given, or it is out of bounds.
    """
    if in_flight is None or isinstance(in_flight, SlotLimit):
        return in_flight
    try:
        return SlotLimit(in_flight)
    except (TypeError, ValueError) as error:
        raise type(error)(str(error).replace("slots", "in_flight", 1)) from None


class InFlightQuota:
    """A concurrency limit under a rule's name; beside other limits of the rule, one of its own.

    Attributes:
        limit: how many slots.
        names: the limit's name as a policy, by its own.
        policy: as it stands in RateLimit-Policy.
        policy_field: that field, with its name.
        items: by limit name, the name as it stands in RateLimit.
        bucket: None, unlike that of a QuotaPolicy.
        is_closed: False: who is never let through is denied before.
    """

    bucket: ClassVar[None] = None
    is_closed: ClassVar[bool] = False

    __slots__ = ("items", "limit", "names", "policy", "policy_field")

    def __init__(self, rule: str, limit: SlotLimit, *, has_other_limits: bool) -> None:
        self.limit = limit
        name = f"{rule}:{limit.name}" if has_other_limits else rule
        self.names = {limit.name: name}
        self.items = {limit.name: item_name(name)}
        self.policy = concurrency_policy_item(name, limit.slots)
        self.policy_field = ("ratelimit-policy", self.policy)

    def after_denial(self, key: str, denial: Decision, cost: int) -> None:
        """None: that all slots are held leads to nothing more."""
