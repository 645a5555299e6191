"""Every fault, over blocking sockets, asyncio and uvloop alike."""

from __future__ import annotations

import socket
import time
from typing import Any

import pytest
from botocore.exceptions import ClientError

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
from tests.ddbwire.fault_server import (
    ITEM,
    Act,
    FaultServer,
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
    flavour.call(wire, Operation("PutItem", body))
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


@pytest.mark.parametrize("fault", [drop, reset])
def test_a_stale_connection_is_replaced_at_once(
    wire: Wire, server: FaultServer, flavour: Flavour, fault: Act
) -> None:
    server.script.extend([reply(), fault])
    flavour.call(wire)
    assert flavour.call(wire) == ITEM
    assert server.accepts == 2
    assert len(server.requests) == 3


AMBIGUOUS = {
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
    assert 0.095 <= time.monotonic() - start < 0.2
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
    start = time.monotonic()
    with pytest.raises(Unreachable, match=r"connecting: .*Errno 111") as caught:
        flavour.call(wire, UPDATE_ONCE, seconds=0.25)
    assert time.monotonic() - start < 0.5
    assert not caught.value.maybe_applied
    flavour.close(wire)


@pytest.mark.parametrize(
    "code",
    ["ProvisionedThroughputExceededException", "ThrottlingException", "RequestLimitExceeded"],
)
def test_a_throttle_is_repeated_even_if_not_repeatable(
    wire: Wire, server: FaultServer, flavour: Flavour, code: str
) -> None:
    server.script.extend([error(code), error(code)])
    assert flavour.call(wire, UPDATE_ONCE) == ITEM
    assert server.accepts == 1


def test_endless_throttling_raises_what_botocore_would(
    wire: Wire, server: FaultServer, flavour: Flavour
) -> None:
    server.default = error("ProvisionedThroughputExceededException", message="slow down")
    with pytest.raises(ClientError, match="slow down") as caught:
        flavour.call(wire)
    assert type(caught.value).__name__ == "ProvisionedThroughputExceededException"
    metadata = caught.value.response["ResponseMetadata"]
    assert len(server.requests) == 8
    assert metadata["RetryAttempts"] == 7
    assert metadata["HTTPStatusCode"] == 400
    assert metadata["RequestId"] == "REQUEST1"
    assert metadata["HTTPHeaders"]["x-amzn-requestid"] == "REQUEST1"
    assert is_transient(caught.value)


def test_pauses_do_not_pass_the_deadline(wire: Wire, server: FaultServer, flavour: Flavour) -> None:
    server.default = error("InternalServerError", 500)
    start = time.monotonic()
    with pytest.raises(ClientError):
        flavour.call(wire, seconds=0.1)
    assert time.monotonic() - start < 0.2


@pytest.mark.parametrize(
    "code", ["ResourceNotFoundException", "ValidationException", "AccessDeniedException"]
)
def test_a_mistake_is_raised_at_once(
    wire: Wire, server: FaultServer, flavour: Flavour, code: str
) -> None:
    server.script.append(error(code, message="no"))
    with pytest.raises(ClientError) as caught:
        flavour.call(wire)
    assert caught.value.response["Error"] == {"Code": code, "Message": "no"}
    assert caught.value.operation_name == "UpdateItem"
    assert not is_transient(caught.value)
    assert len(server.requests) == 1


@pytest.mark.parametrize("item", [{"key": {"S": "k"}, "b": {"B": "AAE="}}, None])
def test_a_refused_condition_is_a_value(
    wire: Wire, server: FaultServer, flavour: Flavour, item: dict[str, object] | None
) -> None:
    more: dict[str, Any] = {} if item is None else {"Item": item}
    server.script.append(error("ConditionalCheckFailedException", **more))
    assert flavour.call(wire) == Refused(item)


def test_a_refused_transaction_is_a_value(
    wire: Wire, server: FaultServer, flavour: Flavour
) -> None:
    reasons: list[dict[str, Any]]
    reasons = [{"Code": "None"}, {"Code": "ConditionalCheckFailed", "Item": {"k": {"S": "v"}}}]
    server.script.append(error("TransactionCanceledException", CancellationReasons=reasons))
    operation = Operation.of("TransactWriteItems", {"TransactItems": []})
    assert flavour.call(wire, operation) == TransactionRefused(reasons)


def test_a_transaction_in_conflict_is_repeated(
    wire: Wire, server: FaultServer, flavour: Flavour
) -> None:
    reasons = [{"Code": "None"}, {"Code": "TransactionConflict"}]
    canceled = error("TransactionCanceledException", CancellationReasons=reasons)
    server.script.append(canceled)
    assert flavour.call(wire, UPDATE_ONCE) == ITEM
    server.default = canceled
    with pytest.raises(ClientError) as caught:
        flavour.call(wire, UPDATE_ONCE)
    assert is_transient(caught.value)


def test_a_transaction_canceled_for_a_mistake_raises(
    wire: Wire, server: FaultServer, flavour: Flavour
) -> None:
    reasons = [{"Code": "ConditionalCheckFailed"}, {"Code": "ValidationError"}]
    server.script.append(error("TransactionCanceledException", CancellationReasons=reasons))
    with pytest.raises(ClientError) as caught:
        flavour.call(wire)
    assert caught.value.response["CancellationReasons"] == reasons
    assert not is_transient(caught.value)


def test_a_signature_refused_for_its_time_is_made_anew_by_the_tables_clock(
    wire: Wire, server: FaultServer, flavour: Flavour
) -> None:
    server.now = lambda: time.time() - 3600
    message = "Signature not yet current: 20260101T000000Z is still later than ..."
    server.script.append(error("InvalidSignatureException", message=message))
    assert flavour.call(wire, UPDATE_ONCE) == ITEM
    hour_ago = time.strftime("%Y%m%dT%H%M", time.gmtime(time.time() - 3600))
    assert server.requests[1].headers["x-amz-date"].startswith(hour_ago)


def test_the_time_is_asked_once_and_its_connection_kept(
    wire: Wire, server: FaultServer, flavour: Flavour
) -> None:
    server.now = lambda: time.time() + 7200
    server.script.append(reply(raw=b"healthy", status=200))
    flavour.ask_time(wire)
    flavour.ask_time(wire)
    assert wire.clock.known
    assert abs(wire.clock.offset_ns - 7_200_000_000_000) < 1_100_000_000
    flavour.call(wire)
    assert server.operations == ["GET", "UpdateItem"]
    assert "authorization" not in server.requests[0].headers
    assert server.accepts == 1
    two_hours_on = time.strftime("%Y%m%dT%H", time.gmtime(time.time() + 7200))
    assert server.requests[1].headers["x-amz-date"].startswith(two_hours_on)


def test_any_reply_tells_the_time(wire: Wire, server: FaultServer, flavour: Flavour) -> None:
    server.script.append(error("MissingAuthenticationTokenException"))
    flavour.ask_time(wire)
    assert wire.clock.uncertainty_ns is not None


def test_an_endpoint_without_a_date_is_asked_once(
    wire: Wire, server: FaultServer, flavour: Flavour
) -> None:
    server.default = reply(date="")
    flavour.ask_time(wire)
    flavour.ask_time(wire)
    assert wire.clock.known
    assert wire.clock.offset_ns == 0
    assert len(server.requests) == 1


def test_no_time_from_an_endpoint_that_is_down(
    wire: Wire, server: FaultServer, flavour: Flavour
) -> None:
    server.default = hang
    with pytest.raises(Unreachable):
        flavour.ask_time(wire, seconds=0.05)
    assert not wire.clock.known


def test_a_wire_can_be_used_after_it_was_closed(
    wire: Wire, server: FaultServer, flavour: Flavour
) -> None:
    flavour.call(wire)
    flavour.close(wire)
    assert flavour.call(wire) == ITEM


def test_a_call_resolves_the_wire_by_itself(
    server: FaultServer, session: object, flavour: Flavour
) -> None:
    wire = Wire(session=session, endpoint_url=server.url, region_name="us-east-1")
    assert flavour.call(wire, UPDATE) == ITEM
    flavour.resolve(wire)
    assert wire.declined is None
    flavour.close(wire)
