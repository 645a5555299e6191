"""Refunds of what rules took for a request, side by side."""

from __future__ import annotations

from collections.abc import Sequence

from ratelimit_ddb.operations.meter import Meter
from ratelimit_ddb.operations.operation import Flow, JointFlow
from ratelimit_ddb.operations.together import raise_mistake, side_by_side
from ratelimit_ddb.web.rules.verdict import RuleDecision, with_usage


def refund_decisions(
    decisions: Sequence[RuleDecision], measures: bool
) -> JointFlow[list[RuleDecision]]:
    """Refund what these decisions took, side by side.

    Args:
        decisions: these.
        measures: whether to add to each decision what its refund took.

    Returns:
        them in their order, ``refunded`` where the refund was applied.

    Raises:
        StoreError: a mistake of set-up.
    """
    refunds = list(decisions)
    flows: dict[int, Flow[bool]] = {}
    meters: dict[int, Meter] = {}
    for index, one in enumerate(decisions):
        taken, bucket = one.decision.taken, one.charge.quota.bucket
        if taken is None or bucket is None or not taken.kept:
            continue
        flows[index] = bucket.refund(taken, None)
        if measures:
            meters[index] = Meter()
            flows[index] = meters[index].measured(flows[index])
    outcomes = yield from side_by_side(list(flows.values()))
    raise_mistake(outcomes)
    for index, outcome in zip(flows, outcomes, strict=True):
        # In an outage the tokens stay taken, and ``refunded`` is False.
        refunds[index] = refunds[index]._replace(refunded=outcome is True)
        if measures:
            refunds[index] = with_usage(refunds[index], meters[index])
    return refunds
