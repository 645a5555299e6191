"""Every fault, over blocking sockets, asyncio and uvloop alike."""

from __future__ import annotations

import contextlib
import itertools
import socket
import threading
import time

import pytest
from botocore.exceptions import ClientError

from ddbwire import (
    CallSequence,
    DeadlineExceeded,
    DynamoDBRequest,
    Unreachable,
    Wire,
    is_transient,
)
from ddbwire.connections.blocking import connection
from ddbwire.steps import HTTPResponse, NoResponse
from tests.ddbwire.conftest import MakeWire
from tests.ddbwire.fault_server import (
    ITEM,
    Act,
    FaultServer,
    Request,
    drop,
    error,
    garbage,
    half,
    hang,
    reply,
    reset,
)
from tests.ddbwire.flavour import UPDATE, UPDATE_ONCE, Blocking, OnLoop

Flavour = Blocking | OnLoop


def test_a_reply_is_a_dict_in_wire_shape(wire: Wire, flavour: Flavour) -> None:
    assert flavour.call(wire) == ITEM


def test_connections_are_reused(wire: Wire, server: FaultServer, flavour: Flavour) -> None:
    for _ in range(20):
        flavour.call(wire)
    assert server.accepts == 1
    assert len(server.requests) == 20


@pytest.mark.parametrize(
    "act",
    [
        reply(chunked=True),
        reply(piece_bytes=7),
        reply(chunked=True, piece_bytes=5),
        reply({"Items": ["x" * 300_000]}),
    ],
    ids=["chunked", "pieces", "chunked pieces", "large"],
)
def test_a_reply_may_come_in_any_shape(
    wire: Wire, server: FaultServer, flavour: Flavour, act: Act
) -> None:
    server.script.append(act)
    assert flavour.call(wire)
    assert flavour.call(wire) == ITEM
    assert server.accepts == 1


def test_a_large_request_arrives_whole(wire: Wire, server: FaultServer, flavour: Flavour) -> None:
    body = b'{"x":"' + b"y" * 4_000_000 + b'"}'
    flavour.call(wire, DynamoDBRequest("PutItem", body))
    assert server.requests[0].body == body


def test_connection_close_is_honoured(wire: Wire, server: FaultServer, flavour: Flavour) -> None:
    server.script.append(reply(close=True))
    flavour.call(wire)
    flavour.call(wire)
    assert server.accepts == 2
    assert len(server.requests) == 2


def test_a_connection_closed_while_idle_is_replaced_unnoticed(
    wire: Wire, server: FaultServer, flavour: Flavour
) -> None:
    server.script.append(reply(hang_up=True))
    flavour.call(wire)
    flavour.idle(0.05)
    assert flavour.call(wire, UPDATE_ONCE) == ITEM
    assert server.accepts == 2


@pytest.mark.parametrize("several", [False, True])
def test_a_connection_closed_while_the_loop_stands_still_is_replaced_unnoticed(
    wire: Wire, server: FaultServer, flavour: Flavour, several: bool
) -> None:
    answers: list[object] = []

    def give_back() -> CallSequence:
        answers.append((yield UPDATE_ONCE))

    answered = threading.Event()

    def hang_up_later(server: FaultServer, sock: socket.socket, request: Request) -> bool:
        reply()(server, sock, request)
        answered.wait(5)
        return False

    server.script.append(hang_up_later)
    flavour.call(wire)
    answered.set()
    server.wait_for_hang_ups()
    if several:
        flavour.call_all(wire, [give_back(), give_back()])
    else:
        answers.append(flavour.call(wire, UPDATE_ONCE))
    assert answers == [ITEM] * len(answers)
    assert server.accepts >= 2


@pytest.mark.parametrize("fault", [drop, reset])
def test_a_stale_connection_is_replaced_at_once(
    wire: Wire, server: FaultServer, flavour: Flavour, fault: Act
) -> None:
    server.script.extend([reply(), fault])
    flavour.call(wire)
    assert flavour.call(wire) == ITEM
    assert server.accepts == 2
    assert len(server.requests) == 3


def without_length(body: bytes) -> Act:
    """A response of HTTP/1.0, which ends with the connection."""

    def act(server: FaultServer, sock: socket.socket, request: Request) -> bool:
        sock.sendall(b"HTTP/1.0 200 OK\r\nServer: stub\r\n\r\n")
        sock.sendall(body)
        return False

    return act


def test_a_reply_without_a_length_ends_with_its_connection(
    wire: Wire, server: FaultServer, flavour: Flavour
) -> None:
    server.script.append(without_length(b'{"Attributes":{}}'))
    assert flavour.call(wire, UPDATE_ONCE) == {"Attributes": {}}
    assert flavour.call(wire) == ITEM
    assert server.accepts == 2


def endless(server: FaultServer, sock: socket.socket, request: Request) -> bool:
    """A response that goes on as fast as it is read."""
    sock.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while not server.closing.is_set():
        sock.sendall(b"1\r\n{\r\n" * 5_000)
    return False


@pytest.mark.parametrize("several", [False, True])
def test_p10_a_response_without_end_takes_no_longer_than_the_deadline(
    wire: Wire, server: FaultServer, flavour: Flavour, several: bool
) -> None:
    answers: list[object] = []

    def ask() -> CallSequence:
        answers.append((yield UPDATE_ONCE))

    server.default = endless
    began = time.monotonic()
    if several:
        flavour.call_all(wire, [ask(), ask()], seconds=0.2)
    else:
        with pytest.raises(DeadlineExceeded) as late:
            flavour.call(wire, UPDATE_ONCE, seconds=0.2)
        answers.append(late.value)
    # The server's thread takes most of the time; without the deadline this would not end.
    assert time.monotonic() - began < 10
    assert {type(answer) for answer in answers} == {DeadlineExceeded}


class EndlessSocket(socket.socket):
    """A socket whose other side has always sent more, however fast it is read."""

    def __init__(self, sock: socket.socket) -> None:
        super().__init__(fileno=sock.detach())
        head = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n"
        self._sent = itertools.chain([head], itertools.repeat(b"x" * 10_000))

    def recv(self, bufsize: int, flags: int = 0) -> bytes:
        return next(self._sent)


def test_p10_what_is_sent_faster_than_it_can_be_read_ends_at_the_deadline() -> None:
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    with contextlib.closing(connection.Connection(EndlessSocket(ours))) as used, theirs:
        used.send(b"GET / HTTP/1.1\r\n\r\n", time.monotonic_ns() + 10**9)
        theirs.sendall(b"x")  # to the poll, there is something to read
        received = used.receive(time.monotonic_ns())
        assert isinstance(received, NoResponse)
        assert received.timed_out


@pytest.mark.parametrize("whole", [False, True])
def test_a_response_that_is_there_at_the_deadline_is_taken_if_it_is_whole(whole: bool) -> None:
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    now_ns = time.monotonic_ns()
    with contextlib.closing(connection.Connection(ours)) as used, theirs:
        used.send(b"GET / HTTP/1.1\r\n\r\n", now_ns + 10**9)
        theirs.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{" + b"}" * whole)
        received = used.receive(now_ns)
        assert isinstance(received, HTTPResponse if whole else NoResponse)
        assert used.usable is whole


AMBIGUOUS = {
    "cut off, without a length": without_length(b'{"Attributes":{'),
    "half an answer": half,
    "no answer": drop,
    "reset": reset,
    "garbage": garbage,
    "bad crc": reply(crc=1),
    "not JSON": reply(raw=b"<html>"),
    "500": error("InternalServerError", 500),
    "503": reply(raw=b"try later", status=503),
}


@pytest.mark.parametrize("fault", AMBIGUOUS.values(), ids=AMBIGUOUS.keys())
def test_an_ambiguous_failure_is_repeated(
    wire: Wire, server: FaultServer, flavour: Flavour, fault: Act
) -> None:
    server.script.append(fault)
    assert flavour.call(wire) == ITEM
    assert len(server.requests) == 2


@pytest.mark.parametrize("fault", AMBIGUOUS.values(), ids=AMBIGUOUS.keys())
def test_what_is_not_repeatable_is_sent_once(
    wire: Wire, server: FaultServer, flavour: Flavour, fault: Act
) -> None:
    server.script.append(fault)
    with pytest.raises((Unreachable, ClientError)) as caught:
        flavour.call(wire, UPDATE_ONCE)
    assert is_transient(caught.value)
    assert getattr(caught.value, "maybe_applied", True)
    assert len(server.requests) == 1
    assert flavour.call(wire) == ITEM


def test_what_is_not_repeatable_is_not_resent_over_a_stale_connection(
    wire: Wire, server: FaultServer, flavour: Flavour
) -> None:
    server.script.extend([reply(), drop])
    flavour.call(wire)
    with pytest.raises(Unreachable):
        flavour.call(wire, UPDATE_ONCE)
    assert len(server.requests) == 2


def test_a_bad_crc_drops_the_connection(wire: Wire, server: FaultServer, flavour: Flavour) -> None:
    server.script.append(reply(crc=1))
    flavour.call(wire)
    assert [request.connection for request in server.requests] == [0, 1]


def test_a_hang_ends_at_the_deadline(wire: Wire, server: FaultServer, flavour: Flavour) -> None:
    flavour.call(wire)
    server.default = hang
    start = time.monotonic()
    with pytest.raises(DeadlineExceeded, match=f"127.0.0.1:{server.port}") as caught:
        flavour.call(wire, seconds=0.1)
    assert 0.095 <= time.monotonic() - start < 1
    assert caught.value.maybe_applied
    assert len(server.requests) == 2


def test_a_hung_connection_is_not_used_again(
    wire: Wire, server: FaultServer, flavour: Flavour
) -> None:
    server.script.append(hang)
    with pytest.raises(DeadlineExceeded):
        flavour.call(wire, seconds=0.05)
    assert flavour.call(wire) == ITEM
    assert server.accepts == 2


def test_nothing_is_sent_after_the_deadline(
    wire: Wire, server: FaultServer, flavour: Flavour
) -> None:
    flavour.call(wire)
    with pytest.raises(DeadlineExceeded) as caught:
        flavour.call(wire, seconds=-1)
    assert not caught.value.maybe_applied
    assert len(server.requests) == 1


def test_a_refused_connection_is_unreachable_and_certainly_not_applied(
    make_wire: MakeWire, flavour: Flavour
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    wire = make_wire(f"http://127.0.0.1:{port}")
    with pytest.raises(Unreachable, match=r"connecting: .*Errno 111") as caught:
        flavour.call(wire, UPDATE_ONCE)
    assert not caught.value.maybe_applied
    flavour.close(wire)


def test_a_wire_can_be_used_after_it_was_closed(
    wire: Wire, server: FaultServer, flavour: Flavour
) -> None:
    flavour.call(wire)
    flavour.close(wire)
    assert [flavour.call(wire) for _ in range(3)] == [ITEM] * 3
    assert server.accepts == 2


def test_a_call_resolves_the_wire_by_itself(
    server: FaultServer, session: object, flavour: Flavour
) -> None:
    wire = Wire(session=session, endpoint_url=server.url, region_name="us-east-1")
    assert flavour.call(wire, UPDATE) == ITEM
    flavour.resolve(wire)
    assert wire.fallback_reason is None
    flavour.close(wire)


@pytest.fixture
def never_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    """All requests come within the time in which a look at a connection would show nothing."""
    monkeypatch.setattr(connection, "_UNSEEN_NS", 10**12)


@pytest.mark.usefixtures("never_looked_at")
def test_a_connection_that_was_closed_just_now_is_replaced_when_nobody_answers(
    wire: Wire, server: FaultServer, flavour: Flavour
) -> None:
    server.script.append(reply(hang_up=True))
    flavour.call(wire)
    flavour.idle(0.05)
    assert flavour.call(wire) == ITEM
    assert server.accepts == 2
    assert len(server.requests) == 2


@pytest.mark.usefixtures("never_looked_at")
def test_what_is_not_repeatable_is_never_sent_over_a_closed_connection(
    wire: Wire, server: FaultServer, flavour: Flavour
) -> None:
    server.script.append(reply(hang_up=True))
    flavour.call(wire)
    flavour.idle(0.05)
    assert flavour.call(wire, UPDATE_ONCE) == ITEM
    assert server.accepts == 2


def test_what_comes_unasked_is_no_reply_to_the_next_request(
    wire: Wire, server: FaultServer, flavour: Flavour
) -> None:
    def twice(server: FaultServer, sock: socket.socket, request: Request) -> bool:
        reply()(server, sock, request)
        time.sleep(0.02)
        return reply({"Attributes": {}})(server, sock, request)

    server.script.append(twice)
    flavour.call(wire)
    flavour.idle(0.06)
    assert flavour.call(wire) == ITEM
    assert server.accepts == 2


def test_a_connection_in_use_is_looked_at_once_for_each_reply() -> None:
    """Three system calls: send, poll, recv. Before one that lay idle there is one more."""
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    with ours, theirs:
        used = connection.Connection(ours)
        looks: list[float] = []
        wait = used._readable

        def look(milliseconds: float) -> object:
            looks.append(milliseconds)
            return wait(milliseconds)

        used._readable = look
        deadline_ns = time.monotonic_ns() + 5_000_000_000
        for _ in range(3):
            theirs.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
            assert used.exchange(b"request", deadline_ns) is not None
            used._unseen_until_ns = deadline_ns
            assert used.is_available(repeatable=True)
        assert len(looks) == 3
        assert used.is_available(repeatable=False)
        used._unseen_until_ns = 0
        assert used.is_available(repeatable=True)
        assert looks[3:] == [0, 0]
