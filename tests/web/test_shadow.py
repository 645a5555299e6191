"""Shadow mode: a rule that decides, counts and reports, and never denies."""

from __future__ import annotations

import pytest

from ratelimit_ddb import MemoryStore, RateLimiter, StoreUnavailable
from ratelimit_ddb.web import Rule, RuleDecision
from tests.fake_clock import FakeClock
from tests.flaky_store import FlakyStore
from tests.web.exchange import Get, Limited

CLIENT = "192.0.2.7"
Told = list[RuleDecision]


def test_it_never_denies(limited: Limited) -> None:
    told: Told = []
    rule = Rule("/*", "2/hour", enforce=False, name="shadow")
    store = MemoryStore(clock=FakeClock())
    ask = limited(store=store, rules=[rule], on_decision=told.append)
    assert {ask(Get()).status for _ in range(5)} == {200}
    assert [one.decision.allowed for one in told] == [True, True, False, False, False]
    assert [bool(one) for one in told] == [True, True, False, False, False], "the decision's truth"
    assert {one.enforced for one in told} == {False}
    assert {one.rule for one in told} == {"shadow"}


def test_it_is_not_in_the_fields(limited: Limited) -> None:
    rules = [
        Rule("/*", "1/hour", enforce=False, name="shadow"),
        Rule("/*", "9/hour", name="real"),
    ]
    ask = limited(store=MemoryStore(clock=FakeClock()), rules=rules, fields="both")
    for remaining in (8, 7, 6):
        headers = ask(Get()).headers
        assert headers["ratelimit-policy"] == '"real";q=9;w=3600'
        assert headers["ratelimit"].startswith(f'"real";r={remaining};')
        assert headers["x-ratelimit-remaining"] == str(remaining)
    alone = limited(store=MemoryStore(), rules=rules[:1], fields="both")
    assert alone(Get()).headers == {"content-type": "text/plain"}


def test_its_take_is_refunded_where_another_rule_denies(limited: Limited) -> None:
    told: Told = []
    store = MemoryStore(clock=FakeClock())
    rules = [
        Rule("/*", "9/hour", enforce=False, name="shadow"),
        Rule("/*", "1/hour", name="real"),
    ]
    limited(store=store, rules=rules)(Get())
    ask = limited(store=store, rules=rules, on_decision=told.append)
    assert ask(Get()).status == 429
    assert [(one.rule, one.refunded) for one in told] == [("shadow", True), ("real", False)]
    assert RateLimiter(store, "9/hour").peek(("shadow", CLIENT)).remaining == 8


def test_what_it_denied_is_not_refunded_where_another_rule_denies(limited: Limited) -> None:
    told: Told = []
    store = MemoryStore(clock=FakeClock())
    rules = [
        Rule("/*", "1/hour", enforce=False, name="shadow"),
        Rule("/*", "1/hour", name="real"),
    ]
    limited(store=store, rules=rules)(Get())
    ask = limited(store=store, rules=rules, on_decision=told.append)  # which has seen nothing
    assert ask(Get()).status == 429
    denied = [(one.rule, one.decision.allowed, one.refunded) for one in told]
    assert denied == [("shadow", False, False), ("real", False, False)]
    assert RateLimiter(store, "1/hour").peek(("shadow", CLIENT)).remaining == 0


def test_its_denial_costs_the_others_nothing(limited: Limited) -> None:
    store = MemoryStore(clock=FakeClock())
    rules = [
        Rule("/*", "9/hour", name="before"),
        Rule("/*", "1/hour", enforce=False, name="shadow"),
        Rule("/*", "9/hour", name="after"),
    ]
    ask = limited(store=store, rules=rules)
    assert [ask(Get()).status for _ in range(3)] == [200, 200, 200]
    for name in ("before", "after"):
        assert RateLimiter(store, "9/hour").peek((name, CLIENT)).remaining == 6


def test_what_costs_more_than_its_burst_passes_and_is_told(limited: Limited) -> None:
    told: Told = []
    rule = Rule("/*", "5/hour", enforce=False, cost=lambda request: 6)
    ask = limited(store=MemoryStore(), rules=[rule], on_decision=told.append)
    assert ask(Get()).status == 200
    ((decision, calls),) = [(one.decision, one.calls) for one in told]
    assert (decision.allowed, decision.source, calls) == (False, "cost", 0)


@pytest.mark.parametrize("on_outage", ["allow", "deny", "raise"])
def test_an_outage_of_it_denies_nobody_and_is_told(limited: Limited, on_outage: str) -> None:
    told: Told = []
    store = FlakyStore()
    store.failure = StoreUnavailable("no answer")
    rule = Rule("/*", "5/hour", enforce=False)
    ask = limited(store=store, rules=[rule], on_outage=on_outage, on_decision=told.append)
    assert ask(Get()).status == 200
    assert [one.outage for one in told] == [store.failure]


def test_it_counts_under_the_same_key_as_when_it_is_enforced(limited: Limited) -> None:
    store = MemoryStore(clock=FakeClock())
    for enforce, statuses in ((False, [200, 200]), (True, [429, 429])):
        ask = limited(store=store, rules=[Rule("/*", "2/hour", enforce=enforce)])
        assert [ask(Get()).status for _ in range(2)] == statuses
