"""What the response to an admitted request gives back: ``Rule(give_back=...)``.

The tokens are taken before the application is called, so that concurrent requests all count. They
are given back when the response is known, before it starts: a client that has a response finds the
tokens given back. Each gate decides by the first response that passes it, once, even if the
application raises in the middle of that.

The tokens stay taken in an outage, and if the request was cancelled or its client disconnected
before there was a response.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from ratelimit_ddb.bucket.decision import Decision
from ratelimit_ddb.limit import Limit
from ratelimit_ddb.slot_limit import SlotLimit
from ratelimit_ddb.web.gate.awaitables import AwaitableFlow, maybe_await_bool
from ratelimit_ddb.web.gate.ledger import KEY, Entry, Ledger, LedgerGate, carrier_of
from ratelimit_ddb.web.gate.request_refund import RequestRefund, give_back, refund_of
from ratelimit_ddb.web.response.denial_response import Fields
from ratelimit_ddb.web.response_head import ResponseHead
from ratelimit_ddb.web.rules.rule import Rule
from ratelimit_ddb.web.rules.verdict import RuleDecision


def give_back_by_response(
    native: Any, head: ResponseHead, of_gate: Callable[[LedgerGate], bool]
) -> AwaitableFlow[None]:
    """Give back what the gates that a response passes took.

    Args:
        native: the request, as for ``ledger_for``.
        head: the response.
        of_gate: returns whether the response passes a gate.
    """
    entries = _entries_awaiting(native, of_gate)
    if entries:
        yield from give_back((yield from _refunds_by(head, entries)))


def keep_by_response(native: Any, of_gate: Callable[[LedgerGate], bool]) -> None:
    """Give nothing back of what these gates took, whatever response passes them later."""
    for entry in _entries_awaiting(native, of_gate):
        entry.has_response = True


def _entries_awaiting(native: Any, of_gate: Callable[[LedgerGate], bool]) -> list[Entry]:
    """The verdicts on a request of which its response may give tokens back."""
    ledger: Ledger | None = carrier_of(native).get(KEY)
    if ledger is None:
        return []
    return [
        entry
        for entry in ledger.entries
        if not entry.has_response and of_gate(entry.gate) and any(map(_may_give, _kept(entry)))
    ]


def _refunds_by(head: ResponseHead, entries: Iterable[Entry]) -> AwaitableFlow[list[RequestRefund]]:
    """The refunds by a response. The entries are not evaluated again for a later one."""
    refunds: list[RequestRefund] = []
    for entry in entries:
        entry.has_response = True
        answers: dict[str, bool] = {}
        for one in _kept(entry):
            rule = one.charge.rule
            if _may_give(one) and rule.name not in answers:
                answers[rule.name] = yield from _gives_back(rule, head)
        given = frozenset(name for name, gives in answers.items() if gives)
        if given:
            refunds.append(refund_of(entry, _of_rules(given), _fields_after))
    return refunds


def _kept(entry: Entry) -> Iterable[RuleDecision]:
    return (one for one in entry.verdict.decisions if one.decision.taken and not one.refunded)


def _may_give(one: RuleDecision) -> bool:
    return one.charge.rule.give_back is not None


def _of_rules(names: frozenset[str]) -> Callable[[RuleDecision], bool]:
    return lambda one: one.rule in names


def _gives_back(rule: Rule, head: ResponseHead) -> AwaitableFlow[bool]:
    if rule.give_back is None:
        return False
    return (yield from maybe_await_bool(f"rule {rule.name!r}: give_back", rule.give_back(head)))


def _fields_after(entry: Entry) -> Fields:
    """The header fields after the refund."""
    decisions = tuple(
        one._replace(decision=_with_tokens(one.decision, one.cost)) if one.refunded else one
        for one in entry.verdict.decisions
    )
    return entry.gate.fields_of(entry.verdict._replace(decisions=decisions))


def _with_tokens(decision: Decision, tokens: int) -> Decision:
    limit = decision.limit
    if isinstance(limit, SlotLimit):
        return decision  # its slot is released at the end of the response
    return decision._replace(
        remaining=min(limit.burst, decision.remaining + tokens),
        reset_after_ns=(
            max(0, decision.reset_after_ns - tokens * limit.unit_ns)
            if isinstance(limit, Limit)
            else decision.reset_after_ns
        ),
    )
