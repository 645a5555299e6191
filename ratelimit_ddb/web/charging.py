"""From a request to what each rule asks of it: whose bucket, which limits, how many tokens.

The flows yield what a rule's functions gave where that must be awaited (settle.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ratelimit_ddb.key import KeyGiven, text_of, text_under
from ratelimit_ddb.limit import limits_of, not_an_integer
from ratelimit_ddb.made import made
from ratelimit_ddb.web.quota import Quota
from ratelimit_ddb.web.request import Request
from ratelimit_ddb.web.rule import Rule
from ratelimit_ddb.web.rulebook import ReadyRule, Rulebook
from ratelimit_ddb.web.settle import Settling, settled
from ratelimit_ddb.web.verdict import Charge


def charges(book: Rulebook, request: Request) -> list[Charge] | Settling[list[Charge]]:
    """What the rules ask of a request, in their order; a flow where something may be awaited."""
    asked: list[Charge] = []
    rules = iter(book.about(request.method, request.path))
    for ready in rules:
        if not ready.plain:
            return _further(_charge_of(book, ready, request), rules, asked, book, request)
        rule = ready.rule
        identity = rule.by(request)
        if not identity or type(identity) is not str:
            return _further(_charge(book, ready, request, identity), rules, asked, book, request)
        key = text_under(ready.prefix, identity)
        asked.append(made(Charge, (rule, ready.quota, key, rule.cost)))
    return asked


def _further(
    flow: Settling[Charge | None],
    rules: Iterator[ReadyRule],
    asked: list[Charge],
    book: Rulebook,
    request: Request,
) -> Settling[list[Charge]]:
    """What was asked already, with the flow's charge and those of the rules that are left."""
    charge = yield from flow
    if charge is not None:
        asked.append(charge)
    for ready in rules:
        charge = yield from _charge_of(book, ready, request)
        if charge is not None:
            asked.append(charge)
    return asked


def message_charges(book: Rulebook, request: Request) -> Settling[list[Charge]]:
    """What the rules ask of each message that comes in on a websocket, by its handshake."""
    asked = []
    for ready in book.about(request.method, request.path):
        if ready.messages is None or (yield from _is_exempt(ready.rule, request)):
            continue
        identity = yield from settled(ready.rule.by(request))
        if identity is not None:
            parts = _parts(book, ready.rule, identity, request)
            asked.append(Charge(ready.rule, ready.messages, text_of((*parts, "messages")), 1))
    return asked


def _charge(
    book: Rulebook, ready: ReadyRule, request: Request, identified: Any
) -> Settling[Charge | None]:
    rule = ready.rule
    identity = yield from settled(identified)
    if identity is None:
        return None
    quota = ready.quota or (yield from _quota(ready, request))
    cost = rule.cost
    if callable(cost):
        cost = yield from settled(cost(request))
        _require_cost(rule, cost)
    if quota is None or not cost:
        return None
    return Charge(rule, quota, text_of(_parts(book, rule, identity, request)), cost)


def _charge_of(book: Rulebook, ready: ReadyRule, request: Request) -> Settling[Charge | None]:
    rule = ready.rule
    if rule.limits is None or (yield from _is_exempt(rule, request)):
        return None
    return (yield from _charge(book, ready, request, rule.by(request)))


def _is_exempt(rule: Rule, request: Request) -> Settling[bool]:
    if rule.exempt is None:
        return False
    return bool((yield from settled(rule.exempt(request))))


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


def _parts(book: Rulebook, rule: Rule, identity: Any, request: Request) -> tuple[str, ...]:
    """What a bucket's key is made of."""
    parts = (rule.name, *_of_identity(rule, identity))
    if rule.scope == "rule":
        return parts
    endpoint = request.endpoint
    if endpoint is None and book.endpoint_of is not None:
        endpoint = book.endpoint_of(request)
    return (*parts, endpoint or rule.path)


def _of_identity(rule: Rule, identity: KeyGiven) -> tuple[str, ...]:
    parts = (identity,) if isinstance(identity, str) else identity
    if not isinstance(parts, tuple) or not all(isinstance(part, str) for part in parts):
        raise TypeError(f"rule {rule.name!r}: identity {identity!r}: a text or a tuple of texts")
    if not any(parts):
        raise ValueError(
            f"rule {rule.name!r}: identity {identity!r}: it is empty; None is for a request that "
            "the rule is not about"
        )
    return parts
