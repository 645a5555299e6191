"""What ``on_decision`` of a limiter and of ``@rate_limited`` is told."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Callable
from typing import Any

import pytest

from ratelimit_ddb import (
    AsyncRateLimiter,
    DynamoDBStore,
    LimiterDecision,
    MemoryStore,
    RateLimited,
    RateLimiter,
    StoreUnavailable,
    TableNotFound,
    acquire_all,
    rate_limited,
    refund_all,
)
from ratelimit_ddb.errors import KeyThrottled
from ratelimit_ddb.log import log_decisions
from tests.ddbwire.fault_server import FaultServer, reply
from tests.fake_clock import FakeClock
from tests.flaky_store import FlakyStore

KEY = "user-123"
Told = list[LimiterDecision]


class Caller:
    """A limiter of either kind, awaited where that is needed."""

    def __init__(self, kind: type[Any], store: Any, limits: Any, **options: Any) -> None:
        self.limiter = kind(store, limits, **options)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def call(*args: Any, **options: Any) -> Any:
            answer = getattr(self.limiter, name)(*args, **options)
            return asyncio.run(answer) if inspect.iscoroutine(answer) else answer

        return call


@pytest.fixture(params=[RateLimiter, AsyncRateLimiter], ids=["blocking", "asyncio"])
def make(request: pytest.FixtureRequest) -> Callable[..., Caller]:
    return lambda store, limits, **options: Caller(request.param, store, limits, **options)


@pytest.fixture
def told() -> Told:
    return []


def test_each_decision_is_told_with_its_key_cost_and_what_it_took(
    make: Callable[..., Caller], told: Told
) -> None:
    caller = make(MemoryStore(clock=FakeClock()), "3/minute", on_decision=told.append)
    decisions = [caller.acquire(("api", 7), cost=cost) for cost in (2, 1, 1, 1)]
    assert [one.decision for one in told] == decisions
    assert {one.key for one in told} == {"api:7"}
    assert [one.cost for one in told] == [2, 1, 1, 1]
    assert [one.calls for one in told] == [1, 1, 0, 0]
    assert [one.decision.source for one in told] == ["table", "table", "seen", "seen"]
    assert all(one.latency_ns > 0 for one in told)
    assert [bool(one) for one in told] == [True, True, False, False]
    assert {(one.outage, one.on_outage, one.enforced) for one in told} == {(None, None, True)}


def test_it_is_called_what_its_limits_are_behind_the_namespace(
    make: Callable[..., Caller], told: Told
) -> None:
    limits = ["2/minute", "9/hour"]
    make(MemoryStore(), limits, on_decision=told.append).acquire(KEY)
    make(MemoryStore(), limits, namespace="shop", on_decision=told.append).acquire(KEY)
    assert [(one.rule, one.key) for one in told] == [
        ("2 per minute, 9 per hour", KEY),
        ("shop: 2 per minute, 9 per hour", f"shop:{KEY}"),
    ]


@pytest.mark.parametrize("on_outage", ["local", "allow", "deny", "raise"])
def test_an_outage_is_told_with_what_was_raised_and_what_decided(
    make: Callable[..., Caller], told: Told, on_outage: str
) -> None:
    store = FlakyStore()
    store.failure = StoreUnavailable("down")
    caller = make(store, "3/minute", on_outage=on_outage, on_decision=told.append)
    if on_outage == "raise":
        with pytest.raises(StoreUnavailable, match="down"):
            caller.acquire(KEY)
    else:
        caller.acquire(KEY)
    (event,) = told
    assert (event.outage, event.on_outage, event.calls) == (store.failure, on_outage, 1)
    assert event.decision.allowed == (on_outage in ("local", "allow"))
    assert event.capacity_units is None, "it may have been carried out, and billed"


def operations(told: Told) -> list[tuple[str, int, bool]]:
    return [(one.operation, one.cost, one.refunded) for one in told]


def test_giving_back_charging_and_blocking_are_told(
    make: Callable[..., Caller], told: Told
) -> None:
    caller = make(MemoryStore(clock=FakeClock()), "9/minute", on_decision=told.append)
    taken = caller.acquire(KEY, cost=3)
    assert caller.refund(taken, cost=2)
    after = caller.charge(KEY, 4)
    blocked = caller.block(KEY, 60)
    caller.charge(KEY, 0)
    assert operations(told) == [
        ("acquire", 3, False),
        ("refund", 2, True),
        ("charge", 4, False),
        ("block", 0, False),
    ]
    assert [one.decision for one in told] == [taken, taken, after, blocked]
    assert [one.calls for one in told] == [1, 1, 1, 1]
    assert {one.key for one in told} == {KEY}
    assert all(one.latency_ns > 0 for one in told)


@pytest.mark.parametrize(
    ("used", "later"),
    [
        (900, []),
        (500, [("refund", 400, True)]),
        (1_234, [("charge", 334, False)]),
        (0, [("refund", 900, True)]),
    ],
)
def test_a_settled_reservation_is_told_as_what_it_was(
    told: Told, used: int, later: list[tuple[str, int, bool]]
) -> None:
    limiter = RateLimiter(MemoryStore(clock=FakeClock()), "1000/minute", on_decision=told.append)
    limiter.reserve(KEY, 900).settle(used)
    assert operations(told) == [("acquire", 900, False), *later]

    async def settled() -> None:
        waiting = AsyncRateLimiter(
            MemoryStore(clock=FakeClock()), "1000/minute", on_decision=told.append
        )
        async with waiting.reserve(KEY, 900) as reservation:
            await reservation.settle(used)

    asyncio.run(settled())
    assert operations(told) == [("acquire", 900, False), *later] * 2


def test_what_was_asked_of_several_limiters_is_told_with_what_was_given_back(told: Told) -> None:
    store = MemoryStore(clock=FakeClock())
    wide, narrow = (
        RateLimiter(store, limit, on_decision=told.append) for limit in ("9/minute", "1/hour")
    )
    both = acquire_all([(wide, KEY), (narrow, KEY)])
    assert refund_all(both)
    assert operations(told) == [("acquire", 1, False)] * 2 + [("refund", 1, True)] * 2
    del told[:]
    narrow.acquire(KEY)
    RateLimiter(store, "1/hour").charge(KEY, 0)
    other = RateLimiter(store, "1/hour", deny_cache=0, on_decision=told.append)
    del told[:]
    assert not acquire_all([(wide, KEY), (other, KEY)])
    assert {(one.operation, one.decision.allowed, one.refunded) for one in told} == {
        ("acquire", True, True),
        ("acquire", False, False),
    }


@pytest.mark.parametrize("on_outage", ["local", "allow", "deny", "raise"])
def test_an_outage_of_what_comes_after_a_decision_is_told(
    make: Callable[..., Caller], told: Told, on_outage: str
) -> None:
    store = FlakyStore()
    caller = make(store, "9/minute", on_outage=on_outage, on_decision=told.append)
    taken = caller.acquire(KEY)
    store.failure = StoreUnavailable("down")
    with pytest.raises(StoreUnavailable):
        caller.refund(taken)
    with pytest.raises(StoreUnavailable):
        caller.block(KEY, 60)
    if on_outage == "raise":
        with pytest.raises(StoreUnavailable):
            caller.charge(KEY, 2)
    else:
        caller.charge(KEY, 2)
    assert operations(told[1:]) == [("refund", 1, False), ("block", 0, False), ("charge", 2, False)]
    assert {(one.outage, one.on_outage) for one in told[1:]} == {(store.failure, on_outage)}


def test_a_decision_that_does_not_ask_is_told_as_one(
    make: Callable[..., Caller], told: Told
) -> None:
    store = FlakyStore()
    store.failure = StoreUnavailable("down")
    caller = make(store, "9/minute", on_decision=told.append)
    for _ in range(5):
        caller.acquire(KEY)
    assert [one.calls for one in told] == [1, 1, 1, 0, 0]
    assert all(isinstance(one.outage, StoreUnavailable) for one in told)
    assert told[-1].capacity_units == 0


def test_a_throttled_key_is_told_as_a_denial(make: Callable[..., Caller], told: Told) -> None:
    store = FlakyStore()
    store.failure = KeyThrottled("hot")
    make(store, "9/minute", on_decision=told.append).acquire(KEY)
    assert [(one.decision.source, one.outage, one.on_outage) for one in told] == [
        ("throttled", None, None)
    ]


def test_a_mistake_of_set_up_is_raised_and_not_told(
    make: Callable[..., Caller], told: Told
) -> None:
    store = FlakyStore()
    store.failure = TableNotFound("none")
    with pytest.raises(TableNotFound):
        make(store, "9/minute", on_decision=told.append).acquire(KEY)
    assert told == []


def test_a_wait_is_told_before_it_and_not_timed(
    make: Callable[..., Caller], monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[Any] = []

    async def sleep_async(seconds: float) -> None:
        order.append(seconds)

    monkeypatch.setattr("ratelimit_ddb.limiter.time.sleep", order.append)
    monkeypatch.setattr("asyncio.sleep", sleep_async)
    store = MemoryStore(clock=FakeClock())
    caller = make(store, "1/second", on_decision=lambda event: order.append(event.decision.waited))
    caller.acquire(KEY)
    caller.acquire(KEY, max_wait=2.0)
    assert order == [0.0, 1.0, 1.0]


@pytest.mark.parametrize("what", ["peek", "reset"])
def test_what_takes_nothing_is_not_told(make: Callable[..., Caller], told: Told, what: str) -> None:
    caller = make(MemoryStore(), "9/minute", on_decision=told.append)
    caller.acquire(KEY)
    getattr(caller, what)(KEY)
    assert len(told) == 1


def test_a_limiter_that_is_switched_off_tells_nothing(
    make: Callable[..., Caller], told: Told
) -> None:
    make(MemoryStore(), "1/minute", enabled=False, on_decision=told.append).acquire(KEY)
    assert told == []


def test_several_are_called_in_their_order_and_what_one_raises_is_raised(
    make: Callable[..., Caller],
) -> None:
    order: list[str] = []

    def fail(_: LimiterDecision) -> None:
        raise LookupError("of the function")

    several = [lambda _: order.append("first"), lambda _: order.append("second"), fail]
    with pytest.raises(LookupError, match="of the function"):
        make(MemoryStore(), "1/minute", on_decision=several).acquire(KEY)
    assert order == ["first", "second"]


async def _coroutine(_: LimiterDecision) -> None:
    """Nothing awaits it."""


class _Awaited:
    """Neither does anything await its call."""

    async def __call__(self, _: LimiterDecision) -> None: ...


@pytest.mark.parametrize("wrong", [7, "log", [print, 7], _coroutine, [_coroutine], _Awaited()])
def test_what_is_no_function_is_refused(make: Callable[..., Caller], wrong: Any) -> None:
    with pytest.raises(TypeError, match="on_decision"):
        make(MemoryStore(), "1/minute", on_decision=wrong)
    with pytest.raises(TypeError, match="on_decision"):
        rate_limited("1/minute", store=MemoryStore(), on_decision=wrong)


def test_capacity_is_told_where_the_table_reports_it(told: Told) -> None:
    taken = {"Attributes": {"fullAt:9-per-minute": {"N": "1"}}}
    with FaultServer() as server:
        server.default = reply({**taken, "ConsumedCapacity": {"CapacityUnits": 1.0}})
        for reports in (True, False):
            store = DynamoDBStore("t", endpoint_url=server.url, report_capacity=reports)
            RateLimiter(store, "9/minute", deadline=5, on_decision=told.append).acquire(KEY)
            store.close()
    assert [one.capacity_units for one in told] == [1.0, None]


def test_a_decorated_function_is_told_by_its_scope(told: Told) -> None:
    store = MemoryStore(clock=FakeClock())

    @rate_limited("1/minute", key=lambda user: user, store=store, on_decision=told.append)
    def send_code(user: str) -> str:
        return user

    @rate_limited("1/minute", store=store, scope="mail", on_decision=told.append)
    async def send_mail() -> None:
        """Nothing to do."""

    send_code("ada")
    with pytest.raises(RateLimited):
        send_code("ada")
    asyncio.run(send_mail())
    name = f"{__name__}.test_a_decorated_function_is_told_by_its_scope.<locals>.send_code"
    assert [one.rule for one in told] == [name, name, "mail"]
    assert [one.decision.allowed for one in told] == [True, False, True]
    assert told[0].key.endswith(":ada")


def test_the_functions_for_rules_take_a_limiters_decisions_too(
    make: Callable[..., Caller], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "ratelimit_ddb.decisions")
    caller = make(MemoryStore(), "1/minute", on_decision=log_decisions(key=True))
    assert [caller.acquire(KEY).allowed for _ in range(2)] == [True, False]
    (record,) = caplog.records
    assert record.getMessage() == "denied by rule '1 per minute'"
    assert vars(record)["ratelimit_key"] == KEY
