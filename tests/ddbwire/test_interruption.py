"""No exception at any line loses a connection's slot, nor does it make one too many.

Signals, greenlets that are ended and a lack of memory raise wherever the interpreter happens to
be. So each test raises at the first line of the wire that a call runs, at the second, and so on,
until a call gets through; after each it uses all connections at once.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

import ddbwire
from ddbwire import CallSequence, DeadlineExceeded, DynamoDBRequest, Wire
from ddbwire.connections.blocking.waker import Waker
from tests.ddbwire.conftest import MakeWire
from tests.ddbwire.fault_server import ITEM, FaultServer, Request, hang, reply
from tests.ddbwire.flavour import UPDATE, UPDATE_ONCE, OnLoop, deadline_in

# A socket may be left to the garbage collector, which then speaks of it.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")

CONNECTIONS = 2
CHECK = DynamoDBRequest.of("PutItem", {"TableName": "t"}, repeatable=False)
PACKAGE = str(Path(ddbwire.__file__).parent)
SENDING = (
    "connections/blocking/pool.py",
    "concurrency/slots.py",
    "connections/blocking/connect.py",
    "connections/happy_eyeballs.py",
    "connections/readiness.py",
    "connections/blocking/connection.py",
    "connections/blocking/driver.py",
    "connections/blocking/side_by_side.py",
    "connections/blocking/waiter.py",
    "connections/blocking/waker.py",
    "connections/resolver.py",
    "concurrency/threads.py",
)
SENDING_ASYNC = (
    "connections/aio/driver.py",
    "connections/aio/side_by_side.py",
    "connections/aio/pool_per_loop.py",
    "connections/aio/pool.py",
    "connections/aio/connection.py",
    "concurrency/slots.py",
    "connections/aio/connect.py",
    "connections/happy_eyeballs.py",
    "concurrency/event_loop.py",
    "connections/resolver.py",
    "concurrency/threads.py",
)


@pytest.fixture(autouse=True)
def _collected() -> Iterator[None]:
    yield
    gc.collect()


class Interrupted(BaseException):
    """Raised at a line."""


class Interruption:
    """Raises at the line with the number ``at``, of all that this thread runs in some files."""

    def __init__(self, at: int, files: tuple[str, ...], error: type[BaseException]) -> None:
        self.at = at
        self.passed = 0
        self.happened = False
        self._paths = {f"{PACKAGE}/{name}" for name in files}
        self._error = error

    def __call__(self, frame: FrameType, event: str, arg: object) -> Any:
        if frame.f_code.co_filename not in self._paths:
            return None
        if event == "line":
            self.passed += 1
            if self.passed == self.at:
                self.happened = True
                raise self._error
        return self


@contextmanager
def interruption(
    at: int, files: tuple[str, ...], error: type[BaseException] = Interrupted
) -> Iterator[Interruption]:
    tracer = Interruption(at, files, error)
    before = sys.gettrace()
    sys.settrace(tracer)
    try:
        yield tracer
    except (Interrupted, MemoryError):
        assert tracer.happened
    finally:
        sys.settrace(before)


def at_every_line(
    call: Callable[[], object], files: tuple[str, ...] = SENDING, *, most: int = 2_000
) -> Iterator[int]:
    """Interrupt ``call`` at its first line, its second, ... until it gets to its end."""
    for at in range(1, most):
        with interruption(at, files) as tracer:
            call()
        yield at
        if not tracer.happened:
            assert at > 10
            return
    raise AssertionError("the call never came to its end")


class AllAtOnce:
    """Answers no ``CHECK`` before as many are there as there are connections."""

    def __init__(self) -> None:
        self.barrier = threading.Barrier(CONNECTIONS)

    def __call__(self, server: FaultServer, sock: Any, request: Request) -> bool:
        # A request of the call that was interrupted may come as late as now.
        if request.operation == CHECK.name:
            self.barrier.wait(5)
        return reply()(server, sock, request)


def check_that_no_slot_is_lost(wire: Wire, server: FaultServer) -> None:
    server.default = AllAtOnce()
    with ThreadPoolExecutor(CONNECTIONS) as threads:
        calls = [threads.submit(wire.call, CHECK, deadline_in(5)) for _ in range(CONNECTIONS)]
        assert [call.result() for call in calls] == [ITEM] * CONNECTIONS
    server.default = reply()


def check_that_no_slot_is_made_up(wire: Wire, server: FaultServer) -> None:
    server.default = hang
    with ThreadPoolExecutor(CONNECTIONS) as threads:
        asked = len(server.requests)
        for _ in range(CONNECTIONS):
            threads.submit(wire.call, UPDATE_ONCE, deadline_in(0.5))
        server.wait_for_requests(asked + CONNECTIONS)
        with pytest.raises(DeadlineExceeded, match="busy"):
            wire.call(UPDATE_ONCE, deadline_in(0.05))
    server.default = reply()


def test_a_call_over_an_open_connection(server: FaultServer, make_wire: MakeWire) -> None:
    wire = make_wire(server.url, max_connections=CONNECTIONS)
    for _at in at_every_line(lambda: wire.call(UPDATE, deadline_in(5))):
        check_that_no_slot_is_lost(wire, server)
    check_that_no_slot_is_made_up(wire, server)


def test_a_call_that_connects(server: FaultServer, make_wire: MakeWire) -> None:
    wire = make_wire(f"http://localhost:{server.port}", max_connections=CONNECTIONS)
    server.default = reply(close=True)
    for _at in at_every_line(lambda: wire.call(UPDATE, deadline_in(5))):
        check_that_no_slot_is_lost(wire, server)
        server.default = reply(close=True)
    check_that_no_slot_is_made_up(wire, server)


def test_a_call_that_waits_in_vain(server: FaultServer, make_wire: MakeWire) -> None:
    wire = make_wire(server.url, max_connections=CONNECTIONS)

    def wait_in_vain() -> None:
        with pytest.raises(DeadlineExceeded, match="busy"):
            wire.call(UPDATE_ONCE, deadline_in(0.01))

    answering = threading.Event()

    def late(server: FaultServer, sock: Any, request: Request) -> bool:
        answering.wait(10)
        return reply()(server, sock, request)

    server.default = late
    with ThreadPoolExecutor(CONNECTIONS) as threads:
        for _ in range(CONNECTIONS):
            threads.submit(wire.call, UPDATE_ONCE, deadline_in(10))
        server.wait_for_requests(CONNECTIONS)
        for _at in at_every_line(wait_in_vain):
            pass
        answering.set()
    check_that_no_slot_is_lost(wire, server)
    check_that_no_slot_is_made_up(wire, server)


def sequences(count: int) -> list[CallSequence]:
    def calls() -> CallSequence:
        yield UPDATE
        yield UPDATE

    return [calls() for _ in range(count)]


@pytest.mark.parametrize("connects", [False, True])
def test_calls_side_by_side_of_which_one_waits_for_a_connection(
    server: FaultServer, make_wire: MakeWire, connects: bool
) -> None:
    wire = make_wire(server.url, max_connections=CONNECTIONS)
    server.default = reply(close=connects)
    for at in at_every_line(
        lambda: wire.call_all(sequences(CONNECTIONS + 1), deadline_in(5)), most=6_000
    ):
        if at % 3 == 0:
            check_that_no_slot_is_lost(wire, server)
            server.default = reply(close=connects)
    check_that_no_slot_is_lost(wire, server)
    check_that_no_slot_is_made_up(wire, server)


def test_a_waker_that_was_interrupted_holds_nobody_up() -> None:
    """The exception may come just where its lock is to be released."""
    for at in range(1, 100):
        waker = Waker()
        with interruption(at, SENDING) as tracer:
            waker.wake()
            waker.close()
        with ThreadPoolExecutor(1) as threads:
            threads.submit(waker.wake).result(5)
            threads.submit(waker.close).result(5)
        if not tracer.happened:
            assert at > 10
            return
    raise AssertionError("it never came to its end")


@pytest.mark.parametrize("interrupted", ["who waits", "who hands over"])
def test_a_connection_handed_over(
    server: FaultServer, make_wire: MakeWire, interrupted: str
) -> None:
    wire = make_wire(server.url, max_connections=1)
    wire.call(UPDATE, deadline_in(5))
    assert wire._transport is not None
    pool = wire._transport._pool
    asked, ended = threading.Event(), threading.Event()

    def answer_once_another_waits(server: FaultServer, sock: Any, request: Request) -> bool:
        asked.set()
        while not (pool._waiters or ended.is_set()):
            time.sleep(0.0002)
        return reply()(server, sock, request)

    def the_other(first: bool) -> None:
        if not first:
            asked.wait(5)
        # It may be left waiting until its deadline; no longer.
        with suppress(DeadlineExceeded):
            wire.call(UPDATE, deadline_in(0.3))

    for at in range(1, 500):
        server.script.append(answer_once_another_waits)
        first = interrupted == "who waits"
        thread = threading.Thread(target=the_other, args=(first,))
        thread.start()
        if first:
            asked.wait(5)
        with interruption(at, SENDING) as tracer:
            wire.call(UPDATE, deadline_in(0.3))
        server.script.clear()
        ended.set()
        asked.set()
        thread.join()
        ended.clear()
        asked.clear()
        assert wire.call(UPDATE, deadline_in(5)) == ITEM
        if not tracer.happened:
            assert at > 10
            return


@pytest.mark.parametrize("scheme", ["an address", "a name"])
@pytest.mark.parametrize("several", ["tasks", "side by side"])
def test_a_task(
    server: FaultServer,
    make_wire: MakeWire,
    scheme: str,
    several: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    # asyncio's records of what its callbacks raised would keep transports from being collected.
    caplog.set_level(logging.CRITICAL + 1, "asyncio")
    host = "localhost" if scheme == "a name" else "127.0.0.1"
    wire = make_wire(f"http://{host}:{server.port}", max_connections=CONNECTIONS)
    flavour = OnLoop(None)

    async def all_at_once() -> None:
        server.default = AllAtOnce()
        calls = (wire.call_async(CHECK, deadline_in(5)) for _ in range(CONNECTIONS))
        assert await asyncio.gather(*calls) == [ITEM] * CONNECTIONS
        server.default = reply(close=scheme == "a name")

    async def one_more_than_there_are() -> None:
        if several == "side by side":
            run = wire.call_all_async(sequences(CONNECTIONS + 1), deadline_in(0.3))
            await asyncio.wait_for(run, 2)
            return
        calls = (wire.call_async(UPDATE, deadline_in(0.3)) for _ in range(CONNECTIONS + 1))
        # Each ends by its deadline, or soon after.
        await asyncio.wait_for(asyncio.gather(*calls, return_exceptions=True), 2)

    for at in range(1, 2_000):
        with interruption(at, SENDING_ASYNC, MemoryError) as tracer:
            flavour.runner.run(one_more_than_there_are())
        flavour.runner.run(all_at_once())
        if not tracer.happened:
            assert at > 10
            break
    flavour.close(wire)
    flavour.end()
