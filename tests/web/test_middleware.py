"""The middleware, over ASGI and WSGI: the same requests, the same answers."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from ratelimit_ddb import MemoryStore, StoreUnavailable, TableNotFound
from ratelimit_ddb.web import Rule, everyone, header
from tests.fake_clock import FakeClock
from tests.flaky_store import FlakyStore
from tests.web.exchange import Get, Limited, Page, limited_asgi, limited_wsgi

PLAIN = {"accept": "text/plain"}


async def coroutine_function(*_arguments: Any) -> Any:
    raise AssertionError("awaited, where nothing awaits")


def test_requests_over_the_limit_are_answered_429(limited: Limited, clock: FakeClock) -> None:
    ask = limited(store=MemoryStore(clock=clock), rules=[Rule("/*", "2/minute")])
    assert [ask(Get()).status for _ in range(2)] == [200, 200]
    denied = ask(Get(headers=PLAIN))
    assert denied.status == 429
    assert denied.body == b"Over the limit of 2 per minute. Retry after 30 s.\n"
    assert denied.headers == {
        "retry-after": "30",
        "cache-control": "no-store",
        "vary": "accept",
        "content-type": "text/plain; charset=utf-8",
        "content-length": str(len(denied.body)),
        "ratelimit-policy": '"/*";q=2;w=60',
        "ratelimit": '"/*";r=0;t=30',
    }
    clock.advance(30)
    assert ask(Get()).body == b"abc"


def test_the_answer_is_a_problem_in_json_unless_asked(limited: Limited, clock: FakeClock) -> None:
    ask = limited(store=MemoryStore(clock=clock), rules=[Rule("/*", "2/minute", name="all")])
    for _ in range(2):
        ask(Get())
    denied = ask(Get())
    assert denied.headers["content-type"] == "application/problem+json"
    assert json.loads(denied.body) == {
        "type": "https://iana.org/assignments/http-problem-types#quota-exceeded",
        "title": "Too many requests",
        "status": 429,
        "detail": "Over the limit of 2 per minute. Retry after 30 s.",
        "violated-policies": ["all"],
        "retry-after": 30,
    }


def test_retry_after_is_never_earlier_than_the_fact(limited: Limited, clock: FakeClock) -> None:
    ask = limited(store=MemoryStore(clock=clock), rules=Rule("/*", "1/7 seconds", by=everyone()))
    ask(Get())
    clock.advance(0.4)
    assert ask(Get()).headers["retry-after"] == "7"
    clock.advance(6.5)
    assert ask(Get()).headers["retry-after"] == "1"
    clock.advance(1)
    assert ask(Get()).status == 200


def test_head_is_denied_without_a_body(limited: Limited) -> None:
    ask = limited(store=MemoryStore(), rules=[Rule("/*", "1/minute")])
    ask(Get())
    denied = ask(Get(method="HEAD"))
    assert (denied.status, denied.body) == (429, b"")
    assert int(denied.headers["content-length"]) > 0


def test_a_denied_request_never_reaches_the_application(limited: Limited) -> None:
    page = Page()
    ask = limited(page, store=MemoryStore(), rules=[Rule("/*", "2/minute")])
    assert [ask(Get()).status for _ in range(4)] == [200, 200, 429, 429]
    assert page.visits == 2


def test_a_rules_functions_see_method_path_client_and_headers(limited: Limited) -> None:
    seen: list[tuple[Any, ...]] = []

    def by(request: Any) -> tuple[str, ...]:
        seen.append(
            (
                request.method,
                request.path,
                request.client,
                request.header("X-Api-Key"),
                request.header("x-absent"),
                request.header("content-length"),
                request.cookie("theme"),
                request.cookie("absent"),
            )
        )
        return ("api", request.header("x-api-key") or "nobody")

    ask = limited(store=MemoryStore(), rules=[Rule("/*", "1/minute", by=by)])
    get = Get("/käse", "POST", {"X-API-Key": "k1", "Cookie": "a=b; theme=dark; theme=light"})
    assert ask(get).status == 200
    assert ask(get).status == 429
    assert ask(Get(headers={"x-api-key": "k2"})).status == 200
    assert seen[0] == ("POST", "/käse", "192.0.2.7", "k1", None, None, "dark", None)
    ask(Get(headers={"content-length": "12"}))
    assert seen[-1][5] == "12"


def test_a_request_with_no_identity_is_not_limited(limited: Limited) -> None:
    rule = Rule("/*", "1/minute", by=lambda request: request.client)
    ask = limited(store=MemoryStore(), rules=[rule])
    assert [ask(Get(client=None)).status for _ in range(3)] == [200, 200, 200]


@pytest.mark.parametrize(
    ("on_outage", "status", "retry_after"), [("allow", 200, None), ("deny", 503, "1")]
)
def test_an_outage_follows_the_policy(
    limited: Limited, on_outage: str, status: int, retry_after: str | None
) -> None:
    store = FlakyStore()
    store.failure = StoreUnavailable("no answer")
    ask = limited(store=store, rules=[Rule("/*", "1/minute")], on_outage=on_outage)
    response = ask(Get(headers=PLAIN))
    assert response.status == status
    assert response.headers.get("retry-after") == retry_after
    if status == 503:
        assert response.body == b"Rate limits can't be checked just now. Retry after 1 s.\n"


def test_an_outage_can_be_raised_to_the_server(limited: Limited) -> None:
    store = FlakyStore()
    store.failure = StoreUnavailable("no answer")
    ask = limited(store=store, rules=[Rule("/*", "1/minute")], on_outage="raise")
    with pytest.raises(StoreUnavailable, match="no answer"):
        ask(Get())


@pytest.mark.parametrize("on_outage", ["allow", "deny", "raise"])
def test_a_mistake_of_set_up_is_no_outage(limited: Limited, on_outage: str) -> None:
    store = FlakyStore()
    store.failure = TableNotFound("no such table")
    ask = limited(store=store, rules=[Rule("/*", "1/minute")], on_outage=on_outage)
    with pytest.raises(TableNotFound):
        ask(Get())


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"rules": 5}, "rules 5"),
        ({"rules": ["/login"]}, "rule '/login'"),
        ({"on_outage": "panic"}, "on_outage 'panic'"),
        ({"deadline": 0}, "deadline 0"),
        ({"deny_cache": -1}, "deny_cache -1"),
        ({"seen_keys": 1}, "seen_keys 1"),
        ({"fields": "all"}, "fields 'all'"),
        ({"on_denied": "json"}, "on_denied 'json'"),
        ({"on_decision": "log"}, "on_decision 'l"),
        ({"on_decision": 5}, "on_decision 5"),
        ({"on_decision": coroutine_function}, r"on_decision .*coroutine_function"),
        ({"endpoint_of": "/"}, "endpoint_of '/'"),
        ({"endpoint_of": coroutine_function}, r"endpoint_of .*coroutine_function"),
        ({"limits": "1/minute"}, "unknown option 'limits'; expected one of deadline, "),
    ],
)
def test_wrong_use_is_told_at_construction(
    limited: Limited, wrong: dict[str, Any], told: str
) -> None:
    options = {"store": MemoryStore(), "rules": [Rule("/*", "1/minute")]}
    with pytest.raises((TypeError, ValueError), match=told):
        limited(**(options | wrong))


@pytest.mark.parametrize("needed", ["store", "rules"])
def test_the_store_and_the_rules_are_needed(limited: Limited, needed: str) -> None:
    options = {"store": MemoryStore(), "rules": [Rule("/*", "1/minute")]}
    del options[needed]
    with pytest.raises(TypeError, match=f"missing 1 required positional argument: '{needed}'"):
        limited(**options)


def test_without_rules_nothing_is_limited(limited: Limited) -> None:
    ask = limited(store=MemoryStore(), rules=[])
    assert ask(Get()).headers == {"content-type": "text/plain"}


KEY = {"x-api-key": "k1"}
RULES = [
    Rule("/*", "3/minute", name="all"),
    Rule("/login", "1/10 seconds", methods="POST"),
    Rule("/api/*", ["2/second", "4/hour"], by=header("x-api-key"), scope="endpoint"),
    Rule("/export", "4/hour", cost=lambda r: int(r.header("content-length") or 0)),
    Rule("/new/*", "1/hour", enforce=False),
]
SEQUENCES = {
    "a plain flood": [(0.5, Get("/")) for _ in range(8)],
    "rules together": [(2.0, Get("/login", "POST")) for _ in range(9)],
    "forms": [(1.0, Get("/", headers={"accept": form})) for form in ("*/*", "text/html", "x", "")]
    + [(0.0, Get("/", method)) for method in ("HEAD", "GET", "OPTIONS")],
    "keys": [(0.3, Get("/api/a", headers=headers)) for headers in (KEY, {}, KEY, KEY, {}, {})],
    "costs": [(30, Get("/export", headers={"content-length": n})) for n in "021959"],
    "shadow": [(20, Get("/new/a", client=client)) for client in ("192.0.2.7", "2001:db8::1", None)]
    + [(20, Get("/new/b")), (0, Get("/käse", mount="/new"))],
}


@pytest.mark.parametrize("sequence", SEQUENCES.values(), ids=SEQUENCES)
@pytest.mark.parametrize("outage", [None, "allow", "deny"])
def test_both_protocols_answer_alike(sequence: list[tuple[float, Get]], outage: str | None) -> None:
    told = []
    for limited in (limited_asgi, limited_wsgi):
        store = FlakyStore()
        ask = limited(store=store, rules=RULES, on_outage=outage or "allow")
        responses = []
        for index, (gap_seconds, get) in enumerate(sequence):
            store.time.advance(gap_seconds)
            if outage and index == 3:
                store.failure = StoreUnavailable("from here on")
            responses.append(ask(get))
        told.append(responses)
    assert told[0] == told[1]


def test_the_deadline_is_counted_from_the_request(limited: Limited) -> None:
    deadlines_ns: list[int] = []

    class Noting(MemoryStore):
        def send(self, operation: Any, deadline_ns: int) -> Any:
            deadlines_ns.append(deadline_ns)
            return super().send(operation, deadline_ns)

    ask = limited(store=Noting(), rules=[Rule("/*", "1/minute")], deadline=2.0)
    before_ns = time.monotonic_ns()
    ask(Get())
    after_ns = time.monotonic_ns()
    (deadline_ns,) = deadlines_ns
    assert before_ns <= deadline_ns - 2_000_000_000 <= after_ns
