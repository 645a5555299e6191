"""The header fields with a client's limits: the one place that makes them.

What an item looks like, and what its parameters are called, rules/policy.py says.

Source: draft-ietf-httpapi-ratelimit-headers-11, in the syntax of RFC 9651. A policy's quota is the
bucket's capacity and its window the time in which an empty bucket fills, so that what remains is
never more than the quota. ``t`` is the time until one more token is there, after a denial the time
until the same request is admitted; ``Retry-After`` says the same.

Where several limits are about a request:

- Denied, RateLimit, X-RateLimit-* and Retry-After speak of one of them: the denial that lasts
  longest.
- Admitted, RateLimit has an item of each rule, that of its limit with least left. X-RateLimit-*
  have room for one: the limit with the least remaining, of equal ones the one whose reset is last.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Literal

from ratelimit_ddb.bucket.decision import Decision
from ratelimit_ddb.limit import SECOND_NS, Limit
from ratelimit_ddb.slot_limit import SlotLimit
from ratelimit_ddb.web.response.answer import Fields
from ratelimit_ddb.web.rules.in_flight import InFlightQuota
from ratelimit_ddb.web.rules.policy import service_limit_item
from ratelimit_ddb.web.rules.quota_policy import QuotaPolicy
from ratelimit_ddb.web.rules.verdict import RuleDecision, Verdict

FieldStyle = Literal["standard", "x", "both", "none"]
"""Which fields responses have: RateLimit and RateLimit-Policy, X-RateLimit-*, both, or neither."""

_SOURCES_WITH_REMAINING = ("table", "seen", "blocked")
"""Sources of decisions that know what is left."""


def fields_for_style(style: FieldStyle) -> Callable[[Verdict], Fields]:
    """What makes the fields of the response to a request; rules in shadow mode have none.

    Raises:
        ValueError: there is no such style; with the value and the four that there are.
    """
    if style not in _STYLES:
        raise ValueError(f"fields {style!r}: 'standard', 'x', 'both' or 'none'")
    return _STYLES[style]


def retry_after_seconds(decision: Decision) -> int:
    """Whole seconds, rounded up, at least 1 (RFC 9110, 10.2.3)."""
    return max(1, -(-decision.retry_after_ns // SECOND_NS))


def merged_fields(fields_by_gate: Sequence[Fields], denied: Fields | None) -> Fields:
    """The fields of all gates that a request passed, as one response has them.

    Args:
        fields_by_gate: those of each gate, in the order of the decisions.
        denied: those of the gate that denied the request, and so has the last word; None where it
            was admitted.
    """
    by_gate = [dict(fields) for fields in fields_by_gate]
    last_word = by_gate if denied is None else [dict(denied)]
    merged: dict[str, str] = {}
    for name, sources in (("ratelimit-policy", by_gate), ("ratelimit", last_word)):
        values = [fields[name] for fields in sources if name in fields]
        if values:
            merged[name] = ", ".join(dict.fromkeys(values))
    x_fields_by_gate = [fields for fields in last_word if "x-ratelimit-limit" in fields]
    if x_fields_by_gate:
        binding = min(x_fields_by_gate, key=_x_remaining_and_reset)
        merged.update((name, value) for name, value in binding.items() if name[0] == "x")
    return tuple(merged.items())


def _x_remaining_and_reset(x_fields: Mapping[str, str]) -> tuple[int, int]:
    """What ``_remaining_and_reset`` gives, of the fields X-RateLimit-* themselves."""
    return int(x_fields["x-ratelimit-remaining"]), -int(x_fields["x-ratelimit-reset"])


def _standard(verdict: Verdict) -> Fields:
    decisions, _, charges = verdict
    if len(charges) > 1:
        return _standard_of_several(verdict)
    rule, quota, _, _ = charges[0]
    if not rule.enforce or quota.is_closed:
        return ()
    decision = decisions[0].decision
    if decision.source in _SOURCES_WITH_REMAINING:
        return (quota.policy_field, ("ratelimit", _item(quota, decision)))
    return (quota.policy_field,)


def _standard_of_several(verdict: Verdict) -> Fields:
    if verdict.denials and verdict.longest.charge.quota.is_closed:
        return ()  # no limit denies who is listed
    enforced = [
        charge for charge in verdict.charges if charge.rule.enforce and not charge.quota.is_closed
    ]
    if not enforced:
        return ()
    policy = ", ".join(dict.fromkeys([charge.quota.policy for charge in enforced]))
    shown = [verdict.longest] if verdict.denials else _enforced(verdict)
    items = [
        _item(one.charge.quota, one.decision)
        for one in _least_remaining_by_rule(shown)
        if one.decision.source in _SOURCES_WITH_REMAINING
    ]
    if not items:
        return (("ratelimit-policy", policy),)
    return (("ratelimit-policy", policy), ("ratelimit", ", ".join(items)))


def _least_remaining_by_rule(decisions: Iterable[RuleDecision]) -> Iterable[RuleDecision]:
    """Of a rule that charges several keys, the one with the least left; slots are told apart."""
    least: dict[tuple[str, bool], RuleDecision] = {}
    for one in decisions:
        kind = (one.rule, one.charge.quota.bucket is None)
        other = least.setdefault(kind, one)
        if other is one:
            continue  # the first of its rule, as nearly all are
        if _remaining_and_reset(one.decision) < _remaining_and_reset(other.decision):
            least[kind] = one
    return least.values()


def _remaining_and_reset(decision: Decision) -> tuple[int, int]:
    """Less the less remains and, of what remains alike, the later the reset."""
    return decision.remaining, -decision.reset_after_ns


def _item(quota: QuotaPolicy | InFlightQuota, decision: Decision) -> str:
    """What is left; ``t`` is until one token more, after a denial until the retry."""
    limit, remaining, more_in_ns = decision.limit, decision.remaining, decision.retry_after_ns
    if isinstance(limit, SlotLimit) or isinstance(quota, InFlightQuota):
        # When a holder will release its slot, nobody knows.
        retry_seconds = None if decision.allowed else retry_after_seconds(decision)
        return service_limit_item(quota.items[limit.name], remaining, retry_seconds)
    missing = limit.burst - remaining
    if not isinstance(limit, Limit):
        if decision.allowed:
            now_ns = quota.now_ns()
            more_in_ns = limit.calendar.window_at(now_ns).end_ns - now_ns
    elif decision.allowed and missing > 0:
        # With several limits, the reset may be another one's; a token's time is the most it is.
        more_in_ns = decision.reset_after_ns - (missing - 1) * limit.unit_ns
        if not 0 < more_in_ns <= limit.unit_ns:
            more_in_ns = limit.unit_ns
    return service_limit_item(quota.items[limit.name], remaining, -(-more_in_ns // SECOND_NS))


def _x(verdict: Verdict) -> Fields:
    shown = [verdict.longest] if verdict.denials else _enforced(verdict)
    known = [one.decision for one in shown if one.decision.source in _SOURCES_WITH_REMAINING]
    if not verdict.denials:  # of slots nobody knows when there are more
        known = [one for one in known if not isinstance(one.limit, SlotLimit)]
    if not known:
        return ()
    binding = min(known, key=_remaining_and_reset)
    full_at_seconds = -(-(time.time_ns() + binding.reset_after_ns) // SECOND_NS)
    return (
        ("x-ratelimit-limit", str(binding.limit.burst)),
        ("x-ratelimit-remaining", str(binding.remaining)),
        ("x-ratelimit-reset", str(full_at_seconds)),
    )


def _both(verdict: Verdict) -> Fields:
    return (*_standard(verdict), *_x(verdict))


def _none(_verdict: Verdict) -> Fields:
    return ()


def _enforced(verdict: Verdict) -> list[RuleDecision]:
    return [one for one in verdict.decisions if one.charge.rule.enforce]


_STYLES: dict[str, Callable[[Verdict], Fields]] = {
    "standard": _standard,
    "x": _x,
    "both": _both,
    "none": _none,
}
