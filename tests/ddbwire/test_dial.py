"""Finding an address that answers, before the deadline."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from ddbwire import DeadlineExceeded, Unreachable, Wire
from ddbwire.concurrency.threads import start_work
from ddbwire.connections.resolver import resolver as look_ups
from ddbwire.endpoint import Endpoint
from tests.ddbwire.conftest import MakeWire
from tests.ddbwire.fault_server import ITEM, FaultServer
from tests.ddbwire.flavour import UPDATE, Blocking, OnLoop, deadline_in

Flavour = Blocking | OnLoop
Answer = Callable[[], list[tuple[str, int]]]

NAME = "http://dynamodb.example"


class Resolver:
    """Stands in for ``getaddrinfo``; names have the addresses that ``answer`` gives."""

    def __init__(self) -> None:
        self.answer: Answer = list
        self.asked = 0

    def __call__(self, host: str, port: int, *args: Any, **options: Any) -> list[Any]:
        if host.replace(".", "").isdigit():
            return self._shaped([(host, port)])
        if options.get("flags", 0) & socket.AI_NUMERICHOST:
            raise socket.gaierror
        self.asked += 1
        return self._shaped(self.answer())

    def _shaped(self, addresses: list[tuple[str, int]]) -> list[Any]:
        kind = (socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "")
        return [(*kind, address) for address in addresses]


@pytest.fixture
def resolver(monkeypatch: pytest.MonkeyPatch) -> Resolver:
    resolver = Resolver()
    monkeypatch.setattr(socket, "getaddrinfo", resolver)
    return resolver


@pytest.fixture
def named_wire(make_wire: MakeWire, flavour: Flavour) -> Iterator[Wire]:
    wire = make_wire(NAME)
    yield wire
    flavour.close(wire)


@pytest.fixture
def stalled(resolver: Resolver) -> Iterator[threading.Event]:
    """The resolver has stalled until the event is set, and then knows nothing."""
    answered = threading.Event()

    def answer() -> list[tuple[str, int]]:
        answered.wait(10)
        raise socket.gaierror(socket.EAI_AGAIN, "stalled")

    resolver.answer = answer
    yield answered
    answered.set()
    for thread in look_up_threads():
        thread.join(5)


@pytest.fixture
def swallowing_port() -> Iterator[int]:
    """A port of 127.0.0.1 that answers to no packet, as its backlog is full."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]
        for filler in fillers:
            filler.close()


def look_up_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "ddbwire"]


def test_a_name_is_looked_up(server: FaultServer, make_wire: MakeWire, flavour: Flavour) -> None:
    wire = make_wire(f"http://localhost:{server.port}")
    assert flavour.call(wire) == ITEM
    assert server.requests[0].headers["host"] == f"localhost:{server.port}"
    flavour.close(wire)


def test_the_next_address_is_tried(
    server: FaultServer, named_wire: Wire, flavour: Flavour, resolver: Resolver
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        dead_port = listener.getsockname()[1]
    resolver.answer = lambda: [("127.0.0.1", dead_port), ("127.0.0.1", server.port)]
    assert flavour.call(named_wire) == ITEM


def test_an_address_that_swallows_packets_takes_no_more_than_its_share_of_the_deadline(
    server: FaultServer,
    named_wire: Wire,
    flavour: Flavour,
    resolver: Resolver,
    swallowing_port: int,
) -> None:
    resolver.answer = lambda: [("127.0.0.1", swallowing_port), ("127.0.0.1", server.port)]
    start = time.monotonic()
    assert flavour.call(named_wire, seconds=1.2) == ITEM
    assert 0.59 < time.monotonic() - start < 1.2


def test_a_slow_address_is_not_cut_off_by_its_share(
    named_wire: Wire, flavour: Flavour, resolver: Resolver, swallowing_port: int
) -> None:
    # The backlog is full at first. The kernel repeats an unanswered SYN after 1 s, when it is not.
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        listener.settimeout(0.05)
        fillers = [socket.socket() for _ in range(2)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        over = threading.Event()

        def serve(sock: socket.socket) -> None:
            with sock:
                if sock.recv(65_536):
                    sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
                over.wait(5)

        def accept() -> None:
            over.wait(0.3)
            while not over.is_set():
                with contextlib.suppress(TimeoutError):
                    threads.submit(serve, listener.accept()[0])

        resolver.answer = lambda: [listener.getsockname()] + [("127.0.0.1", swallowing_port)] * 3
        with ThreadPoolExecutor(8) as threads:
            accepting = threads.submit(accept)
            try:
                assert flavour.call(named_wire, seconds=2.5) == {}
            finally:
                over.set()
                for filler in fillers:
                    filler.close()
                accepting.result()


def test_with_no_address_that_answers_nothing_was_applied(
    named_wire: Wire, flavour: Flavour, resolver: Resolver, swallowing_port: int
) -> None:
    resolver.answer = lambda: [("127.0.0.1", swallowing_port)] * 2
    with pytest.raises(DeadlineExceeded, match="connecting") as caught:
        flavour.call(named_wire, seconds=0.1)
    assert not caught.value.maybe_applied


def test_a_look_up_that_hangs_ends_at_the_deadline(
    named_wire: Wire, flavour: Flavour, stalled: threading.Event
) -> None:
    start = time.monotonic()
    with pytest.raises(DeadlineExceeded, match="looked up") as caught:
        flavour.call(named_wire, seconds=0.1)
    assert time.monotonic() - start < 1
    assert not caught.value.maybe_applied


def test_threads_and_tasks_of_all_wires_wait_for_one_look_up(
    make_wire: MakeWire, resolver: Resolver, stalled: threading.Event
) -> None:
    wires = [make_wire(NAME), make_wire(NAME)]

    def call(wire: Wire) -> None:
        with pytest.raises(DeadlineExceeded, match="looked up"):
            wire.call(UPDATE, deadline_in(0.1))

    async def call_async(wire: Wire) -> None:
        with pytest.raises(DeadlineExceeded, match="looked up"):
            await wire.call_async(UPDATE, deadline_in(0.1))

    async def call_often() -> None:
        await asyncio.gather(*(call_async(wire) for wire in wires * 10))

    with ThreadPoolExecutor(20) as threads:
        calls = [threads.submit(call, wire) for wire in wires * 20]
        asyncio.run(call_often())
        for done in calls:
            done.result()
    assert resolver.asked == 1
    assert len(look_up_threads()) == 1


def test_who_stops_waiting_for_a_look_up_cancels_it_for_nobody(
    resolver: Resolver, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolver.answer = lambda: [("127.0.0.1", 1)]
    endpoint = Endpoint.of("http://shared.example")

    def start(work: Any, future: Any) -> None:
        shared = look_ups.addresses(endpoint)  # as another thread, before this one's has begun
        assert shared is future
        assert not shared.cancel()
        start_work(work, future)

    monkeypatch.setattr("ddbwire.connections.resolver.start_work", start)
    (address,) = look_ups.addresses(endpoint).result(5)
    assert address[-1] == ("127.0.0.1", 1)


def test_a_look_up_that_failed_is_made_again(
    server: FaultServer, named_wire: Wire, flavour: Flavour, resolver: Resolver
) -> None:
    def fail() -> list[tuple[str, int]]:
        raise socket.gaierror(socket.EAI_AGAIN, "try again")

    resolver.answer = fail
    with pytest.raises(Unreachable):
        flavour.call(named_wire, seconds=0.02)
    resolver.answer = lambda: [("127.0.0.1", server.port)]
    assert flavour.call(named_wire) == ITEM


def test_without_a_thread_for_the_look_up_the_endpoint_is_unreachable(
    server: FaultServer,
    named_wire: Wire,
    flavour: Flavour,
    resolver: Resolver,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as context:
        context.setattr(threading.Thread, "start", fail)
        with pytest.raises(Unreachable, match="can't start new thread") as caught:
            flavour.call(named_wire, seconds=0.05)
        assert not caught.value.maybe_applied
    resolver.answer = lambda: [("127.0.0.1", server.port)]
    assert flavour.call(named_wire) == ITEM


def test_the_loops_executor_is_left_to_the_application(
    server: FaultServer, make_wire: MakeWire, resolver: Resolver
) -> None:
    resolver.answer = lambda: [("127.0.0.1", server.port)]
    wire = make_wire(NAME)

    async def main() -> None:
        loop = asyncio.get_running_loop()
        await loop.shutdown_default_executor()
        assert await wire.call_async(UPDATE, deadline_in(5)) == ITEM

    asyncio.run(main())


def test_a_look_up_may_outlive_the_loop_that_waited_for_it(
    make_wire: MakeWire, stalled: threading.Event, caplog: pytest.LogCaptureFixture
) -> None:
    wire = make_wire(NAME)

    async def cancelled() -> None:
        task = asyncio.create_task(wire.call_async(UPDATE, deadline_in(5)))
        await asyncio.sleep(0.02)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancelled())
    stalled.set()
    for thread in look_up_threads():
        thread.join(5)
    assert caplog.records == []
