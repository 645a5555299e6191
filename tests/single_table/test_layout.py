"""The layout itself: what its keys may be called, and who takes it."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

import ratelimit_ddb
import sessions
from ratelimit_ddb import DynamoDBStore, SingleTable
from ratelimit_ddb.cli import main
from sessions import DynamoDBSessionStore
from tests.rate_limit_table import client

STORES = pytest.mark.parametrize("make_store", [DynamoDBStore, DynamoDBSessionStore])


def test_it_is_one_class_in_both_packages() -> None:
    assert ratelimit_ddb.SingleTable is sessions.SingleTable
    assert SingleTable() == SingleTable("PK", "SK") == SingleTable.parse("PK,SK")
    assert SingleTable.parse("pk,sort key") == SingleTable("pk", "sort key")


@pytest.mark.parametrize(
    ("names", "error", "message"),
    [
        (("", "SK"), ValueError, "partition_key '': must have 1 to 255 bytes"),
        (("\ud800", "SK"), ValueError, r"partition_key '\\ud800': must have 1 to 255 bytes"),
        (("PK", ""), ValueError, "sort_key '': must have 1 to 255 bytes"),
        (("PK", "é" * 128), ValueError, "sort_key 'é+': must have 1 to 255 bytes"),
        (("PK", "PK"), ValueError, "sort_key 'PK': must not be the partition key as well"),
        ((7, "SK"), TypeError, "partition_key 7: must be a str, the name of an attribute"),
        (("PK", None), TypeError, "sort_key None: must be a str"),
    ],
)
def test_what_no_key_can_be_called_is_refused(
    names: tuple[Any, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        SingleTable(*names)


def test_a_name_may_have_255_bytes() -> None:
    assert SingleTable("PK", "n" * 255).sort_key == "n" * 255


@pytest.mark.parametrize("names", ["", "PK", "PK,SK,GSI", "PK SK", "PK, SK"])
def test_a_text_that_is_no_two_names_is_refused(names: str) -> None:
    with pytest.raises(ValueError, match="write the names of both keys, such as PK,SK"):
        SingleTable.parse(names)


@STORES
@pytest.mark.parametrize("layout", ["PK,SK", ("PK", "SK"), SingleTable, True])
def test_what_is_no_layout_is_refused(make_store: Any, layout: Any) -> None:
    with pytest.raises(TypeError, match=r"layout .*: must be a SingleTable\(\), or None"):
        make_store("t", layout=layout)


@STORES
def test_no_key_is_called_as_an_attribute_of_the_items_is(make_store: Any) -> None:
    own = "writes" if make_store is DynamoDBStore else "device"
    for layout in (SingleTable("expiresAt", "SK"), SingleTable("PK", own)):
        with pytest.raises(ValueError, match=r"no key can be called '(expiresAt|writes|device)'"):
            make_store("t", layout=layout)


@STORES
def test_a_store_shows_its_layout_and_is_pickled_with_it(make_store: Any) -> None:
    store = make_store("t", layout=SingleTable("pk", "sk"))
    shown = f"{make_store.__name__}('t', layout=SingleTable(partition_key='pk', sort_key='sk'))"
    assert repr(store) == shown
    again = pickle.loads(pickle.dumps(store))
    assert (repr(again), again.layout) == (shown, store.layout)


def test_sessions_in_a_shared_table_miss_no_login() -> None:
    assert DynamoDBSessionStore("t", layout=SingleTable()).is_exact_by_owner


def test_the_command_creates_a_shared_table_of_any_name(dynamodb_endpoint: str) -> None:
    command = ["tables", "create", "--endpoint-url", dynamodb_endpoint, "--table", "shared-by-name"]
    dynamodb = client(dynamodb_endpoint)
    for names, layout in ([], SingleTable()), (["pk,sk"], SingleTable("pk", "sk")):
        assert main([*command, "--single-table", *names]) == 0
        at: dict[str, Any] = {"endpoint_url": dynamodb_endpoint, "layout": layout}
        with DynamoDBStore("shared-by-name", **at) as limits:
            limits.check()
        with DynamoDBSessionStore("shared-by-name", **at) as of_sessions:
            of_sessions.check()
        expiry = dynamodb.describe_time_to_live(TableName="shared-by-name")
        assert expiry["TimeToLiveDescription"]["AttributeName"] == "expiresAt"
        dynamodb.delete_table(TableName="shared-by-name")
    dynamodb.close()


@STORES
def test_a_table_that_is_missing_is_told_with_the_command_that_makes_it(
    make_store: Any, dynamodb_endpoint: str
) -> None:
    layout = SingleTable("pk", "sk")
    with (
        make_store("absent", endpoint_url=dynamodb_endpoint, layout=layout) as store,
        pytest.raises(ratelimit_ddb.TableNotFound, match="--table absent --single-table pk,sk"),
    ):
        store.check()
