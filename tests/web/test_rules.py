"""Rules together: which apply, who denies, what is given back, and under which keys they count."""

from __future__ import annotations

import functools
from typing import Any

import pytest

from ratelimit_ddb import MemoryStore, RateLimiter
from ratelimit_ddb.operations.operation import GiveBack, Take
from ratelimit_ddb.operations.store import Store
from ratelimit_ddb.web import AccessList, Rule, everyone, header
from tests.fake_clock import FakeClock
from tests.flaky_store import FlakyStore
from tests.web.exchange import Get, Limited

CLIENT = "192.0.2.7"


def left(store: Store, limits: Any, *key: str) -> int:
    """How many tokens a key has, seen by another process."""
    return RateLimiter(store, limits).peek(key).remaining


def test_every_rule_that_fits_applies(limited: Limited) -> None:
    store = MemoryStore(clock=FakeClock())
    rules = [
        Rule("/*", "9/hour", name="all"),
        Rule("/login", "5/hour", methods="POST", name="login"),
        Rule("/logout", "5/hour", name="logout"),
    ]
    ask = limited(store=store, rules=rules)
    assert [ask(Get("/login", "POST")).status for _ in range(2)] == [200, 200]
    assert left(store, "9/hour", "all", CLIENT) == 7
    assert left(store, "5/hour", "login", CLIENT) == 3
    assert left(store, "5/hour", "logout", CLIENT) == 5


@pytest.mark.parametrize("scarce", [0, 1, 2])
def test_one_denial_denies(limited: Limited, scarce: int) -> None:
    rules = [Rule("/*", f"{1 if n == scarce else 9}/hour", name=f"rule{n}") for n in range(3)]
    ask = limited(store=MemoryStore(clock=FakeClock()), rules=rules)
    assert [ask(Get()).status for _ in range(3)] == [200, 429, 429]


def test_p3_a_denied_request_takes_nothing(limited: Limited) -> None:
    store = MemoryStore(clock=FakeClock())
    rules = [Rule("/*", f"{burst}/hour", name=f"up to {burst}") for burst in (9, 3, 2, 5)]
    # Without a memory every request goes to the table, and takes are made and refunded.
    ask = limited(store=store, rules=rules, deny_cache=0)
    assert [ask(Get()).status for _ in range(6)] == [200, 200, 429, 429, 429, 429]
    taken = [burst - left(store, f"{burst}/hour", f"up to {burst}", CLIENT) for burst in (9, 3, 2)]
    assert taken == [2, 2, 2]
    assert left(store, "5/hour", "up to 5", CLIENT) == 3


def test_p3_what_was_refunded_can_be_had_elsewhere(limited: Limited) -> None:
    store = MemoryStore(clock=FakeClock())
    rules = [
        Rule("/*", "4/hour", name="all"),
        Rule("/search", "1/hour", by=everyone(), name="search"),
    ]
    for _ in range(3):  # three processes, none of which knows what the others saw
        ask = limited(store=store, rules=rules)
        ask(Get("/search"))
    assert [ask(Get("/")).status for _ in range(4)] == [200, 200, 200, 429]


def test_p5_the_limits_of_a_rule_are_all_charged_or_none(
    limited: Limited, clock: FakeClock
) -> None:
    store = MemoryStore(clock=clock)
    ask = limited(store=store, rules=[Rule("/*", ["2/second", "3/hour"], name="all")])
    assert [ask(Get()).status for _ in range(3)] == [200, 200, 429]
    assert left(store, "3/hour", "all", CLIENT) == 1
    clock.advance(2)
    assert [ask(Get()).status for _ in range(2)] == [200, 429]
    assert left(store, "2/second", "all", CLIENT) == 1


def test_a_flood_that_a_later_rule_denies_sends_nothing(limited: Limited) -> None:
    store = FlakyStore()
    rules = [Rule("/*", "9/hour", name="wide"), Rule("/*", "1/hour", name="narrow")]
    ask = limited(store=store, rules=rules)
    ask(Get())
    assert [type(operation) for operation in store.operations] == [Take, Take]
    store.operations.clear()
    assert {ask(Get()).status for _ in range(50)} == {429}
    assert store.operations == []


def test_a_process_that_saw_nothing_soon_sends_nothing_in_a_flood(limited: Limited) -> None:
    store = FlakyStore()
    rules = [Rule("/*", "9/hour", name="wide"), Rule("/*", "1/hour", name="narrow")]
    limited(store=store, rules=rules)(Get())
    ask = limited(store=store, rules=rules)
    store.operations.clear()
    assert ask(Get()).status == 429
    assert [type(one) for one in store.operations].count(GiveBack) == 1
    assert ask(Get()).status == 429
    store.operations.clear()
    assert {ask(Get()).status for _ in range(50)} == {429}
    assert store.operations == []


def test_the_key_is_the_name_and_the_identity(limited: Limited) -> None:
    store = MemoryStore(clock=FakeClock())
    rules = [
        Rule("/*", "9/hour", by=header("x-team", digest=False), name="a:b"),
        Rule("/api/*", "9/hour", methods={"PUT", "POST"}, by=lambda request: ("x", "y:z")),
    ]
    limited(store=store, rules=rules)(Get("/api/a", "PUT", {"x-team": "red:1"}))
    assert left(store, "9/hour", "a:b", "red:1") == 8
    assert RateLimiter(store, "9/hour").peek("a%3Ab:red%3A1").remaining == 8
    assert RateLimiter(store, "9/hour").peek("POST,PUT /api/*:x:y%3Az").remaining == 8


def test_path_parameters_never_split_a_bucket(limited: Limited) -> None:
    for scope in ("rule", "endpoint"):
        store = MemoryStore(clock=FakeClock())
        ask = limited(store=store, rules=[Rule("/users/{id:int}", "2/hour", scope=scope)])
        statuses = [ask(Get(f"/users/{number}")).status for number in range(4)]
        assert statuses == [200, 200, 429, 429]
        assert len(store) == 1


def test_by_endpoint_each_pattern_has_its_bucket(limited: Limited) -> None:
    store = MemoryStore(clock=FakeClock())
    rules = [
        Rule("/users/{id}", "2/hour", scope="endpoint", name="users"),
        Rule("/teams/{id}", "2/hour", scope="endpoint", name="teams"),
    ]
    ask = limited(store=store, rules=rules)
    statuses = [ask(Get(path)).status for path in ("/users/1", "/users/2", "/users/3", "/teams/3")]
    assert statuses == [200, 200, 429, 200]
    assert left(store, "2/hour", "users", CLIENT, "/users/{id}") == 0
    assert left(store, "2/hour", "teams", CLIENT, "/teams/{id}") == 1


def test_by_endpoint_one_rule_has_a_bucket_for_each_route(limited: Limited) -> None:
    store = MemoryStore(clock=FakeClock())

    def endpoint_of(request: Any) -> str | None:
        routes = {"users": "/api/users/{id}", "teams": "/api/teams/{id}"}
        return routes.get(request.path.split("/")[2])

    rules = [
        Rule("/api/*", "2/hour", scope="endpoint", name="api"),
        Rule("/api/*", "9/hour", name="total"),
    ]
    ask = limited(store=store, rules=rules, endpoint_of=endpoint_of)
    paths = ["/api/users/1", "/api/users/2", "/api/users/3", "/api/teams/1", "/api/x", "/api/y"]
    assert [ask(Get(path)).status for path in paths] == [200, 200, 429, 200, 200, 200]
    assert left(store, "2/hour", "api", CLIENT, "/api/users/{id}") == 0
    assert left(store, "2/hour", "api", CLIENT, "/api/teams/{id}") == 1
    assert left(store, "2/hour", "api", CLIENT, "/api/*") == 0, "no route: the rule's pattern"
    assert left(store, "9/hour", "total", CLIENT) == 4


@pytest.mark.parametrize(
    ("methods", "limited_methods"),
    [
        (None, {"GET", "HEAD", "POST", "OPTIONS", "BREW"}),
        ("GET", {"GET", "HEAD"}),
        ("HEAD", {"HEAD"}),
        (["POST", "BREW"], {"POST", "BREW"}),
    ],
)
def test_a_rule_is_about_its_methods(
    limited: Limited, methods: Any, limited_methods: set[str]
) -> None:
    ask = limited(store=MemoryStore(), rules=[Rule("/*", "9/hour", methods=methods)])
    for method in ("GET", "HEAD", "POST", "OPTIONS", "BREW"):
        assert ("ratelimit" in ask(Get(method=method)).headers) == (method in limited_methods)


def test_get_and_head_share_a_bucket(limited: Limited) -> None:
    ask = limited(store=MemoryStore(), rules=[Rule("/*", "2/hour", methods="GET")])
    methods = ["GET", "HEAD", "GET", "HEAD", "POST"]
    assert [ask(Get(method=method)).status for method in methods] == [200, 200, 429, 429, 200]


def test_exempt_requests_are_not_limited_by_the_rule(limited: Limited) -> None:
    internal = {"x-internal": "yes"}
    rules = [
        Rule("/*", "1/hour", exempt=lambda r: r.header("x-internal") == "yes", name="all"),
        Rule("/*", "4/hour", name="even for those"),
    ]
    ask = limited(store=MemoryStore(clock=FakeClock()), rules=rules)
    ask(Get())
    assert ask(Get()).status == 429
    exempted = ask(Get(headers=internal))
    assert exempted.headers["ratelimit-policy"] == '"even for those";q=4;w=3600'
    assert [ask(Get(headers=internal)).status for _ in range(3)] == [200, 200, 429]


@pytest.mark.parametrize("given", [True, 5, b"/x", ("/x",), object()])
def test_a_route_that_is_none_is_told_with_the_rule(limited: Limited, given: Any) -> None:
    rule = Rule("/*", "1/hour", scope="endpoint")
    ask = limited(store=MemoryStore(), rules=rule, endpoint_of=lambda request: given)
    with pytest.raises(TypeError, match=r"rule '/\*': endpoint_of gave .*: must be a route such"):
        ask(Get())


@pytest.mark.parametrize(
    "made",
    [lambda request: False, functools.partial(bool, 0), AccessList],
    ids=["function", "partial", "class"],
)
def test_an_exemption_that_was_not_called_exempts_nobody(limited: Limited, made: Any) -> None:
    """What makes such a function was given in its place, and gives it at each request."""

    def of_network(_network: object) -> Any:
        return made

    rule = Rule("/*", "1/hour", exempt=of_network)
    ask = limited(store=MemoryStore(), rules=rule)
    with pytest.raises(TypeError, match=r"rule '/\*': exempt gave .*: must be True or False"):
        ask(Get())


def test_of_an_exempt_request_nothing_more_is_asked(limited: Limited) -> None:
    def fails(request: Any) -> Any:
        raise AssertionError("asked about an exempt request")

    rule = Rule("/*", fails, by=fails, cost=fails, exempt=lambda request: True)
    assert limited(store=MemoryStore(), rules=[rule])(Get()).status == 200


@pytest.mark.parametrize("role", ["limits", "by", "cost", "exempt"])
def test_what_a_rules_function_raises_is_not_touched(limited: Limited, role: str) -> None:
    def fails(request: Any) -> Any:
        raise LookupError("the user's own")

    options: dict[str, Any] = {"limits": "1/hour", role: fails}
    ask = limited(store=MemoryStore(), rules=[Rule("/*", **options)], on_outage="allow")
    with pytest.raises(LookupError, match="the user's own"):
        ask(Get())


def test_the_endpoint_is_not_asked_for_where_no_rule_counts_by_it(limited: Limited) -> None:
    def endpoint_of(_request: Any) -> str:
        raise LookupError("not asked for")

    ask = limited(store=MemoryStore(), rules=Rule("/*", "1/hour"), endpoint_of=endpoint_of)
    assert [ask(Get(path)).status for path in ("/a", "/b")] == [200, 429]
