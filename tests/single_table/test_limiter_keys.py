"""Where a limiter's items are in a shared table: each key has one, and is read back from it."""

from __future__ import annotations

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ddbwire.shared.single_table import SingleTable
from ratelimit_ddb.key import key_text
from ratelimit_ddb.store.dynamodb.item_keys import OwnTableKeys, SingleTableKeys, item_keys

KEYS = SingleTableKeys(SingleTable())
LONG = st.builds(
    lambda sign, count, end: sign * count + end,
    st.sampled_from("a#é€𐍈"),
    st.integers(450, 2_100),
    st.text(max_size=3),
)
TEXTS = (st.text(min_size=1) | LONG).map(key_text)
"""Keys as the limiter makes them, of 2,048 bytes at most."""


@given(TEXTS)
@example("a" * 2_038)
@example("a" * 2_039)
@example("a" * 2_048)
@example("a" * 2_037 + "é")
@example("RATELIMIT#a")
def test_p8_any_key_fits_a_shared_table_and_is_read_back(key: str) -> None:
    item = KEYS.of(key)
    partition, sort = item["PK"]["S"], item["SK"]["S"]
    assert partition.startswith("RATELIMIT#")
    assert len(partition.encode()) <= 2_048
    assert len(sort.encode()) <= 1_024
    assert KEYS.key_in(item) == key
    assert json.loads(KEYS.json_of(key)) == item
    assert json.loads(OwnTableKeys().json_of(key)) == OwnTableKeys().of(key)


@given(TEXTS, TEXTS)
@example("a" * 2_039, "a" * 2_038)
@example("a" * 2_038 + "b", "a" * 2_038 + "c")
def test_p8_two_keys_have_two_items(one: str, other: str) -> None:
    assert (KEYS.of(one) == KEYS.of(other)) is (one == other)


@pytest.mark.parametrize(
    ("partition", "sort"),
    [
        ("USER#123", "PROFILE"),
        ("USER#123", "RATELIMIT"),
        ("CONV#456", "MSG#01"),
        ("RATELIMIT", "RATELIMIT"),
        ("RATELIMIT#a", "RATELIMITS"),
        ("RATELIMIT#a", "#RATELIMIT"),
        ("SESSION#a", "123"),
    ],
)
def test_an_item_of_something_else_is_of_no_key(partition: str, sort: str) -> None:
    assert KEYS.key_in({"PK": {"S": partition}, "SK": {"S": sort}}) is None


@pytest.mark.parametrize(
    ("key", "sort"),
    [
        ("a" * 2_038, "RATELIMIT"),
        ("é" * 1_019, "RATELIMIT"),
        ("a" * 2_039, "RATELIMIT#a"),
        ("é" * 1_019 + "a", "RATELIMIT#a"),
    ],
)
def test_p8_only_what_the_partition_key_has_no_room_for_is_in_the_sort_key(
    key: str, sort: str
) -> None:
    assert KEYS.of(key)["SK"] == {"S": sort}


def test_the_keys_are_called_as_the_layout_says() -> None:
    keys = SingleTableKeys(SingleTable('p"k%', "s"))
    assert keys.of("a") == {'p"k%': {"S": "RATELIMIT#a"}, "s": {"S": "RATELIMIT"}}
    assert json.loads(keys.json_of("a")) == keys.of("a")


def test_a_scan_is_told_to_leave_out_what_is_not_the_limiters() -> None:
    assert OwnTableKeys().scan_filter == {}
    assert SingleTableKeys(SingleTable("p", "s")).scan_filter == {
        "FilterExpression": "begins_with(#pk, :prefix) AND begins_with(#sk, :kind)",
        "ExpressionAttributeNames": {"#pk": "p", "#sk": "s"},
        "ExpressionAttributeValues": {":prefix": {"S": "RATELIMIT#"}, ":kind": {"S": "RATELIMIT"}},
    }


def test_where_an_item_is_does_not_change_from_one_version_to_the_next() -> None:
    own = item_keys(None)
    assert own.of("a:b") == {"key": {"S": "a:b"}}
    assert own.key_in({"key": {"S": "a:b"}, "writes": {"N": "1"}}) == "a:b"
    assert item_keys(SingleTable()).of("a:b") == KEYS.of("a:b")
    assert KEYS.of("a:b") == {"PK": {"S": "RATELIMIT#a:b"}, "SK": {"S": "RATELIMIT"}}
    long = KEYS.of("a" * 2_039)
    assert long == {"PK": {"S": "RATELIMIT#" + "a" * 2_038}, "SK": {"S": "RATELIMIT#a"}}
