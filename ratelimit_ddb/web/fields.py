"""The header fields that tell a client its limits: the one place that writes them.

Source: draft-ietf-httpapi-ratelimit-headers-10, in the syntax of RFC 9651. A policy's quota is the
bucket's capacity and its window the time in which an empty bucket fills, so that what remains is
never more than the quota. ``t`` is the time until one more token is there, after a denial the time
until the same request is admitted; ``Retry-After`` says the same.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Literal

from ratelimit_ddb.decision import Decision
from ratelimit_ddb.limit import SECOND_NS, Limit
from ratelimit_ddb.web.answer import Fields
from ratelimit_ddb.web.structured import parameters, string

if TYPE_CHECKING:
    from ratelimit_ddb.web.verdict import RuleDecision, Verdict

FieldStyle = Literal["standard", "x", "both", "none"]
"""Which fields responses have: RateLimit and RateLimit-Policy, X-RateLimit-*, both, or neither."""

_TELLING = ("table", "seen")
"""Sources of decisions that know what is left."""


def require_style(style: str) -> None:
    """Refuse a style that does not exist.

    Raises:
        ValueError: with the value and the four that there are.
    """
    if style not in ("standard", "x", "both", "none"):
        raise ValueError(f"fields {style!r}: 'standard', 'x', 'both' or 'none'")


def policy_name(rule: str, limit: Limit, limits: tuple[Limit, ...]) -> str:
    """What a limit is called towards clients: the rule's name, and its own where others are."""
    return rule if len(limits) == 1 else f"{rule}:{limit.name}"


def item_name(policy: str) -> str:
    """A policy's name as the fields have it."""
    return string(policy)


def policy_item(policy: str, limit: Limit) -> str:
    """A limit in RateLimit-Policy. A window of no whole number of seconds has no ``w``."""
    window_seconds = round(limit.window_ns / SECOND_NS)
    # A token's time is rounded up to a nanosecond, so a window may be a little over its seconds.
    whole = abs(limit.window_ns - window_seconds * SECOND_NS) <= limit.window_ns // 1_000
    window = [("w", window_seconds)] if whole and window_seconds > 0 else []
    return item_name(policy) + parameters([("q", limit.burst), *window])


def fields_of(verdict: Verdict, style: FieldStyle) -> Fields:
    """The fields of the response to a request; those of rules that are not enforced stay away."""
    if style == "none":
        return ()
    if len(verdict.charges) == 1 and style == "standard":
        return _of_one(verdict.decisions[0])
    told = [one for one in verdict.decisions if one.charge.rule.enforce]
    if not told:
        return ()  # in a denial there is the denying one, at least
    if style == "standard":
        return _standard(verdict, told)
    if style == "x":
        return _x(told)
    return (*_standard(verdict, told), *_x(told))


def retry_after_seconds(decision: Decision) -> int:
    """Whole seconds, rounded up, at least 1 (RFC 9110, 10.2.3)."""
    return max(1, -(-decision.retry_after_ns // SECOND_NS))


def _of_one(told: RuleDecision) -> Fields:
    """The hot path: one rule."""
    charge = told.charge
    if not charge.rule.enforce:
        return ()
    policy = ("ratelimit-policy", charge.quota.policy)
    if told.decision.source in _TELLING:
        return (policy, ("ratelimit", _item(told)))
    return (policy,)


def _standard(verdict: Verdict, told: list[RuleDecision]) -> Fields:
    enforced = [charge for charge in verdict.charges if charge.rule.enforce]
    policy = ", ".join([charge.quota.policy for charge in enforced])
    shown = verdict.denials or told
    items = [_item(one) for one in shown if one.decision.source in _TELLING]
    if not items:
        return (("ratelimit-policy", policy),)
    return (("ratelimit-policy", policy), ("ratelimit", ", ".join(items)))


def _item(told: RuleDecision) -> str:
    decision = told.decision
    name = told.charge.quota.items[decision.limit.name]
    return f"{name};r={decision.remaining};t={_more_in_seconds(decision)}"


def _more_in_seconds(decision: Decision) -> int:
    """Until the binding limit has one token more; after a denial, until the retry."""
    if not decision.allowed:
        return -(-decision.retry_after_ns // SECOND_NS)
    limit = decision.limit
    missing = limit.burst - decision.remaining
    if missing <= 0:
        return 0
    # With several limits, reset_after may be another one's; then a token's time is the most it is.
    next_ns = decision.reset_after_ns - (missing - 1) * limit.unit_ns
    if not 0 < next_ns <= limit.unit_ns:
        next_ns = limit.unit_ns
    return -(-next_ns // SECOND_NS)


def _x(told: list[RuleDecision]) -> Fields:
    known = [one.decision for one in told if one.decision.source in _TELLING]
    if not known:
        return ()
    binding = min(known, key=lambda decision: (decision.allowed, decision.remaining))
    full_at_seconds = -(-(time.time_ns() + binding.reset_after_ns) // SECOND_NS)
    return (
        ("x-ratelimit-limit", str(binding.limit.burst)),
        ("x-ratelimit-remaining", str(binding.remaining)),
        ("x-ratelimit-reset", str(full_at_seconds)),
    )
