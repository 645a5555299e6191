"""Whatever answers at the endpoint, a call ends in a result or in a documented exception."""

from __future__ import annotations

import contextlib
import json
import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import example, given
from hypothesis import strategies as st

from ddbwire import AnsweredCall, DynamoDBRequest
from ddbwire.clocks.table_clock import TableClock
from ddbwire.connections.blocking.connection import Connection
from ddbwire.connections.response_reader import (
    MOST_HEADER_BYTES,
    PARSE_ERRORS,
    ResponseReader,
    ResponseTooLarge,
)
from ddbwire.errors import is_transient
from ddbwire.protocol.failed_attempt import FailedAttempt, RetryAction
from ddbwire.protocol.parse_response import parse_response
from ddbwire.protocol.throttle import is_key_contended, is_key_throttled
from ddbwire.shared.store_errors import error_code_and_message
from ddbwire.steps import HTTPResponse, NoResponse
from ratelimit_ddb import DynamoDBStore, RateLimiter, StoreError
from ratelimit_ddb.operations.scan_operation import ScannedPage, ScanPage
from sessions import DynamoDBSessionStore
from sessions.operations.operation import (
    BatchDelete,
    BatchGet,
    ByOwner,
    Delete,
    Find,
    Get,
    Operation,
    Registered,
)
from tests.ddbwire.fault_server import FaultServer, reply

ONE_SECOND_NS = 1_000_000_000

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=8)
    | st.sampled_from(["1" * 5_000, "1e9", "-0", "ZmZm", "s" * 43]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=6,
)
attribute_values = st.dictionaries(st.sampled_from(["S", "N", "B", "M"]), json_values, max_size=2)
items = (
    st.dictionaries(
        st.sampled_from(
            [
                *(
                    "sessionId",
                    "userId",
                    "createdAt",
                    "lastSeenAt",
                    "expiresAt",
                    "endsAt",
                    "version",
                ),
                *("data", "seal", "device", "fullAt:1-per-hour", "refunded:1-per-hour", "writes"),
                *("activeNs", "leasedUntil"),
            ]
        ),
        attribute_values | json_values,
        max_size=8,
    )
    | json_values
)
documents = st.fixed_dictionaries(
    {},
    optional={
        "Attributes": items,
        "Item": items,
        "Items": st.lists(items, max_size=2) | json_values,
        "Responses": st.dictionaries(st.just("t"), st.lists(items, max_size=2) | json_values)
        | json_values,
        "UnprocessedKeys": json_values,
        "ConsumedCapacity": json_values | st.lists(json_values),
    },
)
reasons = st.fixed_dictionaries(
    {},
    optional={
        "Code": st.sampled_from(["None", "ConditionalCheckFailed", "ThrottlingError"])
        | json_values,
        "Message": json_values,
        "Item": items,
        "ThrottlingReasons": json_values | st.lists(json_values),
    },
)
errors = st.fixed_dictionaries(
    {},
    optional={
        "__type": st.sampled_from(
            [
                "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException",
                "TransactionCanceledException",
                "ThrottlingException",
                "ValidationException",
                "InvalidSignatureException",
                "#",
            ]
        )
        | json_values,
        "message": json_values,
        "Message": json_values,
        "Item": items,
        "Error": json_values,
        "CancellationReasons": st.lists(reasons | json_values, max_size=3) | json_values,
        "ThrottlingReasons": st.lists(json_values, max_size=2) | json_values,
    },
)
bodies = (
    st.binary(max_size=40)
    | (json_values | documents | errors).map(lambda one: json.dumps(one).encode())
    | st.sampled_from([b"[" * 100_000, b'{"a":' * 100_000, b'{"a": 1} {', b"\xff\xfe{}"])
)

pieces = st.lists(
    st.sampled_from(
        [
            *(
                b"HTTP/1.1 ",
                b"HTTP/1.0 ",
                b"200",
                b"101",
                b"304",
                b"999",
                b" OK",
                b"\r\n",
                b"\r\n\r\n",
            ),
            *(
                b"Content-Length: ",
                b"5",
                b"-1",
                b"99999999999999999999",
                b"Transfer-Encoding: chunked",
            ),
            *(
                b"Connection: upgrade",
                b"Connection: close",
                b"Upgrade: x",
                b"Date",
                b": ",
                b":",
                b"\n",
            ),
            *(
                b"x-amz-crc32: ",
                b"0",
                b"{}",
                b"2\r\n{}\r\n0\r\n\r\n",
                b"\x00",
                b"\xff",
                b" ",
                b"\t",
            ),
        ]
    )
    | st.binary(max_size=6),
    max_size=24,
)


class Exceptions:
    """As botocore's client has them."""

    def from_code(self, code: str, /) -> type[Exception]:
        return ClientError


@given(pieces)
@example([b"HTTP/1.1 200 OK\r\nDate:\r\nContent-Length: 0\r\n\r\n"])
@example([b"HTTP/1.1 200 OK\r\n\r\n"])
def test_any_bytes_are_read_or_refused(parts: list[bytes]) -> None:
    reader = ResponseReader()
    for part in parts:
        try:
            reader.feed(part)
        except PARSE_ERRORS:
            return
        if reader.complete:
            taken = reader.take()
            assert isinstance(taken, HTTPResponse | NoResponse)
            if isinstance(taken, HTTPResponse):
                TableClock().observe(taken.date, 0, 1)


@given(st.integers(0, 999), bodies, st.sampled_from(["UpdateItem", "GetItem"]), st.booleans())
@example(200, b"[" * 100_000, "GetItem", True)
@example(
    400, b'{"__type": "TransactionCanceledException", "CancellationReasons": 5}', "GetItem", True
)
@example(
    400, b'{"__type": "TransactionCanceledException", "CancellationReasons": [5]}', "GetItem", True
)
def test_any_response_is_a_result_or_a_failed_attempt(
    status: int, body: bytes, name: str, repeatable: bool
) -> None:
    request = DynamoDBRequest(name, b"{}", repeatable)
    result = parse_response(HTTPResponse(status, body, b"", {b"a": b"\xff"}), request, Exceptions())
    if isinstance(result, FailedAttempt):
        if result.make_error is not None:
            error = result.make_error(3)
            is_transient(error)
            code, _ = error_code_and_message(error)
            is_key_throttled(code, getattr(error, "response", {}))
            is_key_contended(code, getattr(error, "response", {}))
    else:
        AnsweredCall.of(request, result)


@pytest.mark.parametrize(
    ("reasons", "action"),
    [
        ([{}], RetryAction.BACK_OFF),
        ([{}, {"Code": "TransactionConflict"}], RetryAction.BACK_OFF),
        ([{}, {"Code": "ValidationError"}], RetryAction.FAIL),
        ([], RetryAction.FAIL),
    ],
)
def test_a_reason_without_a_code_is_none(reasons: list[Any], action: RetryAction) -> None:
    body = json.dumps({"__type": "TransactionCanceledException", "CancellationReasons": reasons})
    request = DynamoDBRequest("TransactWriteItems", b"{}", True)
    result = parse_response(HTTPResponse(400, body.encode(), b"", {}), request, Exceptions())
    assert isinstance(result, FailedAttempt)
    assert result.action is action


@given(st.binary(max_size=30) | st.text(" ,:0123456789JanFebGMTSu-+", max_size=29).map(str.encode))
def test_any_date_is_learnt_from_or_ignored(date: bytes) -> None:
    TableClock().observe(date, 0, 1)


def fed_until_refused(reader: ResponseReader, piece: bytes) -> int:
    """How many bytes of an endless response are taken."""
    fed = 0
    while True:
        reader.feed(piece)
        try:
            reader.require_bounded(len(piece))
        except ResponseTooLarge:
            return fed
        fed += len(piece)


@pytest.mark.parametrize("header", [b"X: ", b"X-Y"])
def test_a_header_without_an_end_is_refused(header: bytes) -> None:
    reader = ResponseReader()
    begin = b"HTTP/1.1 200 OK\r\n" + header
    reader.feed(begin)
    assert fed_until_refused(reader, b"a" * 512) <= MOST_HEADER_BYTES


@pytest.mark.parametrize("body", [b"chunked", b"until the end"])
def test_a_body_without_an_end_is_refused(body: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ddbwire.connections.response_reader.MOST_BYTES", 1_000_000)
    reader = ResponseReader()
    chunked = body == b"chunked"
    reader.feed(
        b"HTTP/1.1 200 OK\r\n" + (b"Transfer-Encoding: chunked\r\n" if chunked else b"") + b"\r\n"
    )
    piece = b"400\r\n" + b"a" * 1_024 + b"\r\n" if chunked else b"a" * 1_024
    assert 900_000 < fed_until_refused(reader, piece) <= 1_000_000


def test_a_connection_that_gets_too_much_is_not_used_again() -> None:
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    connection = Connection(ours)
    try:
        theirs.sendall(b"HTTP/1.1 200 OK\r\nX: " + b"a" * (MOST_HEADER_BYTES + 20_000))
        connection.send(b"GET / HTTP/1.1\r\n\r\n", time.monotonic_ns() + ONE_SECOND_NS)
        failure = connection.receive_now(time.monotonic_ns() + ONE_SECOND_NS)
        assert isinstance(failure, NoResponse)
        assert "ResponseTooLarge" in failure.cause
        assert not connection.usable
    finally:
        connection.close()
        theirs.close()


@pytest.fixture(scope="module")
def server() -> Iterator[FaultServer]:
    with FaultServer() as server:
        yield server


@pytest.fixture(scope="module")
def store(server: FaultServer) -> Iterator[DynamoDBStore]:
    with DynamoDBStore("t", endpoint_url=server.url, report_capacity=True) as store:
        yield store


@pytest.fixture(scope="module")
def session_store(server: FaultServer) -> Iterator[DynamoDBSessionStore]:
    # on_call, so that the capacity in the reply is read.
    with DynamoDBSessionStore(
        "t", endpoint_url=server.url, strict_revocation=True, on_call=lambda _call: None
    ) as store:
        yield store


@given(document=documents)
@example(document={"Attributes": {"fullAt:1-per-hour": {"N": "1" + "0" * 400}}})
def test_any_reply_to_a_limiter_is_a_decision_or_a_store_error(
    server: FaultServer, store: DynamoDBStore, document: dict[str, Any]
) -> None:
    server.default = reply(document)
    limiter = RateLimiter(store, "1/hour", deny_cache=0, on_outage="raise")
    for ask in (limiter.acquire, limiter.peek, limiter.reset):
        with contextlib.suppress(StoreError):
            ask("k")


@given(document=documents)
@example(document={"Items": [{"key": {"S": "k"}, "fullAt:1-per-hour": {"N": "9" * 400}}]})
def test_any_reply_to_a_scan_is_a_page_or_a_store_error(
    server: FaultServer, store: DynamoDBStore, document: Any
) -> None:
    server.default = reply(document)
    with contextlib.suppress(StoreError):
        page = store.send(
            ScanPage("buckets", 0, 1, None, 9, 0), time.monotonic_ns() + ONE_SECOND_NS
        )
        assert isinstance(page, ScannedPage)


KEYS = (("s" * 43, "u"), ("r" * 43, "u"))
OPERATIONS: tuple[Operation, ...] = (
    Find("s" * 43),
    Get("s" * 43, "u"),
    Delete("s" * 43, "u"),
    BatchGet(KEYS),
    BatchDelete(KEYS),
    ByOwner("u"),
    Registered("u"),
)


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda one: type(one).__name__)
@given(document=documents)
@example(document={"Items": [{"sessionId": {"S": "s"}}]})
def test_any_reply_to_a_session_store_is_a_result_or_a_store_error(
    server: FaultServer, session_store: DynamoDBSessionStore, operation: Operation, document: Any
) -> None:
    server.default = reply(document)
    with contextlib.suppress(StoreError):
        session_store.send(operation, time.monotonic_ns() + ONE_SECOND_NS)


def test_a_reply_of_another_service_is_named(
    server: FaultServer, session_store: DynamoDBSessionStore
) -> None:
    server.default = reply({"status": "ok"})
    with pytest.raises(
        StoreError, match="Query on table 't': the reply is not what DynamoDB gives"
    ):
        session_store.send(Find("s" * 43), time.monotonic_ns() + ONE_SECOND_NS)
