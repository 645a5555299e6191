"""Many callers on one wire: bounds, fairness, cancellation, loops, threads, forks."""

from __future__ import annotations

import asyncio
import gc
import socket
import threading
import time
import weakref
from concurrent.futures import ThreadPoolExecutor

import pytest

from ddbwire import DeadlineExceeded, Wire
from ddbwire.resolution import resolve as resolution
from tests.ddbwire.conftest import MakeWire
from tests.ddbwire.fault_server import ITEM, Act, FaultServer, Request, hang, reply
from tests.ddbwire.flavour import UPDATE, UPDATE_ONCE, Blocking, OnLoop, deadline_in


def slowly(server: FaultServer, sock: object, request: Request) -> bool:
    time.sleep(0.002)
    return reply()(server, sock, request)  # type: ignore[arg-type]


def once(event: threading.Event) -> Act:
    """A reply that waits for ``event``."""

    def act(server: FaultServer, sock: socket.socket, request: Request) -> bool:
        event.wait(5)
        return reply()(server, sock, request)

    return act


def wait_for_waiters(wire: Wire, count: int) -> None:
    """Return once so many threads wait for a connection."""
    assert wire._transport is not None
    end = time.monotonic() + 5
    while len(wire._transport._pool._waiters) < count:
        assert time.monotonic() < end
        time.sleep(0.001)


def test_threads_share_a_bounded_pool(server: FaultServer, make_wire: MakeWire) -> None:
    wire = make_wire(server.url, max_connections=3)
    server.default = slowly
    with ThreadPoolExecutor(12) as threads:
        results = list(threads.map(lambda _: Blocking().call(wire), range(120)))
    assert results == [ITEM] * 120
    assert 1 <= server.accepts <= 3


def test_tasks_share_a_bounded_pool(server: FaultServer, make_wire: MakeWire) -> None:
    wire = make_wire(server.url, max_connections=3)
    server.default = slowly

    async def main() -> list[object]:
        calls = (wire.call_async(UPDATE, deadline_in(5)) for _ in range(120))
        return list(await asyncio.gather(*calls))

    assert asyncio.run(main()) == [ITEM] * 120
    assert 1 <= server.accepts <= 3


def test_a_thread_waits_for_a_connection_until_its_deadline(
    server: FaultServer, make_wire: MakeWire
) -> None:
    wire = make_wire(server.url, max_connections=1)
    server.default = hang
    with ThreadPoolExecutor(1) as threads:
        first = threads.submit(wire.call, UPDATE_ONCE, deadline_in(1.5))
        server.wait_for_requests(1)
        start = time.monotonic()
        with pytest.raises(DeadlineExceeded, match="busy") as caught:
            wire.call(UPDATE_ONCE, deadline_in(0.1))
        assert 0.09 < time.monotonic() - start < 1
        assert not caught.value.maybe_applied
        with pytest.raises(DeadlineExceeded):
            first.result()
    server.default = reply()
    assert wire.call(UPDATE, deadline_in(1)) == ITEM


def test_a_task_waits_for_a_connection_until_its_deadline(
    server: FaultServer, make_wire: MakeWire
) -> None:
    wire = make_wire(server.url, max_connections=1)
    server.default = hang

    async def main() -> None:
        first = asyncio.create_task(wire.call_async(UPDATE_ONCE, deadline_in(0.4)))
        await asyncio.sleep(0.05)
        with pytest.raises(DeadlineExceeded, match="busy"):
            await wire.call_async(UPDATE_ONCE, deadline_in(0.1))
        with pytest.raises(DeadlineExceeded):
            await first
        server.default = reply()
        assert await wire.call_async(UPDATE, deadline_in(1)) == ITEM

    asyncio.run(main())


def test_tasks_are_served_in_turn(server: FaultServer, make_wire: MakeWire) -> None:
    wire = make_wire(server.url, max_connections=1)
    served: list[int] = []

    async def one(number: int) -> None:
        await wire.call_async(UPDATE, deadline_in(5))
        served.append(number)

    async def main() -> None:
        await asyncio.gather(*(one(number) for number in range(10)))

    asyncio.run(main())
    assert served == list(range(10))


def test_threads_are_served_in_turn(server: FaultServer, make_wire: MakeWire) -> None:
    wire = make_wire(server.url, max_connections=1)
    served: list[int] = []
    go_on = threading.Event()
    server.script.append(once(go_on))

    def call(number: int, *, times: int = 1) -> None:
        for _ in range(times):
            wire.call(UPDATE, deadline_in(5))
            served.append(number)

    with ThreadPoolExecutor(8) as threads:
        # It calls again as soon as it has its answer, and yet comes behind those who wait.
        threads.submit(call, 0, times=2)
        server.wait_for_requests(1)
        for number in range(1, 8):
            threads.submit(call, number)
            wait_for_waiters(wire, number)
        go_on.set()
    assert served == [*range(8), 0]


@pytest.mark.parametrize("connections", [1, 4])
def test_threads_get_equal_shares_of_a_busy_pool(
    server: FaultServer, make_wire: MakeWire, connections: int
) -> None:
    wire = make_wire(server.url, max_connections=connections)
    server.default = slowly
    shares = [0] * 20
    begin = threading.Barrier(len(shares))

    def work(number: int) -> None:
        begin.wait(5)
        while sum(shares) < 400:
            wire.call(UPDATE, deadline_in(5))
            shares[number] += 1

    with ThreadPoolExecutor(len(shares)) as threads:
        list(threads.map(work, range(len(shares))))
    assert max(shares) <= 2 * min(shares)
    assert server.accepts <= connections


def test_who_gives_up_waiting_is_passed_over(server: FaultServer, make_wire: MakeWire) -> None:
    wire = make_wire(server.url, max_connections=1)
    go_on = threading.Event()
    server.script.append(once(go_on))
    with ThreadPoolExecutor(2) as threads:
        holder = threads.submit(wire.call, UPDATE, deadline_in(5))
        server.wait_for_requests(1)
        with pytest.raises(DeadlineExceeded, match="busy"):
            wire.call(UPDATE, deadline_in(0.02))
        patient = threads.submit(wire.call, UPDATE, deadline_in(5))
        wait_for_waiters(wire, 1)
        go_on.set()
        assert holder.result() == patient.result() == ITEM
    assert server.accepts == 1
    assert len(server.requests) == 2


def test_giving_up_just_as_a_connection_comes_loses_none(
    server: FaultServer, make_wire: MakeWire
) -> None:
    wire = make_wire(server.url, max_connections=2)
    server.default = slowly

    def work(number: int) -> int:
        late = 0
        for turn in range(60):
            try:
                wire.call(UPDATE, deadline_in(0.001 + (number * 7 + turn) % 11 / 1_000))
            except DeadlineExceeded:
                late += 1
        return late

    with ThreadPoolExecutor(12) as threads:
        assert sum(threads.map(work, range(12)))
    server.default = hang
    with ThreadPoolExecutor(2) as threads:
        asked = len(server.requests)
        for _ in range(2):
            threads.submit(wire.call, UPDATE_ONCE, deadline_in(0.4))
        server.wait_for_requests(asked + 2)
        with pytest.raises(DeadlineExceeded, match="busy"):
            wire.call(UPDATE_ONCE, deadline_in(0.02))


@pytest.mark.parametrize("when", ["awaiting a reply", "waiting for a connection"])
def test_cancellation_frees_the_slot(server: FaultServer, make_wire: MakeWire, when: str) -> None:
    wire = make_wire(server.url, max_connections=1)
    server.script.append(hang)

    async def main() -> None:
        holder = asyncio.create_task(wire.call_async(UPDATE_ONCE, deadline_in(5)))
        await asyncio.sleep(0.05)
        if when == "waiting for a connection":
            waiter = asyncio.create_task(wire.call_async(UPDATE_ONCE, deadline_in(5)))
            await asyncio.sleep(0)
            waiter.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiter
        holder.cancel()
        with pytest.raises(asyncio.CancelledError):
            await holder
        assert await wire.call_async(UPDATE, deadline_in(1)) == ITEM

    asyncio.run(main())
    assert server.accepts == 2


def test_a_slot_handed_to_a_task_just_cancelled_goes_to_the_next(
    server: FaultServer, make_wire: MakeWire
) -> None:
    wire = make_wire(server.url, max_connections=1)

    async def main() -> None:
        holder = asyncio.create_task(wire.call_async(UPDATE, deadline_in(5)))
        await asyncio.sleep(0)
        waiter = asyncio.create_task(wire.call_async(UPDATE, deadline_in(5)))
        holder.add_done_callback(lambda _: waiter.cancel())
        last = asyncio.create_task(wire.call_async(UPDATE, deadline_in(5)))
        await asyncio.wait([holder, waiter])
        assert await last == ITEM

    asyncio.run(main())


def test_cancellation_while_connecting_frees_the_slot(make_wire: MakeWire) -> None:
    # TLS to an endpoint that never says a word: connected, but not through the handshake.
    with socket.create_server(("127.0.0.1", 0)) as silent:
        wire = make_wire(f"https://127.0.0.1:{silent.getsockname()[1]}", max_connections=1)

        async def main() -> None:
            for _ in range(3):
                task = asyncio.create_task(wire.call_async(UPDATE, deadline_in(5)))
                await asyncio.sleep(0.02)
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task
            with pytest.raises(DeadlineExceeded, match="connecting"):
                await wire.call_async(UPDATE, deadline_in(0.05))

        asyncio.run(main())


def test_loops_in_sequence(server: FaultServer, make_wire: MakeWire) -> None:
    wire = make_wire(server.url)
    for _ in range(3):
        assert asyncio.run(wire.call_async(UPDATE, deadline_in(5))) == ITEM
    assert server.accepts == 3


def test_loops_in_threads(server: FaultServer, make_wire: MakeWire) -> None:
    wire = make_wire(server.url)

    async def main() -> list[object]:
        calls = (wire.call_async(UPDATE, deadline_in(5)) for _ in range(20))
        return list(await asyncio.gather(*calls))

    with ThreadPoolExecutor(4) as threads:
        for future in [threads.submit(asyncio.run, main()) for _ in range(8)]:
            assert future.result() == [ITEM] * 20


@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
def test_a_loop_closed_without_ceremony_is_forgotten(
    server: FaultServer, make_wire: MakeWire
) -> None:
    wire = make_wire(server.url)
    loop = asyncio.new_event_loop()
    loop.run_until_complete(wire.call_async(UPDATE, deadline_in(5)))
    loop.close()
    forgotten = weakref.ref(loop)
    del loop
    assert asyncio.run(wire.call_async(UPDATE, deadline_in(5))) == ITEM
    gc.collect()
    assert forgotten() is None


def test_blocking_and_asyncio_on_one_wire(server: FaultServer, make_wire: MakeWire) -> None:
    wire = make_wire(server.url)

    async def main() -> None:
        assert wire.call(UPDATE, deadline_in(5)) == ITEM
        assert await wire.call_async(UPDATE, deadline_in(5)) == ITEM
        assert wire.call(UPDATE, deadline_in(5)) == ITEM

    asyncio.run(main())
    assert server.accepts == 2


def test_resolving_is_done_once_by_whoever_comes_first(
    server: FaultServer, session: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[object] = []
    original = resolution.resolve

    def counted(*options: object) -> resolution.Resolution:
        calls.append(options)
        time.sleep(0.05)
        return original(*options)  # type: ignore[arg-type]

    monkeypatch.setattr(resolution, "resolve", counted)
    wire = Wire(session=session, endpoint_url=server.url, region_name="us-east-1")

    async def main() -> None:
        await asyncio.gather(*(wire.resolve_async() for _ in range(10)))

    with ThreadPoolExecutor(4) as threads:
        futures = [threads.submit(wire.resolve) for _ in range(4)]
        asyncio.run(main())
        for future in futures:
            future.result()
    assert len(calls) == 1
    wire.close()


def test_connections_have_a_bound() -> None:
    with pytest.raises(ValueError, match="max_connections 0: must be from 1 to 65536"):
        Wire(max_connections=0)


@pytest.mark.parametrize("limit", ["IDLE_NS", "AGE_NS"])
def test_old_connections_are_renewed(
    server: FaultServer,
    make_wire: MakeWire,
    flavour: Blocking | OnLoop,
    monkeypatch: pytest.MonkeyPatch,
    limit: str,
) -> None:
    for module in ("ddbwire.connections.blocking.connection", "ddbwire.connections.aio.connection"):
        monkeypatch.setattr(f"{module}.{limit}", 0)
    wire = make_wire(server.url)
    flavour.call(wire)
    flavour.call(wire)
    assert server.accepts == 2
    flavour.close(wire)
