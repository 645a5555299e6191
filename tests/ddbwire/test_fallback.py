"""What botocore carries when the wire declines has the same results as what the wire carries."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from typing import Any

import boto3
import botocore.session
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from ddbwire import (
    DeadlineExceeded,
    Operation,
    Refused,
    TransactionRefused,
    Unreachable,
    Wire,
    is_transient,
)
from tests.ddbwire.conftest import MakeWire
from tests.ddbwire.fault_server import ITEM, Act, FaultServer, drop, error, hang, reply, reset
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
    assert wire.declined == "before-sign hook"
    yield wire
    flavour.close(wire)


def result_of(wire: Wire, flavour: Flavour, operation: Operation) -> object:
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
    assert lean.declined is None
    name = "GetItem" if script is ANSWERS["item"] else "UpdateItem"
    operation = Operation.of(name, {"TableName": "t", "Key": BINARY}, repeatable=repeatable)
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
    operation = Operation.of("PutItem", {"TableName": "t", "Item": BINARY | DEEP})
    flavour.call(declining, operation)
    assert server.requests[0].body.replace(b" ", b"") == operation.body


def test_a_refused_transaction_is_a_value(
    declining: Wire, server: FaultServer, flavour: Flavour
) -> None:
    reasons: list[dict[str, Any]]
    reasons = [{"Code": "None"}, {"Code": "ConditionalCheckFailed", "Item": BINARY}]
    server.script.append(error("TransactionCanceledException", CancellationReasons=reasons))
    put = {"Put": {"TableName": "t", "Item": BINARY}}
    operation = Operation.of("TransactWriteItems", {"TransactItems": [put, put]})
    assert flavour.call(declining, operation) == TransactionRefused(reasons)


def test_a_hang_ends_at_the_deadline(
    declining: Wire, server: FaultServer, flavour: Flavour
) -> None:
    server.script.append(hang)
    start = time.monotonic()
    with pytest.raises(DeadlineExceeded) as caught:
        flavour.call(declining, UPDATE_ONCE, seconds=0.1)
    assert time.monotonic() - start < 1
    assert caught.value.maybe_applied


def test_a_refused_connection_is_certainly_not_applied(
    make_wire: MakeWire, hooked_session: Any, flavour: Flavour
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    wire = make_wire(f"http://127.0.0.1:{port}", session=hooked_session)
    with pytest.raises(Unreachable) as caught:
        flavour.call(wire, UPDATE_ONCE)
    assert not caught.value.maybe_applied


def test_the_time_is_learnt(declining: Wire, server: FaultServer, flavour: Flavour) -> None:
    server.now = lambda: time.time() + 60
    server.script.append(error("ResourceNotFoundException"))
    flavour.ask_time(declining)
    flavour.ask_time(declining)
    assert server.operations == ["GetItem"]
    assert 58 < declining.clock.offset_ns / 1e9 < 61.5


def test_without_a_date_local_time_is_trusted(
    declining: Wire, server: FaultServer, flavour: Flavour
) -> None:
    server.default = reply(date="")
    flavour.ask_time(declining)
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
    flavour.ask_time(wire)
    assert wire.clock.known
    check_every_operation(wire, flavour, moto_table)
    assert wire.declined == "before-send hook"
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
        assert (wire.declined is None) == (each is session)
        flavour.ask_time(wire)
        records.append(check_every_operation(wire, flavour, engine_table))
        flavour.close(wire)
    assert records[0] == records[1]


def check_every_operation(wire: Wire, flavour: Flavour, table: str) -> list[object]:
    """Do each operation once and check what it comes to; also returned, for comparison."""
    item = {"k": {"S": "ключ 🔑"}, **DEEP, "b": BINARY["b"], "bs": BINARY["bs"]}
    key = {"TableName": table, "Key": {"k": item["k"]}}
    record: list[object] = []

    def do(name: str, parameters: dict[str, Any]) -> Any:
        record.append(result_of(wire, flavour, Operation.of(name, parameters)))
        return record[-1]

    absent = {"ConditionExpression": "attribute_not_exists(k)"}
    old = {"ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
    assert do("PutItem", {"TableName": table, "Item": item, **absent}) == {}
    assert do("PutItem", {"TableName": table, "Item": item, **absent}) == Refused(None)
    assert do("PutItem", {"TableName": table, "Item": item, **absent, **old}) == Refused(item)
    assert do("GetItem", {**key, "ConsistentRead": True}) == {"Item": item}
    update = {
        **key,
        "UpdateExpression": "SET n = if_not_exists(n, :zero) + :one",
        "ExpressionAttributeValues": {":zero": {"N": "0"}, ":one": {"N": "1"}},
        "ReturnValues": "UPDATED_NEW",
    }
    assert do("UpdateItem", update)["Attributes"] == {"n": {"N": "1"}}
    assert do("UpdateItem", {**update, **absent, **old}) == Refused({**item, "n": {"N": "1"}})
    condition = {"KeyConditionExpression": "k = :k", "ExpressionAttributeValues": {":k": item["k"]}}
    assert do("Query", {"TableName": table, **condition})["Count"] == 1
    put = {"Put": {"TableName": table, "Item": {"k": {"S": "other"}}}}
    check = {"ConditionCheck": {**key, **absent, **old}}
    refused = do("TransactWriteItems", {"TransactItems": [put, check]})
    assert isinstance(refused, TransactionRefused)
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
    unresolved = wire.declined
    assert unresolved is None
    with pytest.raises(Unreachable) as caught:
        wire.call(UPDATE, deadline_in(0.05))
    assert is_transient(caught.value)
    assert wire.declined == "before-sign hook"
    wire.close()


def test_the_fallback_serves_threads_too(declining: Wire, flavour: Flavour) -> None:
    assert [flavour.call(declining) for _ in range(5)] == [ITEM] * 5
