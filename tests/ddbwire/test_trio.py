"""Under trio there is no event loop of asyncio's: refused in words, with the way out."""

from __future__ import annotations

from typing import Any

import pytest
import trio

from ddbwire import Wire
from ratelimit_ddb import (
    AsyncRateLimiter,
    Decision,
    DynamoDBStore,
    MemoryStore,
    RateLimiter,
)
from sessions import DynamoDBSessionStore
from sessions.asgi import SessionMiddleware
from tests.ddbwire.conftest import MakeWire
from tests.ddbwire.fault_server import FaultServer
from tests.ddbwire.flavour import UPDATE, deadline_in

SENTENCE = "no asyncio event loop is running here .*trio.to_thread.run_sync"


@pytest.mark.parametrize("resolved", [True, False])
def test_calls_are_refused(server: FaultServer, session: object, resolved: bool) -> None:
    wire = Wire(endpoint_url=server.url, region_name="us-east-1", session=session)
    if resolved:
        wire.resolve()

    async def main() -> None:
        with pytest.raises(RuntimeError, match=SENTENCE):
            await wire.call_async(UPDATE, deadline_in(5))
        with pytest.raises(RuntimeError, match=SENTENCE):
            await wire.sync_clock_async(deadline_in(5))

    trio.run(main)
    assert server.requests == []
    wire.close()


def test_calls_are_refused_where_botocore_carries_them(
    server: FaultServer, make_wire: MakeWire
) -> None:
    wire = make_wire(server.url + "/path")

    async def main() -> None:
        with pytest.raises(RuntimeError, match=SENTENCE):
            await wire.call_async(UPDATE, deadline_in(5))
        with pytest.raises(RuntimeError, match=SENTENCE):
            await wire.aclose()

    trio.run(main)
    assert server.requests == []


@pytest.mark.parametrize("on_outage", ["allow", "deny"])
def test_a_limiter_on_a_table_is_refused_whatever_on_outage_says(
    server: FaultServer, on_outage: str
) -> None:
    with DynamoDBStore("t", endpoint_url=server.url) as store:
        limiter = AsyncRateLimiter(store, "5/minute", on_outage=on_outage)  # type: ignore[arg-type]

        async def main() -> None:
            with pytest.raises(RuntimeError, match=SENTENCE):
                await limiter.acquire("k")
            with pytest.raises(RuntimeError, match=SENTENCE):
                await limiter.charge("k", 1)
            with pytest.raises(RuntimeError, match=SENTENCE):
                await store.warm_up_async()

        trio.run(main)
    assert server.requests == []


def test_sessions_in_a_table_are_refused(server: FaultServer) -> None:
    store = DynamoDBSessionStore("t", endpoint_url=server.url)

    async def main() -> None:
        for called in (store.warm_up_async(), store.sessions_of_async("ada")):
            with pytest.raises(RuntimeError, match=SENTENCE):
                await called

    trio.run(main)
    assert server.requests == []


@pytest.mark.parametrize("headers", [[], [(b"cookie", b"__Host-session=" + b"A" * 43)]])
def test_requests_with_a_session_in_a_table_are_refused(
    server: FaultServer, headers: list[tuple[bytes, bytes]]
) -> None:
    store = DynamoDBSessionStore("t", endpoint_url=server.url)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        scope["session"]["a"] = 1
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def unused(*_: object) -> Any:
        raise AssertionError

    async def main() -> None:
        with pytest.raises(RuntimeError, match=SENTENCE):
            await SessionMiddleware(app, store)(
                {"type": "http", "headers": headers}, unused, unused
            )

    trio.run(main)
    assert server.requests == []


def test_a_limiter_in_memory_works_but_for_waiting() -> None:
    limiter = AsyncRateLimiter(MemoryStore(), "2/hour burst 1")

    async def main() -> None:
        with pytest.raises(RuntimeError, match=SENTENCE):
            await limiter.acquire("k", max_wait=2)
        # It has taken nothing.
        assert (await limiter.acquire("k")).allowed
        assert not (await limiter.acquire("k")).allowed

    trio.run(main)


def test_the_blocking_limiter_works_in_a_thread(server: FaultServer) -> None:
    limiter = RateLimiter(MemoryStore(), "1/hour")

    async def main() -> Decision:
        return await trio.to_thread.run_sync(limiter.acquire, "k")

    assert trio.run(main).allowed
