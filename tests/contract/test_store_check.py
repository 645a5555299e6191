"""`check()` of every store: what is wrong is told before the first request, by name."""

from __future__ import annotations

import contextlib
import pickle
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

import ratelimit_ddb
import sessions
from ratelimit_ddb import (
    AccessDenied,
    DynamoDBStore,
    MemoryStore,
    SingleTable,
    StoreError,
    StoreUnavailable,
    TableNotFound,
)
from sessions import DynamoDBSessionStore, MemorySessionStore
from tests.ddbwire.fault_server import FaultServer, error, hang, reply
from tests.rate_limit_table import rate_limit_table
from tests.session_table import session_table
from tests.shared_table import shared_table
from tests.store_flavours import FLAVOURS, Flavour

AnyStore = DynamoDBStore | DynamoDBSessionStore
MakeStore = Callable[..., AnyStore]
STORES = pytest.mark.parametrize("make_store", [DynamoDBStore, DynamoDBSessionStore])
KEYS: dict[Any, str] = {
    DynamoDBStore: r"the partition key 'key' \(S\) alone",
    DynamoDBSessionStore: r"the partition key 'sessionId' \(S\) and the sort key 'userId' \(S\)",
}


@pytest.fixture(params=["moto", "dynamodb"])
def endpoint_url(request: pytest.FixtureRequest) -> Iterator[str | None]:
    if request.param == "dynamodb":
        yield request.getfixturevalue("dynamodb_endpoint")
        return
    with mock_aws():
        yield None


@pytest.fixture
def server() -> Iterator[FaultServer]:
    with FaultServer() as server:
        server.default = reply({})
        yield server


@contextlib.contextmanager
def table_for(make_store: MakeStore, endpoint_url: str | None) -> Iterator[str]:
    create = rate_limit_table if make_store is DynamoDBStore else session_table
    with create(endpoint_url) as table:
        yield table


@FLAVOURS
@STORES
def test_a_table_that_is_right_passes(
    make_store: MakeStore, endpoint_url: str | None, flavour: Flavour
) -> None:
    calls: list[Any] = []
    with table_for(make_store, endpoint_url) as table:
        store = make_store(table, endpoint_url=endpoint_url, on_call=calls.append)
        assert flavour(store, "check") is None
    assert [call.operation for call in calls] == ["GetItem"]


@FLAVOURS
@STORES
def test_a_table_that_is_not_there_is_told_with_where_it_was_looked_for(
    make_store: MakeStore, endpoint_url: str | None, flavour: Flavour
) -> None:
    store = make_store("absent", endpoint_url=endpoint_url)
    with pytest.raises(TableNotFound, match="GetItem on table 'absent'") as told:
        flavour(store, "check")
    assert "region us-east-1 at http" in str(told.value)
    option = "--table" if make_store is DynamoDBStore else "--sessions-table"
    assert f"ratelimit-ddb tables create {option} absent --endpoint-url http" in str(told.value)


@FLAVOURS
@STORES
def test_a_table_with_other_keys_is_told_with_those_it_needs(
    make_store: MakeStore, endpoint_url: str | None, flavour: Flavour
) -> None:
    other = DynamoDBSessionStore if make_store is DynamoDBStore else DynamoDBStore
    with table_for(other, endpoint_url) as table:
        store = make_store(table, endpoint_url=endpoint_url)
        must_be = f"must be {KEYS[type(store)]}, and is {KEYS[other]} "
        with pytest.raises(StoreError, match=f"on table '{table}': .* {must_be}"):
            flavour(store, "check")


@FLAVOURS
@STORES
@pytest.mark.parametrize("layout", [None, SingleTable("pk", "sk")])
def test_a_table_of_another_layout_is_told_with_its_keys_and_the_layout(
    make_store: MakeStore, endpoint_url: str | None, flavour: Flavour, layout: SingleTable | None
) -> None:
    keys, but = KEYS[make_store], r"'PK' \(S\) and the sort key 'SK' \(S\)"
    if layout is not None:
        keys = r"'pk' \(S\) and the sort key 'sk' \(S\), by SingleTable\(partition_key='pk', sort"
    with shared_table(endpoint_url) as table:
        store = make_store(table, endpoint_url=endpoint_url, layout=layout)
        with pytest.raises(StoreError, match=f"{keys}.*, and is the partition key {but}"):
            flavour(store, "check")


@pytest.mark.parametrize("make_store", [DynamoDBStore, DynamoDBSessionStore])
def test_without_the_permission_to_describe_a_table_its_keys_are_not_told(
    server: FaultServer, make_store: MakeStore
) -> None:
    store = make_store("t", endpoint_url=server.url)
    refused = error("ValidationException", message="The provided key element does not match")
    schema = error("ValidationException", message="The key element does not match the schema")
    nonsense: list[object] = [
        {},
        {"Table": 7},
        {"Table": {"KeySchema": [], "AttributeDefinitions": []}},
        {"Table": {"KeySchema": [{}], "AttributeDefinitions": []}},
        {"Table": {"KeySchema": "x", "AttributeDefinitions": 7}},
    ]
    replies = [error("AccessDeniedException"), *map(reply, nonsense)]
    for denied in replies:
        server.script += [schema, denied]
        with pytest.raises(StoreError, match=r"its key schema must be .* \(S\)( alone)? \(The"):
            store.check()
    server.script += [refused]
    with pytest.raises(StoreError, match=r"': The provided|\(ValidationException\)"):
        store.check()
    assert server.operations.count("DescribeTable") == len(replies)
    store.close()


@FLAVOURS
@STORES
@pytest.mark.parametrize(
    ("code", "raised", "message"),
    [
        ("AccessDeniedException", AccessDenied, "need dynamodb:.*GetItem"),
        ("ExpiredTokenException", StoreError, "expired, wrong or unknown in region us-east-1"),
        ("UnrecognizedClientException", StoreError, "expired, wrong or unknown .* AWS_PROFILE"),
        ("InvalidSignatureException", StoreError, "expired, wrong or unknown"),
        ("ValidationException", StoreError, "told by the server"),
        ("ResourceNotFoundException", TableNotFound, "does not exist in region us-east-1"),
        ("InternalServerError", StoreUnavailable, "told by the server"),
    ],
)
def test_each_refusal_is_of_one_hierarchy_and_names_the_table(
    server: FaultServer,
    make_store: MakeStore,
    flavour: Flavour,
    code: str,
    raised: type[Exception],
    message: str,
) -> None:
    status = 500 if code == "InternalServerError" else 400
    server.default = error(code, status, message="told by the server")
    store = make_store("t", endpoint_url=server.url)
    with pytest.raises(raised, match=message) as told:
        flavour(store, "check", deadline=1)
    assert type(told.value) is raised
    assert str(told.value).startswith("GetItem on table 't': ")
    assert isinstance(told.value.__cause__, ClientError)
    again = pickle.loads(pickle.dumps(told.value))
    assert (type(again), str(again)) == (raised, str(told.value))


@FLAVOURS
@STORES
def test_an_outage_is_told_by_the_deadline(
    server: FaultServer, make_store: MakeStore, flavour: Flavour
) -> None:
    store = make_store("t", endpoint_url=server.url)
    flavour(store, "prepare")
    server.default = hang
    began = time.monotonic()
    with pytest.raises(StoreUnavailable, match="GetItem on table 't'"):
        flavour(store, "check", deadline=0.1)
    assert time.monotonic() - began < 2


@FLAVOURS
@pytest.mark.parametrize("memory_store", [MemoryStore, MemorySessionStore])
def test_in_memory_nothing_can_be_wrong(memory_store: Any, flavour: Flavour) -> None:
    assert flavour(memory_store(), "check", deadline=0.1) is None


@FLAVOURS
@STORES
@pytest.mark.parametrize("deadline", [0, -1, 61, "1", None, True])
def test_a_deadline_is_a_number_of_seconds(
    make_store: MakeStore, flavour: Flavour, deadline: Any
) -> None:
    with pytest.raises((TypeError, ValueError), match="deadline"):
        flavour(make_store("t"), "check", deadline=deadline)


@pytest.mark.parametrize(
    "name", ["StoreError", "StoreUnavailable", "TableNotFound", "AccessDenied"]
)
def test_both_packages_have_the_same_errors(name: str) -> None:
    error = getattr(ratelimit_ddb, name)
    assert error is getattr(sessions, name)
    assert issubclass(error, StoreError)
    assert not issubclass(error, OSError | LookupError | ValueError)
