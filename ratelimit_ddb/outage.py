"""What a decision becomes when the store can't be reached: the caller's choice, made beforehand."""

from __future__ import annotations

from typing import Literal

from ratelimit_ddb.bucket.decision import Decision
from ratelimit_ddb.errors import StoreUnavailable
from ratelimit_ddb.limit import SECOND_NS, Limit

OnOutage = Literal["allow", "deny", "raise"]

RETRY_AFTER_OUTAGE_NS = SECOND_NS
"""Nobody knows when an outage ends; a denied caller is told to come back after a second."""


def decision_in_outage(on_outage: OnOutage, outage: StoreUnavailable, limit: Limit) -> Decision:
    """The decision that the policy makes; under ``"raise"`` the outage itself is raised."""
    if on_outage == "raise":
        raise outage
    if on_outage == "allow":
        return Decision(True, 0, 0, 0, limit, 0, "outage")
    return Decision(False, 0, RETRY_AFTER_OUTAGE_NS, RETRY_AFTER_OUTAGE_NS, limit, 0, "outage")
