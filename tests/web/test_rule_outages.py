"""Several rules and no store: from the start, in the middle, and only in giving back."""

from __future__ import annotations

import time
from typing import Any

import pytest

from ratelimit_ddb import DynamoDBStore, RateLimiter, StoreUnavailable
from ratelimit_ddb.operations.operation import GiveBack, Operation, Take
from ratelimit_ddb.web import Rule, RuleDecision
from tests.dynamodb_local import free_port
from tests.flaky_store import FlakyStore
from tests.web.exchange import Get, Limited

CLIENT = "192.0.2.7"
S = 1_000_000_000
NAMES = ("first", "second", "third")


class PartlyUnreachable(FlakyStore):
    """A store that gives no answer where it was told so, by key or by kind of operation."""

    def __init__(self) -> None:
        super().__init__()
        self.lost_key = ""
        self.lost_kind: type[Any] = type(None)
        self.deadlines_ns: list[int] = []

    def send(self, operation: Operation, deadline_ns: int) -> Any:
        self.deadlines_ns.append(deadline_ns)
        answer = super().send(operation, deadline_ns)
        of_lost_key = self.lost_key and getattr(operation, "key", "").startswith(self.lost_key)
        if of_lost_key or isinstance(operation, self.lost_kind):
            raise StoreUnavailable("no answer in time")
        return answer

    def left(self, name: str, limits: str = "9/hour") -> int:
        lost, self.lost_key = self.lost_key, ""
        try:
            return RateLimiter(self, limits).peek((name, CLIENT)).remaining
        finally:
            self.lost_key = lost

    def keys_sent(self) -> list[str]:
        keys = [getattr(one, "key", "") for one in self.operations]
        return [key.partition(":")[0] for key in keys if key]


@pytest.fixture
def store() -> PartlyUnreachable:
    return PartlyUnreachable()


def rules(*limits: str) -> list[Rule]:
    given = limits or ("9/hour",) * 3
    return [Rule("/*", one, name=name) for name, one in zip(NAMES, given, strict=True)]


def test_allowed_in_the_middle_it_passes_with_what_is_known(
    limited: Limited, store: PartlyUnreachable
) -> None:
    told: list[RuleDecision] = []
    store.lost_key = "second"
    ask = limited(store=store, rules=rules(), on_decision=told.append)
    response = ask(Get())
    assert response.status == 200
    assert response.headers["ratelimit-policy"].count("q=9") == 3
    assert response.headers["ratelimit"] == '"first";r=8;t=400, "third";r=8;t=400'
    assert [one.decision.source for one in told] == ["table", "outage", "table"]
    assert store.keys_sent() == ["first", "second", "third"], "each rule is decided by itself"


def test_denied_in_the_middle_what_was_taken_is_given_back(
    limited: Limited, store: PartlyUnreachable
) -> None:
    told: list[RuleDecision] = []
    store.lost_key = "second"
    ask = limited(store=store, rules=rules(), on_outage="deny", on_decision=told.append)
    response = ask(Get())
    assert (response.status, response.headers["retry-after"]) == (503, "1")
    assert [(one.rule, one.decision.source, one.refunded) for one in told] == [
        ("first", "table", True),
        ("second", "outage", False),
        ("third", "table", True),
    ]
    assert store.left("first") == 9


def test_raised_in_the_middle_what_was_taken_is_given_back(
    limited: Limited, store: PartlyUnreachable
) -> None:
    store.lost_key = "second"
    ask = limited(store=store, rules=rules(), on_outage="raise")
    with pytest.raises(StoreUnavailable, match="no answer in time"):
        ask(Get())
    assert store.left("first") == 9
    assert store.left("third") == 9


@pytest.mark.parametrize("on_outage", ["allow", "deny", "raise"])
def test_a_denial_that_is_known_needs_no_store(
    limited: Limited, store: PartlyUnreachable, on_outage: str
) -> None:
    ask = limited(store=store, rules=rules("9/hour", "1/hour", "9/hour"), on_outage=on_outage)
    ask(Get())
    store.failure = StoreUnavailable("gone")
    assert ask(Get()).status == 429


@pytest.mark.parametrize("on_outage", ["allow", "deny", "raise"])
@pytest.mark.parametrize("lost", ["first", "third"])
def test_p14_a_denial_stands_where_other_rules_get_no_answer(
    limited: Limited, store: PartlyUnreachable, on_outage: str, lost: str
) -> None:
    limits = ("9/hour", "1/hour", "9/hour")
    limited(store=store, rules=rules(*limits))(Get())
    store.lost_key = lost
    response = limited(store=store, rules=rules(*limits), on_outage=on_outage)(Get())
    assert (response.status, response.headers["retry-after"]) == (429, "3600")


@pytest.mark.parametrize("on_outage", ["allow", "deny", "raise"])
def test_where_nothing_can_be_given_back_the_denial_stands_and_says_so(
    limited: Limited, store: PartlyUnreachable, on_outage: str
) -> None:
    limits = ("9/hour", "1/hour", "9/hour")
    limited(store=store, rules=rules(*limits))(Get())
    told: list[RuleDecision] = []
    store.lost_kind = GiveBack
    ask = limited(store=store, rules=rules(*limits), on_outage=on_outage, on_decision=told.append)
    assert ask(Get()).status == 429
    assert [(one.rule, one.refunded) for one in told] == [(name, False) for name in NAMES]


def test_p10_a_request_has_one_deadline_for_all_it_sends_and_a_quarter_is_for_giving_back(
    limited: Limited, store: PartlyUnreachable
) -> None:
    limits = ("9/hour", "1/hour", "1/day")
    limited(store=store, rules=rules(*limits))(Get())
    ask = limited(store=store, rules=rules(*limits), deadline=60.0)
    for path in ("/denied", "/denied/elsewhere"):
        store.time.advance(6)  # nothing is told from memory
        store.deadlines_ns.clear()
        store.operations.clear()
        began_ns = time.monotonic_ns()
        assert ask(Get(path)).status == 429
        ended_ns = time.monotonic_ns()
        sent = list(zip(store.operations, store.deadlines_ns, strict=True))
        takes = [deadline_ns for one, deadline_ns in sent if isinstance(one, Take)]
        refunds = [deadline_ns for one, deadline_ns in sent if isinstance(one, GiveBack)]
        assert len(set(takes)) == 1, "no rule has less of it than another"
        assert began_ns + 45 * S <= takes[0] <= ended_ns + 45 * S
        assert began_ns + 60 * S <= refunds[0] <= ended_ns + 60 * S


@pytest.mark.parametrize("lost", ["first", "second", "third"])
@pytest.mark.parametrize("enforce", [True, False])
def test_p14_an_outage_of_one_key_never_changes_what_other_rules_decide(
    limited: Limited, store: PartlyUnreachable, lost: str, enforce: bool
) -> None:
    given = [
        Rule("/*", "9/hour", name="first", enforce=enforce or lost != "first"),
        Rule("/*", "9/hour", name="second", enforce=enforce or lost != "second"),
        Rule("/*", "9/hour", name="third", enforce=enforce or lost != "third"),
        Rule("/*", "2/hour", name="login"),
    ]
    store.lost_key = lost
    assert [limited(store=store, rules=given)(Get()).status for _ in range(4)] == [
        200,
        200,
        429,
        429,
    ]


@pytest.mark.parametrize("on_outage", ["allow", "deny", "raise"])
def test_the_outage_of_a_rule_in_shadow_mode_denies_nobody_and_is_told(
    limited: Limited, store: PartlyUnreachable, on_outage: str
) -> None:
    told: list[RuleDecision] = []
    store.lost_key = "site"
    given = [Rule("/*", "9/hour", name="site", enforce=False), Rule("/*", "2/hour", name="login")]
    for several in (given, given[::-1], given[:1]):
        ask = limited(
            store=store, rules=several, on_outage=on_outage, on_decision=told.append, deny_cache=0
        )
        assert ask(Get()).status == 200
    outages = [one for one in told if one.outage is not None]
    assert [(one.rule, one.enforced) for one in outages] == [("site", False)] * 3


def test_denied_by_an_outage_and_by_a_limit_the_longer_wait_is_told(
    limited: Limited, store: PartlyUnreachable
) -> None:
    limited(store=store, rules=Rule("/*", "1/hour", name="second"))(Get())
    store.lost_key = "first"
    given = rules("9/hour", "1/hour", "9/hour")
    response = limited(store=store, rules=given, on_outage="deny")(Get())
    assert (response.status, response.headers["retry-after"]) == (429, "3600")


def test_after_an_outage_the_limits_hold_again(limited: Limited, store: PartlyUnreachable) -> None:
    ask = limited(store=store, rules=rules("2/hour", "9/hour", "9/hour"), on_outage="allow")
    store.failure = StoreUnavailable("gone")
    assert {ask(Get()).status for _ in range(2)} == {200}
    store.failure = None
    assert [ask(Get()).status for _ in range(3)] == [200, 200, 429]


@pytest.mark.parametrize("limits", [("1/hour",), ("9/hour", "1/hour", "9/hour")])
def test_p14_in_an_outage_too_each_client_has_tokens_of_its_own(
    limited: Limited, store: PartlyUnreachable, limits: tuple[str, ...]
) -> None:
    store.failure = StoreUnavailable("no answer")
    several = [Rule("/*", one, name=f"r{n}") for n, one in enumerate(limits)]
    ask = limited(store=store, rules=several, on_outage="local")
    assert [ask(Get()).status for _ in range(2)] == [200, 429]
    assert ask(Get(client="192.0.2.8")).status == 200


def test_p10_where_not_even_the_time_is_known_every_rule_is_decided_without_the_table(
    limited: Limited, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    nobody = f"http://127.0.0.1:{free_port()}"
    told: list[RuleDecision] = []
    with DynamoDBStore("limits", region_name="us-east-1", endpoint_url=nobody) as store:
        ask = limited(
            store=store, rules=rules("9/hour", "1/hour", "9/hour"), on_decision=told.append
        )
        assert [ask(Get()).status for _ in range(2)] == [200, 429]
    assert [(one.rule, one.decision.source, one.on_outage) for one in told] == [
        (name, "outage", "local") for name in NAMES * 2
    ]
    assert [one.decision.remaining for one in told] == [8, 0, 8, 8, 0, 8], "P3"
    assert all(one.outage is not None and one.latency_ns > 0 for one in told)


def test_in_an_outage_a_process_denies_to_the_nanosecond(limited: Limited) -> None:
    store = FlakyStore()
    store.failure = StoreUnavailable("no answer")
    ask = limited(store=store, rules=Rule("/*", "1/second"), on_outage="local")
    told = []
    for after_ns in (0, S - 1, 1):
        store.time.advance_ns(after_ns)
        told.append(ask(Get()).status)
    assert told == [200, 429, 200]


@pytest.mark.parametrize("names", [NAMES[:1], NAMES])
def test_the_log_says_why_requests_are_admitted_without_the_table(
    limited: Limited, caplog: pytest.LogCaptureFixture, names: tuple[str, ...]
) -> None:
    store = FlakyStore()
    store.failure = StoreUnavailable("the cable is out")
    given = [Rule("/*", "9/hour", name=name) for name in names]
    assert limited(store=store, rules=given, on_outage="allow")(Get()).status == 200
    assert "the cable is out" in caplog.text


@pytest.mark.parametrize("names", [NAMES[:1], NAMES])
def test_a_rule_that_is_not_asked_in_an_outage_used_no_capacity(
    limited: Limited, names: tuple[str, ...]
) -> None:
    store = FlakyStore()
    store.failure = StoreUnavailable("no answer")
    told: list[RuleDecision] = []
    given = [Rule("/*", "9/hour", name=name) for name in names]
    ask = limited(store=store, rules=given, on_decision=told.append)
    for _ in range(4):
        ask(Get())
    used = [(one.calls, one.capacity_units) for one in told]
    assert used[: len(names)] == [(1, None)] * len(names)
    assert used[-len(names) :] == [(0, 0.0)] * len(names), "the breaker is open"
