"""A limiter that blocks, called where an event loop runs: the usual mistake in an async view."""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Iterator

import pytest

from ratelimit_ddb import AsyncRateLimiter, DynamoDBStore, MemoryStore, RateLimiter
from tests.ddbwire.fault_server import FaultServer, reply

TAKEN = {"Attributes": {"fullAt:5-per-minute": {"N": "1700000000000000000"}}}


@pytest.fixture
def store() -> Iterator[DynamoDBStore]:
    with FaultServer() as server:
        server.default = reply(TAKEN)
        with DynamoDBStore("limits", endpoint_url=server.url) as store:
            yield store


def test_a_decision_by_the_table_that_stops_an_event_loop_warns_and_names_the_way_out(
    store: DynamoDBStore,
) -> None:
    limiter = RateLimiter(store, "5/minute", lease=0)

    async def view() -> bool:
        return bool(limiter.acquire("ada"))

    with pytest.warns(
        RuntimeWarning, match=r"in an event loop.*AsyncRateLimiter.*in a thread"
    ) as told:
        assert asyncio.run(view())
    assert told[0].filename == __file__  # where it was called, not here where it is found


def test_what_stops_no_event_loop_does_not_warn(store: DynamoDBStore) -> None:
    blocking = RateLimiter(store, "5/minute", lease=0)

    async def view() -> list[bool]:
        return [
            bool(await AsyncRateLimiter(store, "5/minute", lease=0).acquire("ada")),
            bool(await asyncio.to_thread(blocking.acquire, "ada")),
            bool(RateLimiter(MemoryStore(), "5/minute").acquire("ada")),
        ]

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert asyncio.run(view()) == [True] * 3
        assert blocking.acquire("ada")
        asyncio.run(store.check_async())
