"""Costs: what a request takes, by a number or by what it is."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ddbwire.clocks.table_clock import TableClock
from ratelimit_ddb import MemoryStore, RateLimiter
from ratelimit_ddb.web import Rule
from tests.fake_clock import FakeClock
from tests.flaky_store import FlakyStore
from tests.web.exchange import Get, Limited

CLIENT = "192.0.2.7"


def kilobytes(request: Any) -> int:
    return int(request.header("content-length") or 0) // 1000


def upload(size_bytes: int) -> Get:
    headers = {"content-length": str(size_bytes), "accept": "text/plain"}
    return Get("/upload", "POST", headers)


def test_a_cost_may_be_a_number(limited: Limited) -> None:
    ask = limited(store=MemoryStore(clock=FakeClock()), rules=[Rule("/*", "10/hour", cost=4)])
    assert [ask(Get()).headers["ratelimit"] for _ in range(2)] == [
        '"/*";r=6;t=360',
        '"/*";r=2;t=360',
    ]
    denied = ask(Get())
    assert (denied.status, denied.headers["ratelimit"]) == (429, '"/*";r=2;t=720')
    assert denied.headers["retry-after"] == "720"


def test_a_cost_may_be_a_function_of_the_request(limited: Limited) -> None:
    store = MemoryStore(clock=FakeClock())
    ask = limited(store=store, rules=[Rule("/upload", "10/hour", cost=kilobytes, name="upload")])
    assert [ask(upload(size)).status for size in (7_000, 4_000, 3_000, 1_000)] == [
        200,
        429,
        200,
        429,
    ]
    assert RateLimiter(store, "10/hour").peek(("upload", CLIENT)).remaining == 0


def test_what_costs_nothing_is_free(limited: Limited) -> None:
    store = FlakyStore()
    exempt = Rule("/upload", "1/hour", exempt=lambda _request: True, name="other")
    ask = limited(store=store, rules=[Rule("/upload", "1/hour", cost=kilobytes), exempt])
    ask(upload(1_000))
    store.operations.clear()
    free = [ask(upload(999)) for _ in range(3)]
    assert {(response.status, "ratelimit-policy" in response.headers) for response in free} == {
        (200, False)
    }
    assert store.operations == []


def test_what_costs_more_than_the_burst_is_denied_for_good(limited: Limited) -> None:
    store = FlakyStore()
    ask = limited(store=store, rules=[Rule("/upload", "10/hour burst 5", cost=kilobytes)])
    denied = ask(upload(6_000))
    assert denied.status == 429
    assert "retry-after" not in denied.headers
    assert denied.headers["ratelimit-policy"] == '"/upload";q=5;w=1800'
    assert "ratelimit" not in denied.headers, "nothing was asked, so nothing is known"
    assert denied.body == (
        b"This request costs 6, and the limit of 10 per hour burst 5 never holds more than 5.\n"
    )
    assert store.operations == []


def test_beside_other_rules_it_is_denied_without_even_reading_the_clock(limited: Limited) -> None:
    store: Any = FlakyStore()
    rules = [
        Rule("/*", "9/hour", name="count"),
        Rule("/upload", "10/hour burst 5", cost=kilobytes),
    ]
    store.clock = TableClock(store.time)
    assert not store.clock.known
    denied = limited(store=store, rules=rules)(upload(6_000))
    assert denied.status == 429
    assert "retry-after" not in denied.headers
    assert store.operations == []


def test_of_several_limits_the_one_that_never_holds_so_much_is_named(limited: Limited) -> None:
    limits = ["100/hour", "10/second burst 5", "50/minute"]
    ask = limited(store=FlakyStore(), rules=[Rule("/upload", limits, cost=kilobytes)])
    assert ask(upload(6_000)).body == (
        b"This request costs 6, and the limit of 10 per second burst 5 never holds more than 5.\n"
    )


def test_of_several_rules_what_costs_too_much_just_now_is_denied_from_memory(
    limited: Limited,
) -> None:
    store = FlakyStore()
    rules = [
        Rule("/*", "4/hour", cost=kilobytes, name="size"),
        Rule("/*", "9/hour", name="count"),
    ]
    ask = limited(store=store, rules=rules)
    assert ask(upload(3_000)).status == 200
    store.operations.clear()
    assert ask(upload(3_000)).status == 429
    assert store.operations == []
    assert ask(upload(1_000)).status == 200, "one token is left"


def test_of_several_denials_from_memory_each_waits_for_what_its_own_request_costs(
    limited: Limited,
) -> None:
    store = FlakyStore()
    rules = [
        Rule("/*", "3/day", cost=kilobytes, name="size"),
        Rule("/*", "1/hour", name="count"),
    ]
    ask = limited(store=store, rules=rules)
    assert ask(upload(2_000)).status == 200
    store.operations.clear()
    denied = ask(upload(2_000))
    assert denied.headers["retry-after"] == "28800", "one more of three a day"
    assert denied.headers["ratelimit"] == '"size";r=1;t=28800'
    assert store.operations == []


def test_for_good_is_longer_than_any_wait(limited: Limited) -> None:
    rules = [
        Rule("/*", "1/hour", name="hour"),
        Rule("/*", "10/minute", cost=kilobytes, name="size"),
        Rule("/*", "1/day", name="day"),
    ]
    store = MemoryStore(clock=FakeClock())
    ask = limited(store=store, rules=rules)
    assert ask(upload(2_000)).status == 200
    denied = ask(Get(headers={"content-length": "11000"}))
    assert (denied.status, "retry-after" in denied.headers) == (429, False)
    problem = json.loads(denied.body)
    assert problem["violated-policies"] == ["hour", "size", "day"]
    assert "retry-after" not in problem
    assert ask(upload(2_000)).headers["retry-after"] == "86400"
    assert RateLimiter(store, "10/minute").peek(("size", CLIENT)).remaining == 8


@pytest.mark.parametrize(
    ("cost", "error", "told"),
    [
        (-1, ValueError, "rule 'paid': cost -1: must be at least 0"),
        (1.0, ValueError, r"rule 'paid': cost 1\.0: must be an int, a whole number"),
        (True, TypeError, "rule 'paid': cost True: must be an int"),
        ("1", TypeError, "rule 'paid': cost '1': must be an int"),
        (None, TypeError, "rule 'paid': cost None: must be an int"),
    ],
)
def test_a_cost_that_is_none_is_told(
    limited: Limited, cost: Any, error: type[Exception], told: str
) -> None:
    rule = Rule("/*", "10/hour", cost=lambda request: cost, name="paid")
    store = FlakyStore()
    with pytest.raises(error, match=told):
        limited(store=store, rules=[rule])(Get())
    assert store.operations == []
