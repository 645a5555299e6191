"""Several calls at once: all are sent before the first is awaited, and none waits for another."""

from __future__ import annotations

import asyncio
import json
import os
import ssl
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import trustme
from botocore.exceptions import ClientError

from ddbwire import CallSequence, DeadlineExceeded, DynamoDBRequest, SyncClock, WaitFor, Wire
from tests.ddbwire.conftest import MakeWire
from tests.ddbwire.fault_server import Act, FaultServer, Request, drop, error, hang, reply
from tests.ddbwire.flavour import Blocking, OnLoop, deadline_in

Flavour = Blocking | OnLoop


def update(key: str, *, repeatable: bool = True) -> DynamoDBRequest:
    document = {"TableName": "t", "Key": {"key": {"S": key}}}
    return DynamoDBRequest.of("UpdateItem", document, repeatable=repeatable)


def calls(answers: list[Any], *requests: DynamoDBRequest | SyncClock) -> CallSequence:
    """A sequence of these requests; notes their answers."""
    for request in requests:
        answer = yield request
        answers.append(answer)


def key_of(request: Request) -> str:
    key: str = json.loads(request.body)["Key"]["key"]["S"]
    return key


class ByKey:
    """Does for each key what its script says; then answers with the key."""

    def __init__(self, **scripts: Sequence[Act]) -> None:
        self.scripts = {key: list(acts) for key, acts in scripts.items()}
        self.arrived: dict[str, list[float]] = defaultdict(list)

    def __call__(self, server: FaultServer, sock: Any, request: Request) -> bool:
        key = key_of(request)
        self.arrived[key].append(time.monotonic())
        script = self.scripts.get(key)
        act = script.pop(0) if script else reply({"Attributes": {"key": {"S": key}}})
        return act(server, sock, request)


class OnceAllAreThere(ByKey):
    """Answers nothing before so many requests have arrived."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self._barrier = threading.Barrier(count)

    def __call__(self, server: FaultServer, sock: Any, request: Request) -> bool:
        self._barrier.wait(4)
        return super().__call__(server, sock, request)


def answer_of(key: str) -> dict[str, Any]:
    return {"Attributes": {"key": {"S": key}}}


def all_of(
    flavour: Flavour, wire: Wire, *sequences: Sequence[DynamoDBRequest], seconds: float = 5
) -> list[list[Any]]:
    """The answers to each request of several sequences."""
    answers: list[list[Any]] = [[] for _ in sequences]
    given = [calls(into, *requests) for into, requests in zip(answers, sequences, strict=True)]
    flavour.call_all(wire, given, seconds)
    return answers


@pytest.mark.parametrize("count", [1, 2, 3, 8])
def test_all_requests_are_sent_before_the_first_is_answered(
    wire: Wire, server: FaultServer, flavour: Flavour, count: int
) -> None:
    for _cold_then_warm in range(2):
        server.default = OnceAllAreThere(count)
        keys = [f"k{index}" for index in range(count)]
        answers = all_of(flavour, wire, *[[update(key)] for key in keys])
        assert answers == [[answer_of(key)] for key in keys]
    assert server.accepts == count


def test_each_sequence_goes_on_as_soon_as_it_is_answered(
    wire: Wire, server: FaultServer, flavour: Flavour
) -> None:
    server.default = by_key = ByKey(hanging=[hang] * 9)
    began = time.monotonic()
    hanging, going_on = all_of(
        flavour,
        wire,
        [update("hanging", repeatable=False)],
        [update("a"), update("b"), update("c")],
        seconds=0.6,
    )
    assert isinstance(hanging[0], DeadlineExceeded)
    assert going_on == [answer_of("a"), answer_of("b"), answer_of("c")]
    assert by_key.arrived["c"][0] < began + 0.4


@pytest.mark.parametrize("fault", [drop, error("InternalServerError", 500), reply(raw=b"{", crc=1)])
def test_p14_a_retry_waits_for_no_other_call(
    wire: Wire, server: FaultServer, flavour: Flavour, fault: Act
) -> None:
    all_of(flavour, wire, *[[update("warm")]] * 3)
    server.default = by_key = ByKey(hanging=[hang] * 9, flaky=[fault, fault])
    began = time.monotonic()
    hanging, flaky, plain = all_of(
        flavour,
        wire,
        [update("hanging", repeatable=False)],
        [update("flaky")],
        [update("plain")],
        seconds=1.2,
    )
    assert isinstance(hanging[0], DeadlineExceeded)
    assert flaky == [answer_of("flaky")]
    assert plain == [answer_of("plain")]
    assert by_key.arrived["flaky"][-1] < began + 1.0


def test_what_fails_is_the_answer_to_its_own_request_alone(
    wire: Wire, server: FaultServer, flavour: Flavour
) -> None:
    server.default = ByKey(refused=[error("AccessDeniedException")], other=[])
    refused, other = all_of(flavour, wire, [update("refused"), update("after")], [update("other")])
    assert isinstance(refused[0], ClientError)
    assert refused[1:] == [answer_of("after")]
    assert other == [answer_of("other")]


def test_the_clock_can_be_synced_in_a_sequence(
    wire: Wire, server: FaultServer, flavour: Flavour
) -> None:
    answers: list[Any] = []
    others: list[Any] = []
    server.default = reply()
    flavour.call_all(wire, [calls(answers, SyncClock(), update("k")), calls(others, update("l"))])
    assert answers[0] is None
    assert wire.clock.known


def test_p14_a_sequence_may_wait_for_what_others_do_while_the_rest_goes_on(
    wire: Wire, server: FaultServer, flavour: Flavour
) -> None:
    server.default = by_key = ByKey(hanging=[hang] * 9)
    served: Future[None] = Future()

    def serve() -> CallSequence:
        yield update("leading")
        served.set_result(None)

    def follow(until_ns: int | None) -> CallSequence:
        yield WaitFor(served, until_ns)
        yield update("following")

    def give_up(answers: list[Any]) -> CallSequence:
        yield WaitFor(Future(), deadline_in(0.1))
        answers.append((yield update("given up")))

    hanging: list[Any] = []
    answers: list[Any] = []
    began = time.monotonic()
    sequences = [
        calls(hanging, update("hanging", repeatable=False)),
        follow(None),
        follow(deadline_in(5)),
        give_up(answers),
        serve(),
    ]
    flavour.call_all(wire, sequences, 0.8)
    assert isinstance(hanging[0], DeadlineExceeded)
    assert len(by_key.arrived["following"]) == 2
    assert max(by_key.arrived["following"]) < began + 0.5
    assert answers == [answer_of("given up")]
    assert by_key.arrived["given up"][0] < began + 0.6


def test_a_wait_of_one_sequence_alone_ends_in_time(
    wire: Wire, server: FaultServer, flavour: Flavour
) -> None:
    server.default = ByKey()
    answers: list[Any] = []

    def give_up() -> CallSequence:
        yield WaitFor(Future(), deadline_in(0.05))
        answers.append((yield update("given up")))

    flavour.call_all(wire, [give_up()], 5)
    assert answers == [answer_of("given up")]


def test_a_wake_that_comes_too_late_is_not_missed_and_does_no_harm(
    server: FaultServer, make_wire: MakeWire
) -> None:
    server.default = ByKey()
    wire = make_wire(server.url)
    futures: list[Future[None]] = [Future() for _ in range(20)]

    def give_up(future: Future[None]) -> CallSequence:
        yield WaitFor(future, deadline_in(0.01))
        yield update("k")

    for future in futures:
        wire.call_all([give_up(future), calls([], update("other"))], deadline_in(5))
    for future in futures:
        future.set_result(None)
    assert wire.call(update("after"), deadline_in(5)) == answer_of("after")


def test_without_a_sequence_nothing_is_sent(
    wire: Wire, server: FaultServer, flavour: Flavour
) -> None:
    assert all_of(flavour, wire) == []
    assert all_of(flavour, wire, [], []) == [[], []]
    assert server.requests == []


@pytest.mark.parametrize("connections", [1, 2, 3])
def test_with_fewer_connections_than_calls_all_are_answered(
    server: FaultServer, make_wire: MakeWire, flavour: Flavour, connections: int
) -> None:
    server.default = ByKey()
    wire = make_wire(server.url, max_connections=connections)
    keys = [f"k{index}" for index in range(7)]
    for _ in range(3):
        answers = all_of(flavour, wire, *[[update(key), update(key)] for key in keys])
        assert answers == [[answer_of(key)] * 2 for key in keys]
    assert server.accepts <= connections
    flavour.close(wire)


@pytest.mark.parametrize("connections", [1, 2, 3])
def test_threads_that_share_too_few_connections_never_wait_for_each_other(
    server: FaultServer, make_wire: MakeWire, connections: int
) -> None:
    server.default = ByKey()
    wire = make_wire(server.url, max_connections=connections)

    def rounds(name: int) -> None:
        keys = [f"{name}-{index}" for index in range(3)]
        for _ in range(15):
            answers = all_of(Blocking(), wire, *[[update(key)] for key in keys], seconds=10)
            assert answers == [[answer_of(key)] for key in keys]
            assert wire.call(update("alone"), deadline_in(10)) == answer_of("alone")

    with ThreadPoolExecutor(6) as threads:
        for done in [threads.submit(rounds, name) for name in range(6)]:
            done.result()
    assert server.accepts == connections


@pytest.mark.parametrize("connections", [1, 2, 3])
def test_tasks_that_share_too_few_connections_never_wait_for_each_other(
    server: FaultServer, make_wire: MakeWire, connections: int
) -> None:
    server.default = ByKey()
    wire = make_wire(server.url, max_connections=connections)

    async def rounds(name: int) -> None:
        keys = [f"{name}-{index}" for index in range(3)]
        for _ in range(10):
            answers: list[list[Any]] = [[] for _ in keys]
            given = [calls(into, update(key)) for into, key in zip(answers, keys, strict=True)]
            await wire.call_all_async(given, deadline_in(10))
            assert answers == [[answer_of(key)] for key in keys]

    async def main() -> None:
        await asyncio.gather(*[rounds(name) for name in range(6)])
        await wire.aclose()

    asyncio.run(main())
    assert server.accepts == connections


def test_p14_who_waits_for_a_connection_gets_it_though_another_call_hangs(
    server: FaultServer, make_wire: MakeWire, flavour: Flavour
) -> None:
    hung = threading.Event()

    def hang_now(server: FaultServer, sock: Any, request: Request) -> bool:
        hung.set()
        return hang(server, sock, request)

    server.default = ByKey(hanging=[hang_now])
    wire = make_wire(server.url, max_connections=2)
    slow_began = threading.Event()

    def slow(server: FaultServer, sock: Any, request: Request) -> bool:
        slow_began.set()
        time.sleep(0.3)
        return reply()(server, sock, request)

    server.script.append(slow)
    if isinstance(flavour, Blocking):
        other = threading.Thread(target=wire.call, args=(update("slow"), deadline_in(5)))
        other.start()
        slow_began.wait(5)
        hanging, waiting = all_of(
            flavour,
            wire,
            [update("hanging", repeatable=False)],
            [update("waiting")],
            seconds=1.0,
        )
        other.join()
    else:
        hanging, waiting = [], []

        async def main() -> None:
            task = asyncio.create_task(wire.call_async(update("slow"), deadline_in(5)))
            await asyncio.to_thread(slow_began.wait, 5)
            given = [
                calls(hanging, update("hanging", repeatable=False)),
                calls(waiting, update("waiting")),
            ]
            await wire.call_all_async(given, deadline_in(1.0))
            await task

        flavour.runner.run(main())
    assert hung.is_set()
    assert isinstance(hanging[0], DeadlineExceeded)
    assert waiting == [answer_of("waiting")]
    flavour.close(wire)


def test_at_the_deadline_who_has_no_connection_is_told_so(
    server: FaultServer, make_wire: MakeWire, flavour: Flavour
) -> None:
    server.default = hang
    wire = make_wire(server.url, max_connections=1)
    began = time.monotonic()
    first, second = all_of(
        flavour,
        wire,
        [update("a", repeatable=False)],
        [update("b", repeatable=False)],
        seconds=0.3,
    )
    assert 0.25 < time.monotonic() - began < 1.5
    assert isinstance(first[0], DeadlineExceeded)
    assert isinstance(second[0], DeadlineExceeded)
    assert (first[0].maybe_applied, second[0].maybe_applied) == (True, False)
    server.default = reply()
    assert flavour.call(wire, update("c")) is not None
    flavour.close(wire)


def test_without_a_descriptor_to_wait_with_who_would_wait_tries_again(
    server: FaultServer, make_wire: MakeWire, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.default = ByKey()
    wire = make_wire(server.url, max_connections=1)

    def fail() -> None:
        raise OSError(24, "Too many open files")

    monkeypatch.setattr("ddbwire.connections.blocking.waker.socket.socketpair", fail)
    first, second = all_of(Blocking(), wire, [update("a")], [update("b", repeatable=False)])
    assert (first, second) == ([answer_of("a")], [answer_of("b")])


def test_an_endpoint_that_is_not_there_is_the_answer_to_all(
    server: FaultServer, make_wire: MakeWire, flavour: Flavour
) -> None:
    wire = make_wire("http://127.0.0.1:9")
    answers = all_of(flavour, wire, [update("a")], [update("b")], [update("c")], seconds=0.2)
    assert [type(one).__name__ for (one,) in answers] == ["Unreachable"] * 3
    assert not any(one.maybe_applied for (one,) in answers)


@pytest.mark.parametrize("phase", ["connecting", "receiving", "queueing"])
def test_a_cancelled_run_closes_what_is_in_flight_and_loses_no_connection(
    server: FaultServer, make_wire: MakeWire, phase: str
) -> None:
    connections = 1 if phase == "queueing" else 3
    wire = make_wire(server.url, max_connections=connections)

    async def main() -> None:
        if phase != "connecting":
            server.default = ByKey()
            await wire.call_all_async([calls([], update("w")) for _ in range(3)], deadline_in(5))
        server.default = hang
        asked = len(server.requests)
        given = [calls([], update(f"k{index}", repeatable=False)) for index in range(3)]
        run = asyncio.create_task(wire.call_all_async(given, deadline_in(5)))
        await asyncio.sleep(0)
        if phase == "receiving":
            await asyncio.to_thread(server.wait_for_requests, asked + 3)
        elif phase == "queueing":
            await asyncio.to_thread(server.wait_for_requests, asked + 1)
        run.cancel()
        with pytest.raises(asyncio.CancelledError):
            await run
        await asyncio.sleep(0.02)
        server.default = OnceAllAreThere(connections)
        answers: list[Any] = []
        again = [calls(answers, update("again")) for _ in range(connections)]
        await wire.call_all_async(again, deadline_in(5))
        assert answers == [answer_of("again")] * connections
        await wire.aclose()

    asyncio.run(main())


@pytest.fixture
def tls_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultServer]:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1", "localhost").configure_cert(context)
    monkeypatch.setenv("AWS_CA_BUNDLE", str(tmp_path / "ca.pem"))
    with FaultServer(tls=context) as server:
        yield server


def test_it_goes_over_tls_too(
    tls_server: FaultServer, make_wire: MakeWire, flavour: Flavour
) -> None:
    wire = make_wire(tls_server.url)
    for _ in range(3):
        tls_server.default = OnceAllAreThere(3)
        assert all_of(flavour, wire, *[[update(key)] for key in "abc"]) == [
            [answer_of(key)] for key in "abc"
        ]
    flavour.close(wire)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_connections_are_opened_side_by_side(
    tls_server: FaultServer, make_wire: MakeWire, flavour: Flavour, host: str
) -> None:
    tls_server.default = ByKey()
    tls_server.before_handshake = threading.Barrier(3, timeout=4).wait
    wire = make_wire(f"https://{host}:{tls_server.port}")
    answers = all_of(flavour, wire, *[[update(key)] for key in "abc"])
    assert answers == [[answer_of(key)] for key in "abc"]
    assert tls_server.accepts == 3
    flavour.close(wire)


def test_p14_a_connection_that_does_not_come_about_holds_up_no_open_one(
    tls_server: FaultServer, make_wire: MakeWire, flavour: Flavour
) -> None:
    wire = make_wire(tls_server.url)
    tls_server.default = by_key = ByKey()
    assert all_of(flavour, wire, [update("warm")]) == [[answer_of("warm")]]
    tls_server.before_handshake = lambda: tls_server.closing.wait(10)
    began = time.monotonic()
    going_on, stuck = all_of(
        flavour,
        wire,
        [update("a"), update("b"), update("c")],
        [update("stuck", repeatable=False)],
        seconds=0.6,
    )
    assert going_on == [answer_of("a"), answer_of("b"), answer_of("c")]
    assert isinstance(stuck[0], DeadlineExceeded)
    assert by_key.arrived["c"][0] < began + 0.4
    flavour.close(wire)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
def test_a_fork_while_several_are_in_flight_leaves_them_to_the_parent(
    server: FaultServer, make_wire: MakeWire
) -> None:
    wire = make_wire(server.url, max_connections=3)
    forked = threading.Event()

    def once_forked(server: FaultServer, sock: Any, request: Request) -> bool:
        forked.wait(5)
        return reply(answer_of(key_of(request)))(server, sock, request)

    server.script.extend([once_forked] * 3)
    found: list[list[Any]] = []
    parent = threading.Thread(
        target=lambda: found.extend(
            all_of(Blocking(), wire, *[[update(key), update(key)] for key in "abcd"])
        )
    )
    server.default = ByKey()
    parent.start()
    server.wait_for_requests(3)
    child = os.fork()
    if child == 0:
        answers = all_of(Blocking(), wire, *[[update(key)] for key in "xyz"])
        os._exit(0 if answers == [[answer_of(key)] for key in "xyz"] else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    forked.set()
    parent.join()
    assert found == [[answer_of(key)] * 2 for key in "abcd"]


def test_botocore_makes_them_side_by_side_too(
    server: FaultServer, make_wire: MakeWire, session: Any, flavour: Flavour
) -> None:
    seen: list[str] = []

    def hook(model: Any, **_event: Any) -> None:
        seen.append(model.name)

    events = session.get_component("event_emitter")
    events.register("before-call.dynamodb", hook)
    try:
        wire = make_wire(server.url, session=session)
        assert wire.fallback_reason is not None
        server.default = OnceAllAreThere(3)
        answers = all_of(flavour, wire, *[[update(key)] for key in "abc"])
        assert answers == [[answer_of(key)] for key in "abc"]
        assert seen == ["UpdateItem"] * 3
        flavour.close(wire)
    finally:
        events.unregister("before-call.dynamodb", hook)
