"""What botocore carries when the wire declines has the same results as what the wire carries."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3
import botocore.session
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from ddbwire import (
    ConditionalCheckFailed,
    ConfigurationError,
    DeadlineExceeded,
    DynamoDBRequest,
    TransactionCanceled,
    Unreachable,
    Wire,
    is_transient,
)
from tests.ddbwire.conftest import MakeWire
from tests.ddbwire.fault_server import (
    ITEM,
    Act,
    FaultServer,
    Request,
    drop,
    error,
    hang,
    reply,
    reset,
)
from tests.ddbwire.flavour import UPDATE, UPDATE_ONCE, Blocking, OnLoop, deadline_in

Flavour = Blocking | OnLoop
BINARY = {"k": {"S": "k"}, "b": {"B": "AAEC/w=="}, "bs": {"BS": ["AA==", "/w=="]}}
DEEP = {"m": {"M": {"B": {"L": [{"B": "AA=="}, {"NULL": True}, {"BOOL": False}]}}}}


@pytest.fixture(scope="module")
def hooked_session() -> Any:
    session = botocore.session.Session()
    session.set_credentials("AKIDEXAMPLE", "secret")
    session.register("before-sign.dynamodb", lambda **_event: None)
    return session


@pytest.fixture
def declining(
    server: FaultServer, make_wire: MakeWire, hooked_session: Any, flavour: Flavour
) -> Iterator[Wire]:
    wire = make_wire(server.url, session=hooked_session)
    assert wire.fallback_reason == "before-sign hook"
    yield wire
    flavour.close(wire)


def result_of(wire: Wire, flavour: Flavour, operation: DynamoDBRequest) -> object:
    """What a call comes to, errors included, in a form that can be compared."""
    try:
        return flavour.call(wire, operation)
    except ClientError as raised:
        metadata = raised.response["ResponseMetadata"]
        rest = {k: v for k, v in raised.response.items() if k != "ResponseMetadata"}
        named = (metadata["HTTPStatusCode"], metadata["RequestId"], metadata["RetryAttempts"])
        return type(raised).__name__, str(raised), rest, named
    except Unreachable as raised:
        return type(raised), raised.maybe_applied


ANSWERS = {
    "attributes": [reply({"Attributes": BINARY | DEEP})],
    "nothing": [reply({})],
    "item": [reply({"Item": BINARY, "ConsumedCapacity": {"TableName": "t", "CapacityUnits": 1.0}})],
    "refused": [error("ConditionalCheckFailedException", Item=BINARY | DEEP)],
    "refused without item": [error("ConditionalCheckFailedException")],
    "throttled": [error("ThrottlingException"), reply({"Attributes": BINARY})],
    "500": [error("InternalServerError", 500), reply()],
    "no table": [error("ResourceNotFoundException", message="no such table")],
    "unknown": [error("SomethingNewException", message="whatever")],
    "dropped": [drop, reply()],
    "reset": [reset, reply()],
}


@pytest.mark.parametrize("script", ANSWERS.values(), ids=ANSWERS.keys())
@pytest.mark.parametrize("repeatable", [True, False])
def test_results_are_the_wires(
    declining: Wire,
    server: FaultServer,
    make_wire: MakeWire,
    flavour: Flavour,
    script: list[Act],
    repeatable: bool,
) -> None:
    lean = make_wire(server.url)
    assert lean.fallback_reason is None
    name = "GetItem" if script is ANSWERS["item"] else "UpdateItem"
    operation = DynamoDBRequest.of(name, {"TableName": "t", "Key": BINARY}, repeatable=repeatable)
    results = []
    for wire in (lean, declining):
        server.script.clear()
        server.script.extend(script)
        results.append(result_of(wire, flavour, operation))
    assert results[0] == results[1]
    first, *_rest, last = server.requests
    assert first.operation == last.operation == name
    flavour.close(lean)


def test_the_request_body_is_the_same(
    declining: Wire, server: FaultServer, flavour: Flavour
) -> None:
    operation = DynamoDBRequest.of("PutItem", {"TableName": "t", "Item": BINARY | DEEP})
    flavour.call(declining, operation)
    assert server.requests[0].body.replace(b" ", b"") == operation.body


def test_a_refused_transaction_is_a_value(
    declining: Wire, server: FaultServer, flavour: Flavour
) -> None:
    reasons: list[dict[str, Any]]
    reasons = [{"Code": "None"}, {"Code": "ConditionalCheckFailed", "Item": BINARY}]
    server.script.append(error("TransactionCanceledException", CancellationReasons=reasons))
    put = {"Put": {"TableName": "t", "Item": BINARY}}
    operation = DynamoDBRequest.of("TransactWriteItems", {"TransactItems": [put, put]})
    assert flavour.call(declining, operation) == TransactionCanceled(reasons)


def test_a_hang_ends_at_the_deadline(
    declining: Wire, server: FaultServer, flavour: Flavour
) -> None:
    server.script.append(hang)
    start = time.monotonic()
    with pytest.raises(DeadlineExceeded) as caught:
        flavour.call(declining, UPDATE_ONCE, seconds=0.1)
    assert time.monotonic() - start < 1
    assert caught.value.maybe_applied


ODD_BODIES = {
    "a page": b"<html>",
    "nothing": b"",
    "a list": b"[]",
    "a text": b'"x"',
    "no UTF-8": b'{"a":"\xe9"}',
    "half an object": b'{"Attributes":',
    "two objects": b"{}{}",
}


@pytest.mark.parametrize("status", [200, 400, 403, 502])
@pytest.mark.parametrize("body", ODD_BODIES.values(), ids=ODD_BODIES.keys())
def test_a_body_that_is_no_json_object_comes_to_what_it_is_on_the_wire(
    declining: Wire,
    server: FaultServer,
    make_wire: MakeWire,
    flavour: Flavour,
    body: bytes,
    status: int,
) -> None:
    lean = make_wire(server.url)
    server.default = reply(raw=body, status=status)
    results = [result_of(wire, flavour, UPDATE_ONCE) for wire in (lean, declining)]
    assert results[0] == results[1]
    assert (results[0] == (Unreachable, True)) == (status < 500)
    flavour.close(lean)


ODD_ERRORS = {
    "no code": b'{"message":"Forbidden"}',
    "a number for a code": b'{"__type":5}',
    "a list for a code": b'{"__type":["a"]}',
    "a list for an item": b'{"__type":"x#ConditionalCheckFailedException","Item":[1]}',
    "a text for reasons": b'{"__type":"ThrottlingException","throttlingReasons":"x"}',
    "a number for reasons": b'{"__type":"TransactionCanceledException","CancellationReasons":5}',
}


@pytest.mark.parametrize("body", ODD_ERRORS.values(), ids=ODD_ERRORS.keys())
def test_an_error_that_botocore_fails_at_comes_to_what_it_is_on_the_wire(
    declining: Wire, server: FaultServer, make_wire: MakeWire, flavour: Flavour, body: bytes
) -> None:
    lean = make_wire(server.url)
    server.default = reply(raw=body, status=403)
    results = [result_of(wire, flavour, UPDATE_ONCE) for wire in (lean, declining)]
    assert results[0] == results[1]
    has_code = b'"__type":"' in body
    assert (results[0] == (Unreachable, True)) == (not has_code)
    flavour.close(lean)


def test_a_result_that_botocore_fails_at_comes_to_what_it_is_on_the_wire(
    declining: Wire, server: FaultServer, flavour: Flavour
) -> None:
    server.default = reply({"Attributes": [1]})
    assert flavour.call(declining) == {"Attributes": [1]}


def test_a_body_with_another_checksum_is_not_believed(
    declining: Wire, server: FaultServer, flavour: Flavour
) -> None:
    server.script.append(reply(crc=1))
    with pytest.raises(Unreachable, match="crc32") as caught:
        flavour.call(declining, UPDATE_ONCE)
    assert caught.value.maybe_applied
    assert flavour.call(declining) == ITEM


def botocore_threads() -> int:
    return sum(thread.name == "ddbwire" for thread in threading.enumerate())


def stall(event: threading.Event) -> Act:
    def act(server: FaultServer, sock: socket.socket, request: Request) -> bool:
        event.wait(10)
        return reply()(server, sock, request)

    return act


@pytest.fixture
def stalled(server: FaultServer) -> Iterator[threading.Event]:
    """The endpoint has stalled until the event is set."""
    event = threading.Event()
    server.default = stall(event)
    yield event
    event.set()
    for thread in threading.enumerate():
        if thread.name == "ddbwire":
            thread.join(5)


def test_an_endpoint_that_stalls_holds_no_more_threads_than_connections(
    server: FaultServer,
    make_wire: MakeWire,
    hooked_session: Any,
    flavour: Flavour,
    stalled: threading.Event,
) -> None:
    wire = make_wire(server.url, session=hooked_session, max_connections=3)
    for _ in range(3):
        with pytest.raises(DeadlineExceeded) as caught:
            flavour.call(wire, UPDATE_ONCE, seconds=0.02)
        assert caught.value.maybe_applied
    for _ in range(10):
        with pytest.raises(DeadlineExceeded, match="busy") as caught:
            flavour.call(wire, UPDATE_ONCE, seconds=0.02)
        assert not caught.value.maybe_applied
    assert botocore_threads() == 3
    stalled.set()
    server.default = reply()
    assert flavour.call(wire) == ITEM
    # What was given up before it began was never sent.
    assert len(server.requests) == 4
    flavour.close(wire)


def test_a_wire_that_was_closed_does_not_wait_for_what_hangs(
    server: FaultServer,
    make_wire: MakeWire,
    hooked_session: Any,
    flavour: Flavour,
    stalled: threading.Event,
) -> None:
    wire = make_wire(server.url, session=hooked_session, max_connections=1)
    with pytest.raises(DeadlineExceeded):
        flavour.call(wire, UPDATE_ONCE, seconds=0.02)
    server.default = reply()
    flavour.close(wire)
    assert flavour.call(wire, seconds=1) == ITEM
    flavour.close(wire)


def test_many_callers_are_served_in_turn(
    server: FaultServer, make_wire: MakeWire, hooked_session: Any
) -> None:
    wire = make_wire(server.url, session=hooked_session, max_connections=2)

    async def main() -> list[object]:
        calls = (wire.call_async(UPDATE, deadline_in(5)) for _ in range(40))
        return list(await asyncio.gather(*calls))

    with ThreadPoolExecutor(10) as threads:
        results = [threads.submit(wire.call, UPDATE, deadline_in(5)) for _ in range(40)]
        assert asyncio.run(main()) == [ITEM] * 40
        assert [result.result() for result in results] == [ITEM] * 40
    assert server.accepts <= 2


def test_a_cancelled_task_takes_its_call_along(
    server: FaultServer,
    make_wire: MakeWire,
    hooked_session: Any,
    stalled: threading.Event,
) -> None:
    wire = make_wire(server.url, session=hooked_session, max_connections=1)

    async def main() -> None:
        first = asyncio.create_task(wire.call_async(UPDATE, deadline_in(5)))
        await asyncio.sleep(0.05)
        second = asyncio.create_task(wire.call_async(UPDATE, deadline_in(5)))
        await asyncio.sleep(0.01)
        second.cancel()
        with pytest.raises(asyncio.CancelledError):
            await second
        stalled.set()
        assert await first == ITEM

    asyncio.run(main())
    assert wire.call(UPDATE, deadline_in(5)) == ITEM
    assert len(server.requests) == 2


def test_without_a_thread_the_endpoint_is_unreachable(
    declining: Wire, flavour: Flavour, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as context:
        context.setattr(threading.Thread, "start", fail)
        with pytest.raises(Unreachable, match="can't start new thread") as caught:
            flavour.call(declining)
        assert is_transient(caught.value)
        assert not caught.value.maybe_applied
    assert flavour.call(declining) == ITEM


def test_without_a_thread_to_resolve_in_it_is_an_outage(
    server: FaultServer, session: Any, flavour: Flavour, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    wire = Wire(endpoint_url=server.url, session=session, region_name="us-east-1")
    with monkeypatch.context() as context:
        context.setattr(threading.Thread, "start", fail)
        with pytest.raises(Unreachable, match="can't start new thread"):
            flavour.call(wire)
    assert flavour.call(wire) == ITEM
    flavour.close(wire)


def test_a_refused_connection_is_certainly_not_applied(
    make_wire: MakeWire, hooked_session: Any, flavour: Flavour
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    wire = make_wire(f"http://127.0.0.1:{port}", session=hooked_session)
    with pytest.raises(Unreachable) as caught:
        flavour.call(wire, UPDATE_ONCE)
    assert not caught.value.maybe_applied


def test_a_proxy_whose_name_does_not_resolve_is_named(
    monkeypatch: pytest.MonkeyPatch, flavour: Flavour
) -> None:
    look_up = socket.getaddrinfo

    def look_up_but_the_proxy(host: Any, *args: Any, **options: Any) -> Any:
        if host == "proxy.invalid":
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return look_up(host, *args, **options)

    monkeypatch.setattr(socket, "getaddrinfo", look_up_but_the_proxy)
    monkeypatch.setenv("HTTP_PROXY", "http://user:secret@proxy.invalid:3128")
    wire = Wire(endpoint_url="http://dynamodb.example.com")
    with pytest.raises(ConfigurationError, match=r"proxy\.invalid.*does not resolve") as caught:
        flavour.call(wire, seconds=5)
    assert "secret" not in str(caught.value)
    flavour.close(wire)


def test_the_time_is_learnt(declining: Wire, server: FaultServer, flavour: Flavour) -> None:
    server.now = lambda: time.time() + 60
    server.script.append(error("ResourceNotFoundException"))
    flavour.sync_clock(declining)
    flavour.sync_clock(declining)
    # Twice: a host whose clock differs does not believe a single Date.
    assert server.operations == ["GetItem", "GetItem"]
    assert 58 < declining.clock.offset_ns / 1e9 < 61.5


def test_without_a_date_local_time_is_trusted(
    declining: Wire, server: FaultServer, flavour: Flavour
) -> None:
    server.default = reply(date="")
    flavour.sync_clock(declining)
    assert declining.clock.known
    assert declining.clock.offset_ns == 0


@pytest.fixture
def moto_table() -> Iterator[str]:
    with mock_aws():
        client = boto3.client("dynamodb")
        client.create_table(
            TableName="moto",
            KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        yield "moto"


def test_moto_is_talked_to_like_the_real_thing(moto_table: str, flavour: Flavour) -> None:
    wire = Wire()
    flavour.sync_clock(wire)
    assert wire.clock.known
    check_every_operation(wire, flavour, moto_table)
    assert wire.fallback_reason == "before-send hook"
    flavour.close(wire)


@pytest.fixture
def engine_table(dynamodb_endpoint: str) -> Iterator[str]:
    client = boto3.client("dynamodb", endpoint_url=dynamodb_endpoint)
    name = f"ddbwire-{time.monotonic_ns()}"
    client.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    yield name
    client.delete_table(TableName=name)
    client.close()


def test_the_engine_answers_both_ways_alike(
    engine_table: str,
    dynamodb_endpoint: str,
    session: Any,
    hooked_session: Any,
    make_wire: MakeWire,
    flavour: Flavour,
) -> None:
    records = []
    for each in (session, hooked_session):
        wire = make_wire(dynamodb_endpoint, session=each)
        assert (wire.fallback_reason is None) == (each is session)
        flavour.sync_clock(wire)
        records.append(check_every_operation(wire, flavour, engine_table))
        flavour.close(wire)
    assert records[0] == records[1]


def check_every_operation(wire: Wire, flavour: Flavour, table: str) -> list[object]:
    """Do each operation once and check what it comes to; also returned, for comparison."""
    item = {"k": {"S": "ключ 🔑"}, **DEEP, "b": BINARY["b"], "bs": BINARY["bs"]}
    key = {"TableName": table, "Key": {"k": item["k"]}}
    record: list[object] = []

    def do(name: str, parameters: dict[str, Any]) -> Any:
        record.append(result_of(wire, flavour, DynamoDBRequest.of(name, parameters)))
        return record[-1]

    absent = {"ConditionExpression": "attribute_not_exists(k)"}
    old = {"ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
    put = {"TableName": table, "Item": item, **absent}
    assert do("PutItem", put) == {}
    assert do("PutItem", {"TableName": table, "Item": item, **absent}) == ConditionalCheckFailed(
        None
    )
    assert do(
        "PutItem", {"TableName": table, "Item": item, **absent, **old}
    ) == ConditionalCheckFailed(item)
    assert do("GetItem", {**key, "ConsistentRead": True}) == {"Item": item}
    update = {
        **key,
        "UpdateExpression": "SET n = if_not_exists(n, :zero) + :one",
        "ExpressionAttributeValues": {":zero": {"N": "0"}, ":one": {"N": "1"}},
        "ReturnValues": "UPDATED_NEW",
    }
    assert do("UpdateItem", update)["Attributes"] == {"n": {"N": "1"}}
    assert do("UpdateItem", {**update, **absent, **old}) == ConditionalCheckFailed(
        {**item, "n": {"N": "1"}}
    )
    condition = {"KeyConditionExpression": "k = :k", "ExpressionAttributeValues": {":k": item["k"]}}
    assert do("Query", {"TableName": table, **condition})["Count"] == 1
    put = {"Put": {"TableName": table, "Item": {"k": {"S": "other"}}}}
    check = {"ConditionCheck": {**key, **absent, **old}}
    refused = do("TransactWriteItems", {"TransactItems": [put, check]})
    assert isinstance(refused, TransactionCanceled)
    assert [reason["Code"] for reason in refused.reasons] == ["None", "ConditionalCheckFailed"]
    assert isinstance(do("TransactWriteItems", {"TransactItems": [put]}), dict)
    assert do("DeleteItem", {**key, "ReturnValues": "ALL_OLD"})["Attributes"]["b"] == item["b"]
    assert do("GetItem", key) == {}
    missing = do("GetItem", {**key, "TableName": "no-such-table"})
    assert missing[0] == "ResourceNotFoundException"
    # Request ids and the wording of the same error differ from call to call.
    record[-1] = missing[0]
    return record


def test_a_declined_wire_is_resolved_anew_in_a_forked_child(hooked_session: Any) -> None:
    wire = Wire(session=hooked_session, endpoint_url="http://127.0.0.1:9", region_name="us-east-1")
    wire.resolve()
    wire.after_fork_in_child()
    unresolved = wire.fallback_reason
    assert unresolved is None
    with pytest.raises(Unreachable) as caught:
        wire.call(UPDATE, deadline_in(0.05))
    assert is_transient(caught.value)
    assert wire.fallback_reason == "before-sign hook"
    wire.close()


def test_the_fallback_serves_threads_too(declining: Wire, flavour: Flavour) -> None:
    assert [flavour.call(declining) for _ in range(5)] == [ITEM] * 5
