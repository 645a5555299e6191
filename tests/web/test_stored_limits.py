"""Rules with limits by name in the table: by plan, in rules files, in an outage."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ratelimit_ddb import MemoryStore, StoredLimits, StoreUnavailable, stored
from ratelimit_ddb.operations.operation import ReadLimits
from ratelimit_ddb.web import Rule, RulesError, RulesFile, header
from tests.fake_clock import FakeClock
from tests.flaky_store import FlakyStore
from tests.web.exchange import Get, Limited

USER = header("x-user", digest=False)


def plan_of(request: Any) -> Any:
    plan = request.header("x-plan")
    return None if plan == "unlimited" else f"plan:{plan}"


def on_plan(plan: str, user: str) -> Get:
    return Get(headers={"x-plan": plan, "x-user": user})


def test_each_request_has_the_limits_of_its_plan(limited: Limited, clock: FakeClock) -> None:
    store = MemoryStore(clock=clock)
    plans = StoredLimits(store)
    plans.set("plan:pro", "4/minute")
    ask = limited(
        store=store, rules=[Rule("/*", stored(plan_of, default="2/minute"), by=USER, name="api")]
    )
    free = [ask(on_plan("free", "ada")) for _ in range(3)]
    pro = [ask(on_plan("pro", "bob")) for _ in range(5)]
    assert [one.status for one in free] == [200] * 2 + [429]
    assert [one.status for one in pro] == [200] * 4 + [429]
    assert pro[0].headers["ratelimit-policy"] == '"api";q=4;w=60'
    assert "ratelimit" not in ask(on_plan("unlimited", "cy")).headers
    plans.set("plan:pro", "5/minute")
    clock.advance(60)
    assert [ask(on_plan("pro", "dee")).status for _ in range(6)] == [200] * 5 + [429]


def test_an_outage_keeps_the_plan_that_was_read_last(limited: Limited) -> None:
    store = FlakyStore()
    StoredLimits(store).set("plan:pro", "4/minute")
    rule = Rule("/*", stored(plan_of, default="100/minute"), by=USER, name="api")
    ask = limited(store=store, rules=[rule])
    assert [ask(on_plan("pro", user)).status for user in ("ada", "cy")] == [200, 200]
    assert sum(isinstance(one, ReadLimits) for one in store.operations) == 1
    store.failure = StoreUnavailable("gone")
    store.time.advance(60)
    assert [ask(on_plan("pro", "bob")).status for _ in range(5)] == [200] * 4 + [429]


def test_a_rule_of_one_name_needs_no_function(limited: Limited, clock: FakeClock) -> None:
    store = MemoryStore(clock=clock)
    StoredLimits(store).set("logins", "1/minute")
    ask = limited(store=store, rules=[Rule("/*", stored("logins", default="5/minute"), by=USER)])
    assert [ask(on_plan("free", "ada")).status for _ in range(2)] == [200, 429]


@pytest.mark.parametrize(
    "limits",
    [
        '{ stored = "plan:pro", default = "2/minute" }',
        '{ stored = "plan:pro", default = ["2/minute", "9/hour"], cache-seconds = 5 }',
        '{ stored = { function = "plan" }, default = "2/minute" }',
    ],
)
def test_a_rules_file_names_stored_limits(
    limited: Limited, clock: FakeClock, tmp_path: Path, limits: str
) -> None:
    store = MemoryStore(clock=clock)
    StoredLimits(store).set("plan:pro", "3/minute")
    file = tmp_path / "rules.toml"
    file.write_text(f'[[rule]]\npath = "/*"\nlimits = {limits}\nby = {{ header = "x-user" }}\n')
    rules = RulesFile(file, functions={"plan": plan_of})
    ask = limited(store=store, rules=rules)
    assert [ask(on_plan("pro", "ada")).status for _ in range(4)] == [200] * 3 + [429]


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        ('{ stored = "p" }', "default is required"),
        ('{ stored = "p", default = "2/fortnight" }', "fortnight"),
        ('{ stored = "p", default = "2/minute", cache = 5 }', "key 'cache'"),
        ('{ stored = 5, default = "2/minute" }', "name of stored limits 5"),
        ('{ stored = { function = "x" }, default = "2/minute" }', "function 'x'"),
    ],
)
def test_a_rules_file_with_wrong_stored_limits_is_refused(
    tmp_path: Path, limits: str, message: str
) -> None:
    file = tmp_path / "rules.toml"
    file.write_text(f'[[rule]]\npath = "/*"\nlimits = {limits}\n')
    with pytest.raises(RulesError, match=message):
        RulesFile(file)
