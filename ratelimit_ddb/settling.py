"""Flows that charge, give back and settle, for limiters and for rules; in an outage too.

They return an outage and do not raise it: under ``on_outage="raise"`` the caller does, after it has
called ``on_decision``.
"""

from __future__ import annotations

from typing import NamedTuple

from ratelimit_ddb.bucket.bucket import Bucket
from ratelimit_ddb.bucket.decision import Decision, Taken
from ratelimit_ddb.decision_event import EventOperation
from ratelimit_ddb.errors import StoreUnavailable
from ratelimit_ddb.operations.operation import Flow
from ratelimit_ddb.outage import OutagePolicy


class Settlement(NamedTuple):
    """The result of charging or settling.

    Attributes:
        operation: ``"charge"`` or ``"refund"``.
        cost: the tokens of the charge or the refund.
        decision: for a charge, what ``peek`` would decide next; None for a refund.
        refunded: whether tokens were given back.
        outage: the exception, if the store gave no answer.
    """

    operation: EventOperation
    cost: int
    decision: Decision | None = None
    refunded: bool = False
    outage: StoreUnavailable | None = None


def charge(policy: OutagePolicy, bucket: Bucket, key: str, cost: int) -> Flow[Settlement]:
    """Take tokens, even if there are fewer."""
    try:
        decision = yield from bucket.charge(key, cost)
    except StoreUnavailable as outage:
        instead = policy.charge(bucket, key, cost)
        return Settlement("charge", cost, instead, outage=outage)
    return Settlement("charge", cost, decision)


def give_back(bucket: Bucket, taken: Taken, cost: int) -> Flow[Settlement]:
    """Give back tokens of a take. In an outage they stay taken, and count as given back."""
    try:
        refunded = yield from bucket.refund(taken, cost)
    except StoreUnavailable as outage:
        return Settlement("refund", cost, outage=outage)
    return Settlement("refund", cost, refunded=refunded)


def settle(
    policy: OutagePolicy, bucket: Bucket, key: str, taken: Taken | None, reserved: int, used: int
) -> Flow[Settlement] | None:
    """Charge what was used beyond what was reserved, or give the rest back; None for neither.

    Args:
        policy: decides in an outage.
        bucket: the limits.
        key: the key as the table holds it.
        taken: what the reservation took of the table; None for nothing, or if that is not known.
        reserved: tokens.
        used: tokens.
    """
    if used > reserved:
        return charge(policy, bucket, key, used - reserved)
    if used < reserved and taken is not None:
        return give_back(bucket, taken, reserved - used)
    return None
