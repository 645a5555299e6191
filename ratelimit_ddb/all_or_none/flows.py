"""The flows of several requests on one store."""

from __future__ import annotations

from collections.abc import Iterable

from ratelimit_ddb.all_or_none.request import Request
from ratelimit_ddb.bucket.decision import Decision
from ratelimit_ddb.errors import StoreError, StoreUnavailable
from ratelimit_ddb.operations.operation import Flow, JointFlow, ReadClock
from ratelimit_ddb.operations.together import outcome_of_outage, side_by_side


def take(several: list[Request]) -> JointFlow[None]:
    """Ask requests on one store, side by side; those for one key in turn."""
    clock = several[0].core.store.clock
    lanes = _by_key(several)
    try:
        if not clock.known and any(one.core.enabled for one in several):
            yield ReadClock()  # once for all of them
    except StoreUnavailable as outage:
        for flow in _begin(lanes):
            outcome_of_outage(flow, outage)
    else:
        yield from side_by_side(_begin(lanes), leaves_time=True)


def _begin(lanes: list[list[Request]]) -> list[Flow[None]]:
    """The flows for each key; none where one denies without the store."""
    flows: list[Flow[None]] = []
    for lane in lanes:
        first = lane[0]
        begun = first.begin()
        if isinstance(begun, Decision):
            first.outcome = begun
            if not begun.allowed:
                return []
        flows.append(_take_in_turn(lane, begun))
    return flows


def _take_in_turn(lane: list[Request], begun: Decision | Flow[Decision]) -> Flow[None]:
    """Ask the requests for one key, the first of which has begun."""
    yield from _outcome_of(lane[0], begun)
    for one in lane[1:]:
        yield from _outcome_of(one, one.begin())


def _outcome_of(request: Request, begun: Decision | Flow[Decision]) -> Flow[None]:
    try:
        request.outcome = begun if isinstance(begun, Decision) else (yield from begun)
    except StoreError as error:
        request.outcome = error


def give_back(several: list[Request]) -> JointFlow[list[StoreError]]:
    """Give back what requests on one store took; what was raised instead."""
    flows = [_give_back_in_turn(lane) for lane in _by_key(several)]
    failures: list[StoreError] = []
    for outcome in (yield from side_by_side(flows)):
        failures += [outcome] if isinstance(outcome, StoreError) else outcome
    return failures


def _give_back_in_turn(several: list[Request]) -> Flow[list[StoreError]]:
    """Give back what was taken of one key, last taken first."""
    failures = []
    for one in reversed(several):
        taken = None if one.decision is None else one.decision.taken
        if taken is not None:
            try:
                flow = one.core.refund_unreported(taken)
                one.refunded = yield from (flow if one.meter is None else one.meter.measured(flow))
            except StoreError as failure:
                failures.append(failure)
    return failures


def _by_key(several: Iterable[Request]) -> list[list[Request]]:
    groups: dict[str, list[Request]] = {}
    for one in several:
        groups.setdefault(one.key, []).append(one)
    return list(groups.values())
