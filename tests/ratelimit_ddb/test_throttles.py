"""A key that the table throttles is denied; a throttle of the whole table is an outage."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ratelimit_ddb import (
    AsyncRateLimiter,
    Decision,
    DynamoDBStore,
    RateLimited,
    RateLimiter,
    StoreUnavailable,
    rate_limited,
)
from ratelimit_ddb.errors import KeyThrottled
from ratelimit_ddb.web import Rule
from tests.ddbwire.fault_server import FaultServer, error, reply
from tests.flaky_store import FlakyStore
from tests.web.exchange import Get, limited_wsgi

HOT = [{"reason": "TableWriteKeyRangeThroughputExceeded", "resource": "arn"}]
POLICIES = pytest.mark.parametrize("on_outage", ["allow", "deny", "raise"])


def blocking(store: DynamoDBStore, **options: Any) -> Decision:
    return RateLimiter(store, "5/minute", **options).acquire("k")


def awaited(store: DynamoDBStore, **options: Any) -> Decision:
    async def decide() -> Decision:
        try:
            return await AsyncRateLimiter(store, "5/minute", **options).acquire("k")
        finally:
            await store.aclose()

    return asyncio.run(decide())


@pytest.fixture
def server() -> Iterator[FaultServer]:
    with FaultServer() as server:
        yield server


@pytest.fixture
def store(server: FaultServer) -> Iterator[DynamoDBStore]:
    store = DynamoDBStore("limits", endpoint_url=server.url)
    store.warm_up()
    server.requests.clear()
    yield store
    store.close()


@POLICIES
@pytest.mark.parametrize("decide", [blocking, awaited])
@pytest.mark.parametrize(
    "throttle",
    [
        error("ProvisionedThroughputExceededException", ThrottlingReasons=HOT),
        error("ThrottlingException", throttlingReasons=HOT),
        error("ProvisionedThroughputExceededException"),
        error("ThrottlingException"),
    ],
)
def test_p14_a_throttled_key_is_denied_whatever_on_outage_says(
    store: DynamoDBStore,
    server: FaultServer,
    decide: Callable[..., Decision],
    on_outage: str,
    throttle: Any,
) -> None:
    server.default = throttle
    decision = decide(store, on_outage=on_outage, deadline=5)
    assert (decision.allowed, decision.source, decision.taken) == (False, "throttled", None)
    assert 0.02 <= decision.retry_after <= 0.04, "the next write of a process that is paced now"
    assert len(server.requests) == 1, "it is not repeated in a hurry"


def test_not_all_that_are_throttled_come_back_at_the_same_time(
    store: DynamoDBStore, server: FaultServer
) -> None:
    server.default = error("ThrottlingException", throttlingReasons=HOT)
    limiter = RateLimiter(store, "5/minute")
    assert len({limiter.acquire("k").retry_after_ns for _ in range(5)}) > 1


def test_a_throttled_key_is_served_again_when_the_table_takes_it(
    store: DynamoDBStore, server: FaultServer
) -> None:
    server.script.append(error("ThrottlingException", throttlingReasons=HOT))
    server.default = reply({"Attributes": {"fullAt:5-per-minute": {"N": "1"}}})
    limiter = RateLimiter(store, "5/minute", deadline=5)
    assert [limiter.acquire("k").source for _ in range(2)] == ["throttled", "table"]


@pytest.mark.parametrize("what", ["peek", "reset"])
def test_other_calls_on_a_throttled_key_raise_what_says_so(what: str) -> None:
    store = FlakyStore()
    store.failure = KeyThrottled("hot")
    with pytest.raises(StoreUnavailable, match="hot"):
        getattr(RateLimiter(store, "5/minute"), what)("k")


@POLICIES
def test_a_request_of_a_throttled_key_is_answered_429(on_outage: str) -> None:
    store = FlakyStore()
    store.failure = KeyThrottled("hot")
    told: list[Any] = []
    ask = limited_wsgi(
        store=store, rules=Rule("/*", "5/minute"), on_outage=on_outage, on_decision=told.append
    )
    response = ask(Get())
    assert (response.status, response.headers["retry-after"]) == (429, "1")
    assert b"Too many requests at once." in response.body
    assert "ratelimit" not in response.headers, "nobody knows what is left"
    assert [(one.decision.source, one.outage) for one in told] == [("throttled", None)]


def test_the_exception_of_a_throttled_call_says_why() -> None:
    store = FlakyStore()
    store.failure = KeyThrottled("hot")
    send = rate_limited("5/minute", store=store, scope="send")(lambda: None)
    with pytest.raises(RateLimited, match="send: the table throttles this key, retry after 0"):
        send()
