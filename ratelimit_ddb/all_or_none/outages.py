"""What ``on_outage`` decides on several requests: all of them take, or none does (P3)."""

from __future__ import annotations

from ratelimit_ddb.all_or_none.request import Request
from ratelimit_ddb.errors import StoreUnavailable


def is_lost(request: Request) -> bool:
    """Whether the store gave no answer, and nothing has been decided in its place."""
    return isinstance(request.outcome, StoreUnavailable) and request.outage is None


def would_deny(request: Request, asked: list[Request]) -> bool:
    """Whether ``on_outage`` denies a request that got no answer, taking nothing.

    Args:
        request: the one.
        asked: all; those for the same bucket that got no answer either draw on it too.
    """
    policy = request.core.outage_policy
    return policy.denies(request.bucket, request.key, _cost_of_bucket(request, asked))


def decide_without_stores(asked: list[Request]) -> None:
    """Decide on the requests that got no answer; where one denies, none takes."""
    lost = [one for one in asked if is_lost(one)]
    takes = all(one.admitted or is_lost(one) for one in asked) and not any(
        would_deny(one, lost) for one in lost
    )
    # Where none takes, each is asked for what all want of its bucket.
    costs = [one.cost if takes else _cost_of_bucket(one, lost) for one in lost]
    for one, cost in zip(lost, costs, strict=True):
        if isinstance(one.outcome, StoreUnavailable):
            one.outage = one.outcome
            one.outcome = one.core.outage_policy.decide(
                one.outage, one.bucket, one.key, cost, 0, takes=takes
            )


def _cost_of_bucket(request: Request, asked: list[Request]) -> int:
    return sum(one.cost for one in asked if is_lost(one) and _are_of_one_bucket(one, request))


def _are_of_one_bucket(one: Request, other: Request) -> bool:
    return (
        one.core.store is other.core.store
        and one.key == other.key
        and one.bucket.limits == other.bucket.limits
    )
