"""From a request to what each rule asks of it: whose bucket, which limits, how many tokens.

The flows yield what a rule's functions gave where that must be awaited (awaitables.py).
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from typing import Any

from ratelimit_ddb.key import part_text, text_under, text_within
from ratelimit_ddb.limit import limits_of, not_an_integer
from ratelimit_ddb.tuple_new import tuple_new
from ratelimit_ddb.web.gate.awaitables import Settling, settled
from ratelimit_ddb.web.request import Request
from ratelimit_ddb.web.rules.preflight import is_preflight
from ratelimit_ddb.web.rules.quota import Quota
from ratelimit_ddb.web.rules.rule import Rule
from ratelimit_ddb.web.rules.rule_set import ReadyRule, Rulebook
from ratelimit_ddb.web.rules.verdict import Charge


def charges_of(book: Rulebook, request: Request) -> list[Charge] | Settling[list[Charge]]:
    """What the rules ask of a request, in their order; a flow where something may be awaited."""
    asked: list[Charge] = []
    found = book.about(request)
    if request.method == "OPTIONS" and is_preflight(request):
        found = [ready for ready in found if ready.rule.methods is not None]
    rules = iter(found)
    for ready in rules:
        if not ready.plain:
            return _further(_charge_of(book, ready, request), rules, asked, book, request)
        rule = ready.rule
        identity = rule.by(request)
        if not identity or type(identity) is not str:
            return _further(_charge(book, ready, request, identity), rules, asked, book, request)
        key = text_under(ready.prefix, identity)
        asked.append(tuple_new(Charge, (rule, ready.quota, key, rule.cost)))
    return asked


def _further(
    flow: Settling[list[Charge]],
    rules: Iterator[ReadyRule],
    asked: list[Charge],
    book: Rulebook,
    request: Request,
) -> Settling[list[Charge]]:
    """What was asked already, with the flow's charge and those of the rules that are left."""
    asked.extend((yield from flow))
    for ready in rules:
        asked.extend((yield from _charge_of(book, ready, request)))
    return asked


def charges_of_message(book: Rulebook, request: Request) -> Settling[list[Charge]]:
    """What the rules ask of each message that comes in on a websocket, by its handshake."""
    asked: list[Charge] = []
    for ready in book.about(request):
        if ready.messages is None or (yield from _is_exempt(ready.rule, request)):
            continue
        identity = yield from settled(ready.rule.by(request))
        if identity is not None:
            keys = [
                text_within(book.namespace, (*parts, "messages"))
                for parts in _parts(book, ready.rule, identity, request)
            ]
            asked.extend([Charge(ready.rule, ready.messages, key, 1) for key in keys])
    return asked


def _charge(
    book: Rulebook, ready: ReadyRule, request: Request, identified: Any
) -> Settling[list[Charge]]:
    rule = ready.rule
    identity = yield from settled(identified)
    if identity is None:
        return []
    quota = ready.quota or (yield from _quota(ready, request))
    cost = rule.cost
    if callable(cost):
        cost = yield from settled(cost(request))
        _require_cost(rule, cost)
    if quota is None or not cost:
        return []
    keys = [text_within(book.namespace, parts) for parts in _parts(book, rule, identity, request)]
    return [Charge(rule, quota, key, cost) for key in keys]


def _charge_of(book: Rulebook, ready: ReadyRule, request: Request) -> Settling[list[Charge]]:
    rule = ready.rule
    if rule.limits is None or (yield from _is_exempt(rule, request)):
        return []
    return (yield from _charge(book, ready, request, rule.by(request)))


def _is_exempt(rule: Rule, request: Request) -> Settling[bool]:
    if rule.exempt is None:
        return False
    found = yield from settled(rule.exempt(request))
    if inspect.isroutine(found):
        # It is true, and would exempt all requests.
        raise TypeError(
            f"rule {rule.name!r}: exempt gave {found!r}: must be True or False; call what makes "
            "the function when the rule is made"
        )
    return bool(found)


def _quota(ready: ReadyRule, request: Request) -> Settling[Quota | None]:
    if not callable(ready.rule.limits):
        return None
    given = yield from settled(ready.rule.limits(request))
    return None if given is None else ready.quotas.of(limits_of(given))


def _require_cost(rule: Rule, cost: Any) -> None:
    if type(cost) is not int:
        raise not_an_integer(f"rule {rule.name!r}: cost", cost)
    if cost < 0:
        raise ValueError(f"rule {rule.name!r}: cost {cost}: at least 0 is needed")


def _parts(book: Rulebook, rule: Rule, identity: Any, request: Request) -> list[tuple[str, ...]]:
    """What the key of each bucket is made of, in an order that doesn't depend on the process."""
    several = identity if isinstance(identity, AbstractSet) else (identity,)
    if not several:
        raise _empty(rule, identity)
    identities = sorted({_of_identity(rule, one) for one in several})
    if rule.scope == "rule":
        return [(rule.name, *parts) for parts in identities]
    endpoint = request.endpoint
    if endpoint is None and book.endpoint_of is not None:
        endpoint = book.endpoint_of(request)
    return [(rule.name, *parts, endpoint or rule.path) for parts in identities]


def _of_identity(rule: Rule, identity: object) -> tuple[str, ...]:
    given = identity if isinstance(identity, tuple) else (identity,)
    parts = tuple([text for part in given if (text := part_text(part)) is not None])
    if len(parts) < len(given):
        raise TypeError(
            f"rule {rule.name!r}: identity {identity!r}: must be a str, an int (bool excepted), a "
            "tuple of these, or a set of keys; for any other id, give str(id)"
        )
    if not any(parts):
        raise _empty(rule, identity)
    return parts


def _empty(rule: Rule, identity: object) -> ValueError:
    return ValueError(
        f"rule {rule.name!r}: identity {identity!r}: it is empty; None is for a request that "
        "the rule is not about"
    )
