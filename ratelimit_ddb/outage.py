"""The decision where the store can't be reached: ``on_outage``."""

from __future__ import annotations

from typing import Literal

from ratelimit_ddb.bucket.decision import Decision
from ratelimit_ddb.errors import StoreUnavailable
from ratelimit_ddb.limit import SECOND_NS, Limit

OnOutage = Literal["allow", "deny", "raise"]

RETRY_AFTER_OUTAGE_NS = SECOND_NS
"""The ``retry_after`` of a denial in an outage: one second, since nobody knows when it ends."""


def decision_in_outage(on_outage: OnOutage, outage: StoreUnavailable, limit: Limit) -> Decision:
    """The decision that ``on_outage`` makes; under ``"raise"`` the outage itself is raised."""
    if on_outage == "raise":
        raise outage
    if on_outage == "allow":
        return Decision(True, 0, 0, 0, limit, 0, "outage")
    return Decision(False, 0, RETRY_AFTER_OUTAGE_NS, RETRY_AFTER_OUTAGE_NS, limit, 0, "outage")
