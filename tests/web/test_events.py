"""What ``on_decision`` is told of each rule's decision."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import pytest

from ratelimit_ddb import Decision, DynamoDBStore, Limit, MemoryStore, StoreUnavailable
from ratelimit_ddb.operations.operation import ReadClock
from ratelimit_ddb.web import Rule, RuleDecision
from tests.fake_clock import FakeClock
from tests.flaky_store import FlakyStore
from tests.rate_limit_table import rate_limit_table
from tests.web.exchange import Get, Limited

Told = list[RuleDecision]


@pytest.fixture
def told() -> Told:
    return []


def rules(*limits: str) -> list[Rule]:
    return [Rule("/*", one, name=f"r{n}") for n, one in enumerate(limits)]


def test_an_event_tells_the_rule_the_key_and_the_decision(limited: Limited, told: Told) -> None:
    store = MemoryStore(clock=FakeClock())
    ask = limited(store=store, rules=rules("2/minute", "9/hour"), on_decision=told.append)
    ask(Get())
    first, second = told
    assert (first.rule, first.key) == ("r0", "r0:192.0.2.7")
    assert (second.rule, second.key) == ("r1", "r1:192.0.2.7")
    assert (first.decision.allowed, first.decision.remaining, first.decision.source) == (
        True,
        1,
        "table",
    )
    assert (first.enforced, first.refunded, first.outage) == (True, False, None)
    assert first.charge.cost == 1
    assert first.latency_ns > 0


@pytest.mark.parametrize("limits", [("1/minute",), ("1/minute", "9/hour")])
def test_what_is_told_once_is_no_refund(
    limited: Limited, told: Told, limits: tuple[str, ...]
) -> None:
    store = MemoryStore(clock=FakeClock())
    ask = limited(store=store, rules=rules(*limits), on_decision=told.append)
    for _ in range(2):
        ask(Get())
    assert {(one.refunded, one.operation) for one in told} == {(False, "acquire")}
    assert {(one.outage, one.on_outage) for one in told} == {(None, None)}
    assert all(one.latency_ns > 0 for one in told), "also of a denial from memory"


def test_what_costs_too_much_has_no_time_to_wait_for(limited: Limited, told: Told) -> None:
    rule = Rule("/*", "9/minute", cost=lambda _request: 10)
    limited(store=MemoryStore(), rules=[rule], on_decision=told.append)(Get())
    (one,) = told
    assert one.decision == Decision(False, 0, 0, 0, Limit.parse("9/minute"), 0, "cost")


def test_a_denial_in_shadow_mode_that_needs_no_store_is_measured_too(
    limited: Limited, told: Told
) -> None:
    shadow = Rule("/*", "9/minute", cost=lambda _request: 10, enforce=False, name="shadow")
    ask = limited(store=MemoryStore(), rules=[shadow, *rules("9/hour")], on_decision=told.append)
    assert ask(Get()).status == 200
    assert {one.rule: one.decision.source for one in told} == {"shadow": "cost", "r0": "table"}
    assert all(one.latency_ns > 0 for one in told)


def test_a_decision_is_one_call_and_from_memory_none(limited: Limited, told: Told) -> None:
    store = MemoryStore(clock=FakeClock())
    ask = limited(store=store, rules=rules("2/minute"), on_decision=told.append)
    for _ in range(4):
        ask(Get())
    assert [one.calls for one in told] == [1, 1, 0, 0]
    assert [one.decision.source for one in told] == ["table", "table", "seen", "seen"]
    assert all(one.latency_ns > 0 for one in told)


def test_a_wrong_guess_is_two_calls(limited: Limited, told: Told) -> None:
    store = MemoryStore(clock=FakeClock())
    limited(store=store, rules=rules("9/minute"))(Get())
    limited(store=store, rules=rules("9/minute"), on_decision=told.append)(Get())
    assert [one.calls for one in told] == [2]


def test_all_that_was_sent_is_told_of_once(limited: Limited, told: Told) -> None:
    store = FlakyStore()
    limits = rules("9/hour", "8/hour", "1/hour", "7/hour", "1/day")
    limited(store=store, rules=limits)(Get())
    ask = limited(store=store, rules=limits, on_decision=told.append)
    for _ in range(3):
        told.clear()
        store.operations.clear()
        assert ask(Get()).status == 429
        sent = [one for one in store.operations if not isinstance(one, ReadClock)]
        assert sum(one.calls for one in told) == len(sent)
        assert {"r2", "r4"} <= {one.rule for one in told if not one.decision.allowed}
        assert all(one.refunded == one.decision.allowed for one in told)
        store.time.advance(6)


def test_what_was_given_back_says_so(limited: Limited, told: Told) -> None:
    store = MemoryStore(clock=FakeClock())
    limited(store=store, rules=rules("9/hour", "1/hour"))(Get())
    ask = limited(store=store, rules=rules("9/hour", "1/hour"), on_decision=told.append)
    ask(Get())
    assert [(one.rule, one.decision.allowed, one.refunded) for one in told] == [
        ("r0", True, True),
        ("r1", False, False),
    ]
    ask(Get())
    assert [(one.rule, one.calls, one.capacity_units) for one in told[2:]] == [("r1", 0, 0)]


@pytest.mark.parametrize("on_outage", ["allow", "deny", "raise"])
def test_an_outage_is_told_with_what_was_raised(
    limited: Limited, told: Told, on_outage: str
) -> None:
    store = FlakyStore()
    store.failure = StoreUnavailable("no answer")
    ask = limited(store=store, rules=rules("9/hour"), on_outage=on_outage, on_decision=told.append)
    if on_outage == "raise":
        with pytest.raises(StoreUnavailable):
            ask(Get())
    else:
        ask(Get())
    (event,) = told
    assert event.outage is store.failure
    assert event.decision.source == "outage"
    assert event.decision.allowed == (on_outage == "allow")
    assert (event.calls, event.capacity_units) == (1, None)
    assert event.latency_ns > 0


def test_shadow_mode_is_told(limited: Limited, told: Told) -> None:
    rule = Rule("/*", "1/hour", enforce=False)
    ask = limited(store=MemoryStore(), rules=[rule], on_decision=told.append)
    for _ in range(2):
        ask(Get())
    assert [(one.enforced, one.decision.allowed) for one in told] == [(False, True), (False, False)]


def test_several_may_be_told_each_of_all(limited: Limited) -> None:
    heard: list[tuple[str, str]] = []
    tellers = [lambda d: heard.append(("a", d.rule)), lambda d: heard.append(("b", d.rule))]
    ask = limited(store=MemoryStore(), rules=rules("9/hour", "9/hour"), on_decision=tellers)
    ask(Get())
    assert sorted(heard) == [("a", "r0"), ("a", "r1"), ("b", "r0"), ("b", "r1")]


def test_of_requests_that_no_rule_is_about_nothing_is_told(limited: Limited, told: Told) -> None:
    rule = Rule("/*", "1/hour", exempt=lambda request: request.path == "/health")
    ask = limited(store=MemoryStore(), rules=[rule], on_decision=told.append)
    ask(Get("/health"))
    assert told == []


def test_what_a_teller_raises_is_raised(limited: Limited) -> None:
    def tell(decision: Any) -> None:
        raise LookupError("the user's own")

    ask = limited(store=MemoryStore(), rules=rules("9/hour"), on_decision=tell)
    with pytest.raises(LookupError, match="the user's own"):
        ask(Get())


@pytest.fixture
def table(dynamodb_endpoint: str) -> Iterator[str]:
    with rate_limit_table(dynamodb_endpoint) as name:
        yield name


@pytest.mark.parametrize("reports", [True, False])
def test_capacity_is_told_where_the_table_reports_it(
    limited: Limited, told: Told, table: str, dynamodb_endpoint: str, reports: bool
) -> None:
    store = DynamoDBStore(
        table, endpoint_url=dynamodb_endpoint, clock=FakeClock(), report_capacity=reports
    )
    options: dict[str, Any] = {"store": store, "rules": rules("9/hour", "1/hour"), "deadline": 5}
    with contextlib.closing(store):
        first = limited(**options, on_decision=told.append)
        assert [first(Get()).status for _ in range(2)] == [200, 429]
        cold = limited(**options, on_decision=told.append)
        assert cold(Get()).status == 429
    spent = [(one.rule, one.calls, one.capacity_units) for one in told]
    assert spent == [
        ("r0", 1, 1.0 if reports else None),
        ("r1", 1, 1.0 if reports else None),
        ("r1", 0, 0.0),  # from memory
        ("r0", 3, 3.0 if reports else None),  # a wrong guess, the right one, and given back
        ("r1", 1, 1.0 if reports else None),  # refused, and billed
    ]
