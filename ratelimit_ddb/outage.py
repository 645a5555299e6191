"""What a decision becomes when the store can't be reached: the caller's choice, made beforehand."""

from __future__ import annotations

from typing import Literal

from ratelimit_ddb.decision import Decision
from ratelimit_ddb.errors import StoreUnavailable
from ratelimit_ddb.limit import SECOND_NS, Limit

OnOutage = Literal["allow", "deny", "raise"]

RETRY_AFTER_OUTAGE_NS = SECOND_NS
"""Nobody knows when an outage ends; a denied caller is told to come back after a second."""


def require_policy(on_outage: str) -> None:
    """Refuse a policy that does not exist.

    Raises:
        ValueError: with the value and the three that there are.
    """
    if on_outage not in ("allow", "deny", "raise"):
        raise ValueError(f"on_outage {on_outage!r}: 'allow', 'deny' or 'raise'")


def decision_in_outage(on_outage: OnOutage, outage: StoreUnavailable, limit: Limit) -> Decision:
    """The decision that the policy makes; under ``"raise"`` the outage itself is raised."""
    if on_outage == "raise":
        raise outage
    if on_outage == "allow":
        return Decision(True, 0, 0, 0, limit, 0, "outage")
    return Decision(False, 0, RETRY_AFTER_OUTAGE_NS, RETRY_AFTER_OUTAGE_NS, limit, 0, "outage")
