"""What a Rule is made of, and what can't hold, told when it is made or when rules come together."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

from ratelimit_ddb import Limit, MemoryStore, asgi, wsgi
from ratelimit_ddb.web import AccessList, Rule, client_address
from tests.web.exchange import Get, Limited


def test_a_rule_is_about_addresses_all_methods_and_itself_unless_told() -> None:
    rule = Rule("/login", "5/minute")
    assert rule.limits == (Limit(5, 60),)
    assert (rule.methods, rule.cost, rule.name) == (None, 1, "/login")
    assert (rule.scope, rule.exempt, rule.enforce, rule.messages) == ("rule", None, True, None)


@pytest.mark.parametrize(
    ("methods", "name"),
    [
        (None, "/login"),
        ("POST", "POST /login"),
        (["PUT", "POST"], "POST,PUT /login"),
        ({"GET"}, "GET /login"),
        (("GET", "HEAD"), "GET /login"),
        ("HEAD", "HEAD /login"),
        (iter(["DELETE"]), "DELETE /login"),
    ],
)
def test_a_rule_is_named_after_its_path_and_methods(methods: Any, name: str) -> None:
    assert Rule("/login", "5/minute", methods=methods).name == name
    assert Rule("/login", "5/minute", name="mine").name == "mine"


def test_a_rule_is_a_value() -> None:
    def by(request: Any) -> str:
        return "all"

    rule, same = (Rule("/a", ["5/minute", Limit(9, 3600)], by=by, methods="GET") for _ in range(2))
    assert rule == same
    assert hash(rule) == hash(same)
    assert rule != Rule("/b", ["5/minute", Limit(9, 3600)], by=by, methods="GET")
    with pytest.raises(dataclasses.FrozenInstanceError):
        rule.name = "other"  # type: ignore[misc]


rule_of: Any = Rule
BYTES: Any = b"::/0"
"""The same, for arguments that the types forbid already."""


def of_request(request: Any) -> Any:
    return None


@pytest.mark.parametrize(
    ("made", "error", "told"),
    [
        (lambda: rule_of("/a"), ValueError, "rule '/a': limits, messages or in_flight is required"),
        (lambda: rule_of("/a", "often"), ValueError, "limit 'often'"),
        (lambda: rule_of("/a", []), ValueError, r"limits \[\]"),
        (lambda: rule_of("/a", 5), TypeError, "limits 5"),
        (lambda: rule_of("/a", ["1/m", "1/60s"]), ValueError, "two are named '1-per-minute'"),
        (lambda: rule_of("/a", messages="often"), ValueError, "messages: limit 'often'"),
        (lambda: rule_of("/a", messages=[]), ValueError, r"messages: limits \[\]"),
        (
            lambda: rule_of("/a", messages="1/s", methods="POST"),
            ValueError,
            "rule 'POST /a': messages need GET among the methods",
        ),
        (lambda: rule_of("/a", in_flight=2, reserves=True), ValueError, "reserves needs limits"),
        (lambda: rule_of("/a", "1/s", by="x-key"), TypeError, "by 'x-key'"),
        (lambda: rule_of("/a", "1/s", exempt=True), TypeError, "exempt True"),
        (lambda: rule_of("/a", "1/s", scope="user"), ValueError, "scope 'user'"),
        (lambda: rule_of("/a", "1/s", enforce=0), TypeError, "enforce 0"),
        (lambda: rule_of("/a", "1/s", name=""), ValueError, "name ''"),
        (lambda: rule_of("/a", "1/s", name=5), TypeError, "name 5"),
        (lambda: rule_of("/a", "1/s", methods=[]), ValueError, r"methods \[\]"),
        (lambda: rule_of("/a", "1/s", methods="get"), ValueError, "method 'get'"),
        (lambda: rule_of("/a", "1/s", methods=""), ValueError, "method ''"),
        (
            lambda: rule_of("/a", "1/s", methods="*"),
            ValueError,
            r"method '\*': .* leave methods out",
        ),
        (lambda: rule_of("/a", "1/s", methods=["GET", "ALL"]), ValueError, "leave methods out"),
        (lambda: rule_of("/a", "1/s", methods="ANY"), ValueError, "no request has this method"),
        (lambda: rule_of("/a", "1/s", methods="WEBSOCKET"), ValueError, "handshake .* is a GET"),
        (lambda: rule_of("/a", "1/s", methods=["GET", "PO ST"]), ValueError, "method 'PO ST'"),
        (lambda: rule_of("/a", "1/s", methods=["GET", 5]), TypeError, "5 must be a str"),
        (lambda: rule_of("/a", "1/s", methods=b"GET"), TypeError, "methods b'GET'"),
        (lambda: rule_of("/a", "1/s", give_back=b"2xx"), TypeError, "give_back b'2xx'"),
        (lambda: AccessList(networks=BYTES), TypeError, "networks b'::/0'"),
        (lambda: client_address(trusted=BYTES), TypeError, "trusted b'::/0'"),
        (lambda: rule_of("/a", "1/s", methods=5), TypeError, "methods 5"),
        (
            lambda: rule_of("/a", "5/s", cost=0),
            ValueError,
            "cost 0: must be from 1 to the burst of 5",
        ),
        (
            lambda: rule_of("/a", "5/s", cost=6),
            ValueError,
            "cost 6: must be from 1 to the burst of 5",
        ),
        (lambda: rule_of("/a", ["5/s", "3/m"], cost=4), ValueError, "to the burst of 3"),
        (lambda: rule_of("/a", "5/s", cost=1.5), ValueError, r"cost 1\.5"),
        (lambda: rule_of("/a", "5/s", cost="1"), TypeError, "cost '1'"),
        (lambda: rule_of("/a", "5/s", cost=True), TypeError, "cost True"),
        # What limits will be is not known yet, but no bucket takes these.
        (lambda: rule_of("/a", of_request, cost=-1), ValueError, "cost -1"),
        (lambda: rule_of("/a", of_request, cost=0), ValueError, "cost 0"),
        (lambda: rule_of("/a", of_request, cost=1.5), ValueError, r"cost 1\.5"),
        (lambda: rule_of("/a", of_request, cost="1"), TypeError, "cost '1'"),
    ],
)
def test_what_cannot_hold_is_told(
    made: Callable[[], object], error: type[Exception], told: str
) -> None:
    with pytest.raises(error, match=told):
        made()


@pytest.mark.parametrize(
    "rules",
    [
        [Rule("/a", "1/s"), Rule("/a", "5/m")],
        [Rule("/a", "1/s", name="same"), Rule("/b", "1/s", name="same")],
        [Rule("/a", "1/s", methods="GET"), Rule("/a", "5/m", methods=["HEAD", "GET"])],
        [Rule("/a", "1/s"), Rule("/b", messages="1/s", name="/a")],
    ],
)
def test_two_rules_with_one_name_are_refused(limited: Limited, rules: list[Rule]) -> None:
    name = rules[0].name
    with pytest.raises(ValueError, match=f"two rules are named '{name}': give one of them a name="):
        limited(store=MemoryStore(), rules=rules)


def test_one_path_may_have_rules_of_several_methods(limited: Limited) -> None:
    rules = [Rule("/a", "1/hour", methods="GET"), Rule("/a", "2/hour", methods="POST")]
    ask = limited(store=MemoryStore(), rules=rules)
    assert [ask(Get("/a", "GET")).status for _ in range(2)] == [200, 429]
    assert [ask(Get("/a", "POST")).status for _ in range(3)] == [200, 200, 429]


@pytest.mark.parametrize(
    "given", [lambda rule: rule, lambda rule: [rule], lambda rule: iter([rule])]
)
def test_rules_may_be_one_several_or_any_iterable(
    limited: Limited, given: Callable[[Rule], Any]
) -> None:
    ask = limited(store=MemoryStore(), rules=given(Rule("/*", "1/hour")))
    assert [ask(Get()).status for _ in range(2)] == [200, 429]


@pytest.mark.parametrize(
    ("given", "error", "told"),
    [
        ("rules.toml", TypeError, r"rules 'rules.toml': must be .* a RulesFile\("),
        (b"5/minute", TypeError, "rules b'5/minute': must be a Rule, a list of them"),
        ({"/x": "5/minute"}, TypeError, "rules {'/x': '5/minute'}: must be a Rule"),
        (None, TypeError, "rules None: must be a Rule"),
        (Rule, TypeError, "rules <class .*: must be a Rule"),
        (["5/minute"], TypeError, "rule '5/minute': must be a Rule"),
        (iter([]), ValueError, "has no Rule, or was read before; give a list"),
    ],
)
def test_what_are_no_rules_is_told(
    limited: Limited, given: Any, error: type[Exception], told: str
) -> None:
    with pytest.raises(error, match=told):
        limited(store=MemoryStore(), rules=given)


def test_an_iterator_of_rules_is_refused_by_the_second_middleware(limited: Limited) -> None:
    rules = (rule for rule in [Rule("/*", "1/hour")])
    limited(store=MemoryStore(), rules=rules)
    with pytest.raises(ValueError, match="was read before"):
        limited(store=MemoryStore(), rules=rules)


@pytest.mark.parametrize("middleware", [asgi.RateLimitMiddleware, wsgi.RateLimitMiddleware])
@pytest.mark.parametrize("app", [None, "site:app", MemoryStore()])
def test_what_is_no_application_is_told(middleware: Any, app: Any) -> None:
    with pytest.raises(TypeError, match=r"app .*: must be a callable (ASGI|WSGI) application"):
        middleware(app, MemoryStore(), Rule("/*", "1/hour"))


def test_one_rule_may_serve_several_middlewares(limited: Limited) -> None:
    rule = Rule("/*", "2/hour")
    store = MemoryStore()
    asks = [limited(store=store, rules=[rule]) for _ in range(3)]
    assert [ask(Get()).status for ask in asks] == [200, 200, 429]
