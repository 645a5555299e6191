"""``on_outage="local"``: each process keeps the limits by itself while the table is away."""

from __future__ import annotations

import asyncio
import inspect
import pickle
from collections.abc import Callable
from typing import Any

import pytest

from ratelimit_ddb import (
    AsyncRateLimiter,
    DynamoDBStore,
    RateLimited,
    RateLimiter,
    StoreUnavailable,
    rate_limited,
)
from ratelimit_ddb.local_buckets import MAX_KEYS, local_buckets_of
from ratelimit_ddb.operations.breaker import breaker_of
from ratelimit_ddb.web import Rule, RuleDecision, everyone
from tests.fake_clock import FakeClock
from tests.flaky_store import FlakyStore
from tests.ratelimit_ddb.test_hot_keys import SharedStore, heat
from tests.web.exchange import Get, Limited, limited_asgi, limited_wsgi

KEY = "api:user-123"
Acquire = Callable[..., Any]


@pytest.fixture(params=[RateLimiter, AsyncRateLimiter], ids=["blocking", "asyncio"])
def acquiring(request: pytest.FixtureRequest) -> Callable[..., Acquire]:
    def of(store: Any, limits: Any, **options: Any) -> Acquire:
        limiter = request.param(store, limits, **options)

        def acquire(key: str = KEY, **arguments: Any) -> Any:
            answer = limiter.acquire(key, **arguments)
            return asyncio.run(answer) if inspect.iscoroutine(answer) else answer

        return acquire

    return of


@pytest.fixture(params=[limited_asgi, limited_wsgi], ids=["asgi", "wsgi"])
def limited(request: pytest.FixtureRequest) -> Limited:
    chosen: Limited = request.param
    return chosen


@pytest.fixture
def store() -> FlakyStore:
    return FlakyStore()


def down(store: FlakyStore) -> None:
    store.failure = StoreUnavailable("down")


def test_p10_unless_told_otherwise_the_limit_holds_in_each_process(
    acquiring: Callable[..., Acquire], store: FlakyStore
) -> None:
    acquire = acquiring(store, "5/minute")
    down(store)
    decisions = [acquire() for _ in range(8)]
    assert [one.allowed for one in decisions] == [True] * 5 + [False] * 3
    assert [one.remaining for one in decisions] == [4, 3, 2, 1, 0, 0, 0, 0]
    assert {one.source for one in decisions} == {"outage"}
    assert {one.taken for one in decisions} == {None}
    assert [one.retry_after for one in decisions[5:]] == [12.0] * 3
    store.time.advance(12)
    assert [acquire().allowed for _ in range(2)] == [True, False]


def test_each_key_and_each_limit_has_its_own(
    acquiring: Callable[..., Acquire], store: FlakyStore
) -> None:
    acquire = acquiring(store, ["2/second", "3/hour"])
    down(store)
    assert [acquire().allowed for _ in range(3)] == [True, True, False]
    assert acquire("another").allowed
    store.time.advance(1)
    assert [acquire().allowed for _ in range(2)] == [True, False]
    assert acquire().limit.period_seconds == 3600


def test_limiters_of_one_limit_share_it_as_in_the_table(
    acquiring: Callable[..., Acquire], store: FlakyStore
) -> None:
    first, second = acquiring(store, "2/minute"), acquiring(store, "2/minute")
    other, apart = acquiring(store, "9/minute"), acquiring(store, "2/minute", namespace="shop")
    down(store)
    assert [one().allowed for one in (first, second, first, other, apart)] == [
        True,
        True,
        False,
        True,
        True,
    ]


def test_costs_and_waits_are_as_in_the_table(
    acquiring: Callable[..., Acquire], store: FlakyStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    slept: list[float] = []

    async def sleep_async(seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr("ratelimit_ddb.limiter.time.sleep", slept.append)
    monkeypatch.setattr("asyncio.sleep", sleep_async)
    acquire = acquiring(store, "10/second burst 5")
    down(store)
    assert not acquire(cost=5).remaining
    assert not acquire()
    waited = acquire(max_wait=1.0)
    assert (waited.allowed, waited.source, waited.waited) == (True, "outage", 0.1)
    assert slept == [0.1]


@pytest.mark.parametrize("taken", range(6))
def test_p1_what_was_admitted_before_the_outage_counts_in_it(
    acquiring: Callable[..., Acquire], store: FlakyStore, taken: int
) -> None:
    acquire = acquiring(store, "5/minute", deny_cache=0)
    for _ in range(taken):
        assert acquire().source == "table"
    down(store)
    assert sum(acquire().allowed for _ in range(8)) == 5 - taken


def test_p1_what_was_admitted_before_the_outage_counts_in_it_though_tokens_are_leased() -> None:
    clock = FakeClock()
    store = SharedStore(clock)
    limiter = RateLimiter(store, "100/second burst 1000", deny_cache=0)
    heat(limiter, clock)
    assert limiter.acquire("k", cost=500)
    left = limiter.acquire("k").remaining

    def fail() -> None:
        raise StoreUnavailable("down")

    store.before = fail
    decisions = [limiter.acquire("k", cost=100) for _ in range(10)]
    assert {one.source for one in decisions} == {"outage"}
    assert sum(one.allowed for one in decisions) * 100 <= left


def test_p1_what_was_admitted_in_one_outage_counts_in_the_next(
    acquiring: Callable[..., Acquire], store: FlakyStore
) -> None:
    acquire = acquiring(store, "5/minute")
    down(store)
    assert [acquire().remaining for _ in range(2)] == [4, 3]
    store.failure = None
    assert acquire().remaining == 4
    down(store)
    assert acquire().remaining == 2


def test_p6_the_table_is_not_denied_by_what_was_admitted_without_it(
    acquiring: Callable[..., Acquire], store: FlakyStore
) -> None:
    acquire = acquiring(store, "2/minute")
    down(store)
    assert [acquire().remaining for _ in range(2)] == [1, 0]
    store.failure = None
    decision = acquire()
    assert (decision.allowed, decision.remaining, decision.source) == (True, 1, "table")


def test_what_is_charged_and_blocked_in_an_outage_counts_in_it_with_what_was_taken_before(
    store: FlakyStore,
) -> None:
    limiter = RateLimiter(store, "10/minute")
    for key, cost in ((KEY, 2), ("peeked", 2), ("blocked", 10)):
        limiter.acquire(key, cost=cost)
    bucket, local = limiter._core.bucket, local_buckets_of(store)
    assert local.peek(bucket, "peeked", 1).remaining == 8
    assert local.block(bucket, "blocked", 1).retry_after_ns == 6_000_000_001
    assert local.charge(bucket, KEY, 3).remaining == 5
    assert local.peek(bucket, KEY, 6).retry_after == 6.0
    denial = local.block(bucket, KEY, 600 * 10**9)
    assert (denial.retry_after, denial.source, denial.taken) == (600.0, "outage", None)
    assert not local.acquire(bucket, KEY, 1, 0)


def test_a_reset_fills_the_buckets_of_the_next_outage_too(store: FlakyStore) -> None:
    limiter = RateLimiter(store, "2/minute")
    down(store)
    assert [limiter.acquire(KEY).allowed for _ in range(3)] == [True, True, False]
    store.failure = None
    limiter.reset(KEY)
    down(store)
    assert [limiter.acquire(KEY).allowed for _ in range(3)] == [True, True, False]


def test_nothing_of_the_tables_is_given_back_for_it(store: FlakyStore) -> None:
    limiter = RateLimiter(store, "5/minute")
    down(store)
    decision = limiter.acquire(KEY)
    store.failure = None
    assert limiter.refund(decision) is False
    assert pickle.loads(pickle.dumps(decision)) == decision


def test_p9_memory_is_bounded_whatever_the_number_of_keys(store: FlakyStore) -> None:
    limiter = RateLimiter(store, "5/minute")
    down(store)
    memory = local_buckets_of(store)._memory
    memory._max_keys = 10
    for number in range(50):
        limiter.acquire(f"key-{number}")
    assert len(memory) == 10
    assert MAX_KEYS == 100_000


def test_before_the_first_answer_the_time_is_the_hosts() -> None:
    store = DynamoDBStore("limits", endpoint_url="http://127.0.0.1:1")
    limiter = RateLimiter(store, "2/hour", deadline=0.05)
    assert [limiter.acquire(KEY).allowed for _ in range(4)] == [True, True, False, False]
    store.close()


def test_a_middleware_keeps_its_rules_and_answers_429(limited: Limited, store: FlakyStore) -> None:
    told: list[RuleDecision] = []
    rules = [Rule("/*", "3/hour", name="few"), Rule("/*", "9/hour", name="many")]
    ask = limited(store=store, rules=rules, on_decision=told.append)
    down(store)
    assert [ask(Get()).status for _ in range(4)] == [200, 200, 200, 429]
    response = ask(Get())
    assert (response.status, response.headers["retry-after"]) == (429, "1200")
    assert {(one.on_outage, one.decision.source) for one in told} == {("local", "outage")}


class KeepsSilentAbout(FlakyStore):
    """Gives no answer for the keys that begin so."""

    def __init__(self, prefix: str) -> None:
        super().__init__()
        self.prefix = prefix

    def send(self, operation: Any, deadline_ns: int) -> Any:
        if getattr(operation, "key", "").startswith(self.prefix):
            raise StoreUnavailable("no answer in time")
        return super().send(operation, deadline_ns)


@pytest.mark.parametrize("silent", ["", "many", "few"])
def test_p3_a_request_that_one_rule_denies_takes_nothing_of_the_others(
    limited: Limited, silent: str
) -> None:
    store = KeepsSilentAbout(silent)
    rules = [
        Rule("/*", "9/hour", by=everyone(), name="many"),
        Rule("/few", "1/hour", by=everyone(), name="few"),
        Rule("/few", "1/hour", by=everyone(), name="shadow", enforce=False),
    ]
    ask = limited(store=store, rules=rules, deny_cache=0)
    assert [ask(Get("/few")).status for _ in range(6)] == [200] + [429] * 5
    assert [ask(Get("/")).status for _ in range(9)] == [200] * 8 + [429]


def test_p14_a_key_that_gets_no_answer_does_not_stop_the_asking_for_others(
    limited: Limited,
) -> None:
    store = KeepsSilentAbout("silent")
    rules = [Rule("/*", "9/hour", name="silent"), Rule("/*", "99/hour", name="served")]
    ask = limited(store=store, rules=rules)
    for _ in range(8):
        ask(Get())
    assert not breaker_of(store).is_open
    assert RateLimiter(store, "99/hour").peek(("served", "192.0.2.7")).remaining == 91


def test_a_decorated_function_keeps_its_limit(store: FlakyStore) -> None:
    down(store)
    call = rate_limited("1/minute", store=store, scope="call")(lambda: None)
    call()
    with pytest.raises(RateLimited, match="call: denied while the store could not be reached"):
        call()
