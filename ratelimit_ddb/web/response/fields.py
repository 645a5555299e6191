"""The RateLimit, RateLimit-Policy, X-RateLimit-* and Retry-After fields of a response.

The format of an item and the names of its parameters are in rules/policy.py.

Source: draft-ietf-httpapi-ratelimit-headers-11, in the syntax of RFC 9651. A policy's quota is the
bucket's capacity and its window the time in which an empty bucket fills, so that the remaining
tokens never exceed the quota. ``t`` is the time until there is one more token; after a denial, the
time until the same request is admitted, as in ``Retry-After``.

If several limits apply to a request:

- If it is denied, RateLimit, X-RateLimit-* and Retry-After describe the denial that lasts longest.
- If it is admitted, RateLimit has an item for each rule: its limit with the fewest tokens left.
  X-RateLimit-* can describe one limit only: the one with the fewest tokens left, of equal ones the
  one with the latest reset.

If the application tells of limits too, its own or those of a service behind it: RateLimit and
RateLimit-Policy are lists, which are added to; X-RateLimit-* stay as the application sent them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Literal

from ratelimit_ddb.bucket.decision import Decision
from ratelimit_ddb.limit import SECOND_NS, Limit
from ratelimit_ddb.slot_limit import SlotLimit
from ratelimit_ddb.web.response.denial_response import Fields
from ratelimit_ddb.web.rules.in_flight import InFlightQuota
from ratelimit_ddb.web.rules.policy import service_limit_item
from ratelimit_ddb.web.rules.quota_policy import QuotaPolicy
from ratelimit_ddb.web.rules.verdict import RuleDecision, Verdict

FieldStyle = Literal["standard", "x", "both", "none"]
"""The fields of responses: RateLimit and RateLimit-Policy, X-RateLimit-*, both, or neither."""

_X_FIELDS = ("x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset")

_SOURCES_WITH_REMAINING = ("table", "seen", "blocked")
"""The sources of decisions whose ``remaining`` is known."""


def fields_for_style(style: FieldStyle) -> Callable[[Verdict], Fields]:
    """The function that makes the fields of a verdict; rules in shadow mode have none.

    Raises:
        ValueError: there is no such style; the message has the value and the four that exist.
    """
    if style not in _STYLES:
        raise ValueError(f"fields {style!r}: 'standard', 'x', 'both' or 'none'")
    return _STYLES[style]


def retry_after_seconds(decision: Decision) -> int:
    """Whole seconds, rounded up, at least 1 (RFC 9110, 10.2.3)."""
    return max(1, -(-decision.retry_after_ns // SECOND_NS))


def merged_fields(fields_by_gate: Sequence[Fields], denied: Fields | None) -> Fields:
    """The fields of all gates that a request passed, merged for one response.

    Args:
        fields_by_gate: the fields of each gate, in the order of the decisions.
        denied: the fields of the gate that denied the request, which take precedence; None if it
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


def fields_beside(names: Iterable[str], fields: Fields) -> Fields:
    """The fields of limits to add to a response.

    Args:
        names: the names of the fields that it has, in any case.
        fields: the fields of limits, as ``merged_fields`` and the styles order them.
    """
    if not fields or fields[-1][0] not in _X_FIELDS:
        return fields
    if not any(name.lower() in _X_FIELDS for name in names):
        return fields
    return tuple([field for field in fields if field[0] not in _X_FIELDS])


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
        return ()  # a listed client is not denied by a limit
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
    """For each rule, the decision with the least left; slots are kept apart from tokens."""
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
    """A sort key: the fewest tokens left first; of equal ones, the latest reset."""
    return decision.remaining, -decision.reset_after_ns


def _item(quota: QuotaPolicy | InFlightQuota, decision: Decision) -> str:
    """The item of a decision in RateLimit; see above for ``t``."""
    limit, remaining, more_in_ns = decision.limit, decision.remaining, decision.retry_after_ns
    if isinstance(limit, SlotLimit) or isinstance(quota, InFlightQuota):
        # When a holder will release its slot is not known.
        retry_seconds = None if decision.allowed else retry_after_seconds(decision)
        return service_limit_item(quota.items[limit.name], remaining, retry_seconds)
    missing = limit.burst - remaining
    if not isinstance(limit, Limit):
        if decision.allowed:
            now_ns = quota.now_ns()
            more_in_ns = limit.calendar.window_at(now_ns).end_ns - now_ns
    elif decision.allowed and missing > 0:
        # With several limits the reset may be a later one's; at most it takes a token's time.
        more_in_ns = decision.reset_after_ns - (missing - 1) * limit.unit_ns
        more_in_ns = min(more_in_ns, limit.unit_ns)
    return service_limit_item(quota.items[limit.name], remaining, -(-more_in_ns // SECOND_NS))


def _x(verdict: Verdict) -> Fields:
    shown = [verdict.longest] if verdict.denials else _enforced(verdict)
    known = [one.decision for one in shown if one.decision.source in _SOURCES_WITH_REMAINING]
    if not verdict.denials:  # it is not known when a slot will be free
        known = [one for one in known if not isinstance(one.limit, SlotLimit)]
    if not known:
        return ()
    binding = min(known, key=_remaining_and_reset)
    full_at_seconds = -(-(time.time_ns() + binding.reset_after_ns) // SECOND_NS)
    values = (str(binding.limit.burst), str(binding.remaining), str(full_at_seconds))
    return tuple(zip(_X_FIELDS, values, strict=True))


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
