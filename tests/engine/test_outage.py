"""The table out of reach (P10), and set up wrongly, which is no outage."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ratelimit_ddb import (
    AsyncRateLimiter,
    Decision,
    DynamoDBStore,
    RateLimiter,
    StoreUnavailable,
    TableNotFound,
)
from tests.dynamodb_local import free_port

DEADLINE_SECONDS = 0.25
SCHEDULING_SECONDS = 0.1
"""What waking up may add; the alternative measured in the field is 26 s."""


@pytest.fixture(params=["port closed", "never answers"])
def dead_endpoint(request: pytest.FixtureRequest) -> Iterator[str]:
    if request.param == "port closed":
        yield f"http://127.0.0.1:{free_port()}"
        return
    with socket.create_server(("127.0.0.1", 0), backlog=128) as silent:
        yield f"http://127.0.0.1:{silent.getsockname()[1]}"


def blocking(store: DynamoDBStore, **options: Any) -> Decision:
    return RateLimiter(store, "5/minute", **options).acquire("k")


def awaited(store: DynamoDBStore, **options: Any) -> Decision:
    async def decide() -> Decision:
        try:
            return await AsyncRateLimiter(store, "5/minute", **options).acquire("k")
        finally:
            await store.aclose()

    return asyncio.run(decide())


Decide = Callable[..., Decision]
FLAVOURS = pytest.mark.parametrize("decide", [blocking, awaited])


@FLAVOURS
@pytest.mark.parametrize(("on_outage", "allowed"), [("allow", True), ("deny", False)])
def test_p10_a_decision_keeps_the_deadline_and_follows_the_policy(
    dead_endpoint: str, decide: Decide, on_outage: str, allowed: bool
) -> None:
    store = DynamoDBStore("any", endpoint_url=dead_endpoint)
    store.prepare()
    took_seconds = []
    for _ in range(3):
        began = time.monotonic()
        decision = decide(store, on_outage=on_outage)
        took_seconds.append(time.monotonic() - began)
        assert (decision.allowed, decision.source) == (allowed, "outage")
    store.close()
    # The quickest of three: a machine may stand still for a while, a missing deadline always does.
    assert min(took_seconds) <= DEADLINE_SECONDS + SCHEDULING_SECONDS


@FLAVOURS
def test_p10_raise_tells_what_happened(dead_endpoint: str, decide: Decide) -> None:
    store = DynamoDBStore("any", endpoint_url=dead_endpoint)
    with pytest.raises(StoreUnavailable, match="any"):
        decide(store, on_outage="raise")
    store.close()


@FLAVOURS
@pytest.mark.parametrize("on_outage", ["allow", "deny", "raise"])
def test_p10_a_missing_table_always_raises_and_says_how_to_make_it(
    dynamodb_endpoint: str, decide: Decide, on_outage: str
) -> None:
    store = DynamoDBStore("no-such-table", endpoint_url=dynamodb_endpoint)
    with pytest.raises(TableNotFound, match="ratelimit-ddb tables create --table no-such-table"):
        decide(store, on_outage=on_outage, deadline=10)
    store.close()
