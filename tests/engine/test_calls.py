"""What a decision costs, as the engine itself counts it (P7)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ddbwire import AnsweredCall
from ratelimit_ddb import DynamoDBStore, Limit, RateLimiter
from tests.fake_clock import FakeClock

Calls = list[AnsweredCall]

WRITE = AnsweredCall("UpdateItem", refused=False, capacity_units=1.0)
REFUSED = AnsweredCall("UpdateItem", refused=True, capacity_units=None)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def calls() -> Calls:
    return []


@pytest.fixture
def store(
    dynamodb_endpoint: str, table: str, clock: FakeClock, calls: Calls
) -> Iterator[DynamoDBStore]:
    store = DynamoDBStore(table, endpoint_url=dynamodb_endpoint, clock=clock, on_call=calls.append)
    yield store
    store.close()


LIMITS = ["10/minute", ["10/minute", "100/hour", "1000/day"]]


@pytest.mark.parametrize("limits", LIMITS)
def test_p7_first_use_and_warm_use_are_one_write_each(
    store: DynamoDBStore, calls: Calls, limits: str | list[str]
) -> None:
    limiter = RateLimiter(store, limits, deadline=5)
    for _ in range(10):
        assert limiter.acquire("k").allowed
    assert calls == [WRITE] * 10


@pytest.mark.parametrize("limits", LIMITS)
def test_p7_an_idle_key_that_was_seen_is_one_write(
    store: DynamoDBStore, calls: Calls, clock: FakeClock, limits: str | list[str]
) -> None:
    limiter = RateLimiter(store, limits, deadline=5)
    for _ in range(5):
        limiter.acquire("k")
        clock.advance(100)
    assert calls == [WRITE] * 5


def test_p7_an_active_key_not_seen_yet_is_two_writes_at_most(
    store: DynamoDBStore, calls: Calls
) -> None:
    RateLimiter(store, "10/minute", deadline=5).acquire("k")
    calls.clear()
    assert RateLimiter(store, "10/minute", deadline=5).acquire("k").allowed
    assert calls == [REFUSED, WRITE]


def test_p7_several_limits_are_one_write_more_than_limits_at_most(
    store: DynamoDBStore, calls: Calls, clock: FakeClock
) -> None:
    limits = ["10/second", "100/minute", "1000/hour"]
    RateLimiter(store, limits, deadline=5).acquire("k")
    clock.advance(1.5)
    calls.clear()
    assert RateLimiter(store, limits, deadline=5).acquire("k").allowed
    assert calls == [REFUSED, WRITE]


def test_p7_denials_cost_nothing_once_seen(store: DynamoDBStore, calls: Calls) -> None:
    limiter = RateLimiter(store, "2/minute", deadline=5)
    assert [limiter.acquire("k").allowed for _ in range(100)] == [True, True] + [False] * 98
    assert calls == [WRITE, WRITE]
    calls.clear()
    newcomer = RateLimiter(store, "2/minute", deadline=5)
    assert not any(newcomer.acquire("k").allowed for _ in range(100))
    assert calls == [REFUSED]


def test_p7_peek_refund_and_reset_are_one_call_each(store: DynamoDBStore, calls: Calls) -> None:
    limiter = RateLimiter(store, "2/minute", deadline=5)
    decision = limiter.acquire("k")
    calls.clear()
    limiter.peek("k")
    limiter.refund(decision)
    limiter.reset("k")
    assert calls == [
        AnsweredCall("GetItem", refused=False, capacity_units=1.0),
        WRITE,
        AnsweredCall("DeleteItem", refused=False, capacity_units=1.0),
    ]


@pytest.mark.parametrize("limits", LIMITS)
def test_p7_a_take_after_a_refund_is_one_write(
    store: DynamoDBStore, calls: Calls, limits: str | list[str]
) -> None:
    limiter = RateLimiter(store, limits, deadline=5)
    for _ in range(3):
        limiter.acquire("k")
        assert limiter.refund(limiter.acquire("k"))
    assert calls == [WRITE] * 9


def test_p7_a_reservation_is_one_write_and_settling_it_one_or_none(
    store: DynamoDBStore, calls: Calls
) -> None:
    limiter = RateLimiter(store, "1000/minute", deadline=10)
    exact, less, more = (limiter.reserve("k", 100) for _ in range(3))
    assert calls == [WRITE] * 3
    calls.clear()
    exact.settle(100)
    assert calls == []
    more.settle(150)
    assert calls == [WRITE]
    calls.clear()
    less.settle(40)
    assert calls == [WRITE]


def test_p7_a_charge_and_a_block_are_one_write_each(store: DynamoDBStore, calls: Calls) -> None:
    limiter = RateLimiter(store, ["10/second", "100/hour"], deadline=10)
    limiter.charge("k", 500)
    limiter.charge("k", 500)
    limiter.block("k", 86_400)
    assert calls == [WRITE] * 3


def test_the_most_limits_that_a_key_can_have_are_decided_by_one_write(
    store: DynamoDBStore, calls: Calls, clock: FakeClock
) -> None:
    limits = [Limit(1_000 + number, 3_600, name=f"{number}".rjust(64, "x")) for number in range(50)]
    limiter = RateLimiter(store, limits, deadline=5, deny_cache=0)
    first = limiter.acquire("k", cost=900)
    clock.advance(1)
    assert limiter.acquire("k", cost=10)
    assert len(calls) == 2
    assert limiter.refund(first, cost=500), "out of turn, which has the longest expression"
    assert limiter.peek("k").remaining == 590
    assert not limiter.charge("k", 600)
    assert not limiter.block("k", 60)
    limiter.reset("k")
    assert limiter.acquire("k", cost=1_000)
