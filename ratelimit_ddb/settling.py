"""Charging and settling with what stands in for a store: flows for limiters and for the web."""

from __future__ import annotations

from ratelimit_ddb.bucket.bucket import Bucket
from ratelimit_ddb.bucket.decision import Decision, Taken
from ratelimit_ddb.errors import StoreUnavailable
from ratelimit_ddb.operations.operation import Flow
from ratelimit_ddb.outage import OutagePolicy


def charge(policy: OutagePolicy, bucket: Bucket, key: str, cost: int) -> Flow[Decision]:
    """Take tokens whether they are there or not; what ``peek`` would say next.

    Raises:
        StoreUnavailable: under ``on_outage="raise"``.
    """
    try:
        return (yield from bucket.charge(key, cost))
    except StoreUnavailable as outage:
        return policy.charge(outage, bucket, key, cost)


def settle(
    policy: OutagePolicy, bucket: Bucket, key: str, taken: Taken | None, reserved: int, used: int
) -> Flow[None]:
    """Charge what was used beyond what was reserved, or give the rest back.

    Args:
        policy: what is done without the store.
        bucket: the limits.
        key: the key as the table holds it.
        taken: what the reservation took of the table; None for nothing, or where nobody knows.
        reserved: tokens.
        used: tokens.

    Raises:
        StoreUnavailable: under ``on_outage="raise"``.
    """
    if used > reserved:
        yield from charge(policy, bucket, key, used - reserved)
    elif used < reserved and taken is not None:
        try:
            yield from bucket.refund(taken, reserved - used)
        except StoreUnavailable:
            if policy.on_outage == "raise":
                raise
