"""What each rule charges for a request: whose bucket, which limits, how many tokens, which slots.

A rule's functions may return awaitables; the flows here yield those (awaitables.py). Each function
is called once for a request.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from ddbwire.tuple_new import tuple_new
from ratelimit_ddb.arguments import named, require_int_from
from ratelimit_ddb.key import key_text_under, namespaced_key_text, slots_key_text
from ratelimit_ddb.limit import parse_limits
from ratelimit_ddb.stored_limits.stored import require_name
from ratelimit_ddb.web.gate.awaitables import AwaitableFlow, maybe_await, maybe_await_bool
from ratelimit_ddb.web.gate.stored_reads import ReadingFlow, StoredRead
from ratelimit_ddb.web.request import Request
from ratelimit_ddb.web.rules.bucket_keys import key_parts
from ratelimit_ddb.web.rules.preflight import is_preflight
from ratelimit_ddb.web.rules.quota_policy import QuotaPolicy
from ratelimit_ddb.web.rules.rule import Rule
from ratelimit_ddb.web.rules.rule_set import CompiledRule, RuleSet, StoredRule, all_spellings
from ratelimit_ddb.web.rules.verdict import Charge, Claim


class Asked(NamedTuple):
    """What the rules charge for one request.

    Attributes:
        charges: tokens.
        claims: slots.
    """

    charges: list[Charge]
    claims: list[Claim]


def charges_of(rules: RuleSet, request: Request) -> list[Charge] | ReadingFlow[Asked]:
    """What the rules charge, in their order.

    Returns:
        the charges; or a flow that finds charges and claims, if a rule claims slots or may return
        an awaitable.
    """
    charges: list[Charge] = []
    matching = rules.matching(request)
    if request.method == "OPTIONS" and is_preflight(request):
        matching = [
            compiled for compiled in matching if _charges_preflights(compiled) or compiled.deny
        ]
    rest = iter(matching)
    for compiled in rest:
        if not compiled.is_static:
            flow = _asked_by(rules, compiled, request)
            return _with_flows(charges, flow, rest, rules, request)
        rule = compiled.rule
        identity = rule.by(request)
        if not identity or type(identity) is not str:
            flow = _asked_of(rules, compiled, request, identity)
            return _with_flows(charges, flow, rest, rules, request)
        key = key_text_under(compiled.prefix, identity)
        charges.append(tuple_new(Charge, (rule, compiled.quota, key, rule.cost)))
    return charges


def _with_flows(
    charges: list[Charge],
    flow: ReadingFlow[Asked],
    rest: Iterator[CompiledRule],
    rules: RuleSet,
    request: Request,
) -> ReadingFlow[Asked]:
    """The charges so far, and those of the flow and of the rest of the rules."""
    asked = yield from flow
    charges.extend(asked.charges)
    claims = asked.claims
    for compiled in rest:
        asked = yield from _asked_by(rules, compiled, request)
        charges.extend(asked.charges)
        claims.extend(asked.claims)
    return Asked(charges, claims)


def charges_of_message(rules: RuleSet, request: Request) -> AwaitableFlow[list[Charge]]:
    """What the rules charge for each message of a websocket, by its handshake."""
    charges: list[Charge] = []
    for compiled in rules.matching(request):
        if compiled.messages is None:
            continue
        identity = yield from _unless_exempt(compiled, request)
        if identity is not None:
            keys = [
                namespaced_key_text(rules.namespace, (*parts, "messages"))
                for parts in _parts(rules, compiled.rule, identity, request)
            ]
            charges.extend([Charge(compiled.rule, compiled.messages, key, 1) for key in keys])
    return charges


def _asked_by(rules: RuleSet, compiled: CompiledRule, request: Request) -> ReadingFlow[Asked]:
    """What a rule charges for a request that it matches; nothing if that is exempt."""
    rule, deny = compiled.rule, compiled.deny
    listed = (yield from maybe_await(rule.by(request))) if compiled.lists_keys else None
    if deny is not None and deny.denies(request, listed):
        key = _key_of_denied(rules, rule, request)
        return Asked([Charge(rule, compiled.closed, key, 1)], [])
    if rule.limits is None and compiled.in_flight is None:
        return Asked([], [])
    if (yield from _is_exempt(compiled, request, listed)):
        return Asked([], [])
    if request.method == "OPTIONS" and not _charges_preflights(compiled) and is_preflight(request):
        return Asked([], [])
    identified = listed if compiled.lists_keys else rule.by(request)
    return (yield from _asked_of(rules, compiled, request, identified))


def _asked_of(
    rules: RuleSet, compiled: CompiledRule, request: Request, identified: Any
) -> ReadingFlow[Asked]:
    """What a rule charges an identity."""
    rule, in_flight = compiled.rule, compiled.in_flight
    identity = yield from maybe_await(identified)
    if identity is None:
        return Asked([], [])
    quota = compiled.quota or (yield from _quota(compiled, request))
    cost = 0 if quota is None else (yield from _cost(rule, request))
    if not cost and in_flight is None:
        return Asked([], [])
    keys = [
        namespaced_key_text(rules.namespace, parts)
        for parts in _parts(rules, rule, identity, request)
    ]
    asked = Asked([], [])
    if quota is not None and cost:
        asked.charges.extend([Charge(rule, quota, key, cost) for key in keys])
    if in_flight is not None:
        asked.claims.extend([Claim(rule, in_flight, slots_key_text(key)) for key in keys])
    return asked


def _cost(rule: Rule, request: Request) -> AwaitableFlow[int]:
    cost = rule.cost
    if callable(cost):
        cost = yield from maybe_await(cost(request))
        if type(cost) is not int or cost < 0:
            cost = require_int_from(f"rule {rule.name!r}: cost", cost, 0)
        if rule.reserves:
            # An estimate of 0 is not free: the use is settled later, and debts are waited out.
            return max(cost, 1)
    return cost


def _charges_preflights(compiled: CompiledRule) -> bool:
    return compiled.rule.methods is not None


def _key_of_denied(rules: RuleSet, rule: Rule, request: Request) -> str:
    """The key in the events of listed clients; nothing is stored under it."""
    return namespaced_key_text(rules.namespace, (rule.name, "denied", request.client or "unknown"))


def _unless_exempt(compiled: CompiledRule, request: Request) -> AwaitableFlow[Any]:
    """The identity; None if there is none, or if the request is exempt or allowed."""
    by, goes_by_keys = compiled.rule.by, compiled.lists_keys
    listed = (yield from maybe_await(by(request))) if goes_by_keys else None
    if (yield from _is_exempt(compiled, request, listed)):
        return None
    return listed if goes_by_keys else (yield from maybe_await(by(request)))


def _is_exempt(compiled: CompiledRule, request: Request, listed: Any) -> AwaitableFlow[bool]:
    rule = compiled.rule
    if compiled.allow is not None and compiled.allow.allows(request, listed):
        return True
    if rule.exempt is None:
        return False
    return (yield from maybe_await_bool(f"rule {rule.name!r}: exempt", rule.exempt(request)))


def _quota(compiled: CompiledRule, request: Request) -> ReadingFlow[QuotaPolicy | None]:
    if compiled.stored is not None:
        return (yield from _stored_quota(compiled, compiled.stored, request))
    if not callable(compiled.rule.limits):
        return None
    given = yield from maybe_await(compiled.rule.limits(request))
    if given is None:
        return None
    try:
        return compiled.quotas.of(parse_limits(given))
    except (TypeError, ValueError) as error:
        raise named(f"rule {compiled.rule.name!r}", error) from None


def _stored_quota(
    compiled: CompiledRule, stored: StoredRule, request: Request
) -> ReadingFlow[QuotaPolicy | None]:
    name = stored.name
    if callable(name):
        found = yield from maybe_await(name(request))
        if found is None:
            return None
        try:
            name = require_name(found)
        except (TypeError, ValueError) as error:
            raise named(f"rule {compiled.rule.name!r}", error) from None
    limits = stored.cache.fresh(name)
    if limits is None:
        limits = yield StoredRead(stored.cache.refresh(name))
    return compiled.quotas.of(limits)


def _parts(rules: RuleSet, rule: Rule, identity: Any, request: Request) -> list[tuple[str, ...]]:
    endpoint = _endpoint(rules, rule, request) if rule.scope == "endpoint" else ""
    return key_parts(rule, identity, endpoint)


def _endpoint(rules: RuleSet, rule: Rule, request: Request) -> str:
    endpoint = request.endpoint
    if endpoint is None and rules.endpoint_of is not None:
        endpoint = rules.endpoint_of(request)
        if endpoint is not None and not isinstance(endpoint, str):
            raise TypeError(
                f"rule {rule.name!r}: endpoint_of gave {endpoint!r}: must be a route such as "
                "'/users/{id}', or None"
            )
    return endpoint or rule.pattern_of(all_spellings(request))
