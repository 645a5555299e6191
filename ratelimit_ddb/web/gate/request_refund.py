"""Refunds of what earlier gates took for a request.

If a request is denied, everything that middlewares, decorators and dependencies took for it before;
if a view has limits of its own, what rules with ``default=True`` took; and what the response gives
back (response_refund.py). All refunds on one store are sent side by side, within what is left of
the deadline.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from ratelimit_ddb.operations.operation import JointFlow
from ratelimit_ddb.operations.steps import OnStore
from ratelimit_ddb.web.gate.awaitables import AwaitableFlow
from ratelimit_ddb.web.gate.decision_refunds import refund_decisions
from ratelimit_ddb.web.gate.ledger import Entry, Ledger
from ratelimit_ddb.web.response.denial_response import Fields
from ratelimit_ddb.web.rules.verdict import RuleDecision, Verdict

IsDue = Callable[[RuleDecision], bool]
"""Returns whether the tokens of a decision are to be given back."""
FieldsAfter = Callable[[Entry], Fields]
"""Returns the header fields of an entry after a refund."""


class RequestRefund(NamedTuple):
    """The refunds on one store.

    Attributes:
        entries: the entries whose decisions are refunded.
        on_store: refunds them, and marks them in the entries.
    """

    entries: list[Entry]
    on_store: OnStore


def refunds_due(ledger: Ledger, verdict: Verdict) -> list[RequestRefund]:
    """The refunds of earlier verdicts that a verdict causes."""
    everything = not verdict.allowed
    by_store: dict[int, list[Entry]] = {}
    for entry in ledger.entries:
        if entry.is_served:
            continue
        if everything or any(charge.rule.default for charge in entry.verdict.charges):
            by_store.setdefault(id(entry.gate.store), []).append(entry)
    is_due, fields_after = (_everything, None) if everything else (_default, _without_defaults)
    return [
        _refund(entries, max(entry.left_ns for entry in entries), is_due, fields_after)
        for entries in by_store.values()
    ]


def refunds_of(entries: Iterable[Entry]) -> list[RequestRefund]:
    """The refunds of entries after the application has answered.

    They have the gates' whole deadline again: the application may have taken any time.
    """
    by_store: dict[int, list[Entry]] = {}
    for entry in entries:
        if not entry.is_served:
            by_store.setdefault(id(entry.gate.store), []).append(entry)
    return [
        _refund(each, max(entry.gate.timeout_ns for entry in each), _everything, None)
        for each in by_store.values()
    ]


def refund_of(entry: Entry, is_due: IsDue, fields_after: FieldsAfter) -> RequestRefund:
    """The refund of one gate's verdict after the application has answered.

    It has the gate's whole deadline again: the application may have taken any time.
    """
    return _refund([entry], entry.gate.timeout_ns, is_due, fields_after)


def give_back(refunds: Sequence[RequestRefund]) -> AwaitableFlow[None]:
    """Carry out refunds, and call each gate's ``on_decision`` with those that were applied."""
    for refund in refunds:
        yield refund.on_store
    for refund in refunds:
        for entry in refund.entries:
            entry.gate.report(entry.refunds)


def _refund(
    entries: list[Entry], timeout_ns: int, is_due: IsDue, fields_after: FieldsAfter | None
) -> RequestRefund:
    gate = entries[0].gate
    flow = _marking(entries, is_due, fields_after)
    return RequestRefund(entries, OnStore(flow, gate.store, timeout_ns, gate.breaker))


def _marking(
    entries: list[Entry], is_due: IsDue, fields_after: FieldsAfter | None
) -> JointFlow[None]:
    due = [
        (entry, index, one)
        for entry in entries
        for index, one in enumerate(entry.verdict.decisions)
        if not one.refunded and is_due(one)
    ]
    refunds = yield from refund_decisions(
        [_refund_of(one) for _, _, one in due],
        measures=any(entry.gate.has_on_decision for entry in entries),
    )
    for entry in entries:
        decisions = list(entry.verdict.decisions)
        entry.refunds = []
        for (of, index, _), one in zip(due, refunds, strict=True):
            if of is entry and one.refunded:
                decisions[index] = decisions[index]._replace(refunded=True)
                entry.refunds.append(one)
        entry.verdict = entry.verdict._replace(decisions=tuple(decisions))
        if fields_after is not None:
            entry.fields = fields_after(entry)


def _refund_of(decision: RuleDecision) -> RuleDecision:
    """The event of the refund, before it is measured."""
    return decision._replace(latency_ns=0, calls=0, capacity_units=0.0, operation="refund")


def _everything(_decision: RuleDecision) -> bool:
    return True


def _default(decision: RuleDecision) -> bool:
    return decision.charge.rule.default


def _without_defaults(entry: Entry) -> Fields:
    verdict = entry.verdict
    charges = tuple(one for one in verdict.charges if not one.rule.default)
    if not charges:
        return ()
    decisions = tuple(one for one in verdict.decisions if not one.charge.rule.default)
    return entry.gate.fields_of(Verdict(decisions, (), charges))
