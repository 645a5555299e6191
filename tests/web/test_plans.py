"""Limits that depend on the request: a plan's, changed at once and on the same bucket."""

from __future__ import annotations

from typing import Any

import pytest

from ratelimit_ddb import Limit, MemoryStore, stored
from ratelimit_ddb.web import Rule, header
from tests.fake_clock import FakeClock
from tests.flaky_store import FlakyStore
from tests.web.exchange import Ask, Get, Limited

PLANS: dict[str | None, Any] = {
    "free": Limit(2, 60, name="plan"),
    "pro": Limit(6, 60, name="plan"),
    "two": [Limit(6, 60, name="plan"), Limit(9, 3600)],
    "unlimited": None,
}


def plan_of(request: Any) -> Any:
    return PLANS[request.header("x-plan")]


def on_plan(plan: str, user: str = "u1") -> Get:
    return Get(headers={"x-plan": plan, "x-user": user})


@pytest.fixture
def ask(limited: Limited, clock: FakeClock) -> Ask:
    rule = Rule("/*", plan_of, by=header("x-user", digest=False), name="api")
    return limited(store=MemoryStore(clock=clock), rules=[rule])


def test_each_plan_has_its_limits(ask: Ask) -> None:
    free = [ask(on_plan("free")) for _ in range(3)]
    pro = [ask(on_plan("pro", "u2")) for _ in range(7)]
    assert [response.status for response in free] == [200] * 2 + [429]
    assert [response.status for response in pro] == [200] * 6 + [429]
    assert free[0].headers["ratelimit-policy"] == '"api";q=2;w=60'
    assert pro[0].headers["ratelimit-policy"] == '"api";q=6;w=60'


def test_an_upgrade_takes_effect_at_once_on_the_same_bucket(ask: Ask) -> None:
    assert [ask(on_plan("free")).status for _ in range(3)] == [200, 200, 429]
    # The bucket is full again in 60 s, which of 6 a minute is 6 tokens' time: it is empty still.
    assert ask(on_plan("pro")).headers["retry-after"] == "10"


def test_after_an_upgrade_the_bucket_fills_at_the_new_rate(ask: Ask, clock: FakeClock) -> None:
    for _ in range(2):
        ask(on_plan("free"))
    clock.advance(20)
    assert [ask(on_plan("pro")).status for _ in range(3)] == [200, 200, 429]


def test_a_downgrade_takes_effect_at_once(ask: Ask) -> None:
    assert [ask(on_plan("pro")).status for _ in range(4)] == [200] * 4
    # Four of six a minute are 40 s of debt, and free requests are worth 30 s each.
    assert ask(on_plan("free")).headers["retry-after"] == "10"


def test_a_plan_of_several_limits_names_each(ask: Ask) -> None:
    told = ask(on_plan("two")).headers
    assert told["ratelimit-policy"] == '"api:plan";q=6;w=60, "api:9-per-hour";q=9;w=3600'
    assert told["ratelimit"] == '"api:plan";r=5;t=10'


def test_no_limits_is_not_limited(ask: Ask) -> None:
    for _ in range(9):
        response = ask(on_plan("unlimited"))
        assert (response.status, "ratelimit-policy" in response.headers) == (200, False)
    assert ask(on_plan("free")).headers["ratelimit"].startswith('"api";r=1')


def test_p1_plans_without_a_name_have_a_bucket_each(limited: Limited, clock: FakeClock) -> None:
    """20 a minute for POST and a burst of 1,000 for GET: neither fills the other's bucket."""
    limits = {"POST": "2/minute", "GET": "5/minute burst 10"}
    rule = Rule("/*", lambda request: limits[request.method], name="api")
    ask = limited(store=MemoryStore(clock=clock), rules=[rule])
    admitted = dict.fromkeys(limits, 0)
    for _ in range(60):
        for method in limits:
            admitted[method] += ask(Get(method=method)).status == 200
        clock.advance(1)
    assert admitted == {"POST": 3, "GET": 14}


def test_p9_limits_of_a_thousand_tenants_share_a_bounded_memory(limited: Limited) -> None:
    """A few sets remember keys apart, so what alternates on one key is denied from memory."""
    store = FlakyStore()
    rule = Rule("/*", lambda request: f"1/{request.header('x-plan')} hours", name="api")
    ask = limited(store=store, rules=[rule], seen_keys=64)
    for tenant in range(1, 40):
        ask(on_plan(str(tenant)))
    for tenant in (1, 2, 1, 2):
        ask(on_plan(str(tenant)))
    store.operations.clear()
    assert [ask(on_plan(str(tenant))).status for tenant in (1, 2, 1, 2)] == [429] * 4
    assert store.operations == []


@pytest.mark.parametrize(
    ("limits", "error", "told"),
    [
        ("often", ValueError, "limit 'often'"),
        ([], ValueError, r"limits \[\]"),
        ([None], TypeError, "limit None"),
        (5, TypeError, "limit"),
    ],
)
def test_limits_that_are_none_are_told(
    limited: Limited, limits: Any, error: type[Exception], told: str
) -> None:
    ask = limited(store=MemoryStore(), rules=[Rule("/*", lambda request: limits)])
    with pytest.raises(error, match=rf"rule '/\*': {told}"):
        ask(Get())


@pytest.mark.parametrize(("name", "told"), [(5, "stored limits 5"), ("", "stored limits ''")])
def test_a_name_of_stored_limits_that_is_none_is_told(
    limited: Limited, name: Any, told: str
) -> None:
    rule = Rule("/*", stored(lambda request: name, default="1/hour"))
    ask = limited(store=MemoryStore(), rules=[rule])
    with pytest.raises((TypeError, ValueError), match=rf"rule '/\*': name of {told}"):
        ask(Get())


@pytest.mark.parametrize(("plan", "status"), [("free", 429), ("pro", 200), ("unlimited", 200)])
def test_a_cost_is_compared_with_the_requests_own_burst(
    limited: Limited, plan: str, status: int
) -> None:
    ask = limited(store=MemoryStore(), rules=[Rule("/*", plan_of, cost=4)])
    response = ask(on_plan(plan))
    assert (response.status, "retry-after" in response.headers) == (status, False)
