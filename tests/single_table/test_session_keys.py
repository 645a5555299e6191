"""Where the items of sessions are in a shared table, and which session an item is of."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ddbwire.shared.single_table import SingleTable
from ratelimit_ddb.store.dynamodb.item_keys import SingleTableKeys as LimiterKeys
from sessions.operations.count import Counted, Recount
from sessions.operations.row import Row
from sessions.store.dynamodb.count import count_parts, counted_of
from sessions.store.dynamodb.item_keys import OwnTableKeys, SingleTableKeys, item_keys

KEYS = SingleTableKeys(SingleTable())
OWN = OwnTableKeys()
LIMITER = LimiterKeys(SingleTable())
USER_IDS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=80) | st.sampled_from(
    ["u" * 1_024, "𐍈" * 256, "SESSIONS", "SESSION#", "USER#1", "anonymous~x", "PROFILE", "#"]
)
ADA = "fdee430d40bd57deeac186cd9790033d0f06f909a8806e7ce6e717ab7c7d5029"
ADA_IN_SHOP = "21eaa9cb56ea75c56090ba2c8c161d6b442b6356f48b3245848184ccf6b2baa6"
"""Digests, as they stand in tables."""

NAMESPACES = st.text(max_size=10) | st.just("n" * 3_000)
SESSION_IDS = st.integers(0, 2**64).map(lambda seed: f"{seed:043x}")


@given(USER_IDS, NAMESPACES, SESSION_IDS)
@example("u" * 1_024, "n" * 3_000, "A" * 43)
def test_p8_any_user_and_namespace_fits_and_each_item_is_told_from_the_others(
    user_id: str, namespace: str, session_id: str
) -> None:
    row = KEYS.row(session_id, user_id)
    entry = KEYS.entry(user_id, session_id)
    count = KEYS.count(user_id, namespace)
    of_limiter = [LIMITER.of(text) for text in (user_id, session_id, f"SESSION#{session_id}")]
    items = [row, entry, count, *of_limiter]
    assert len({repr(item) for item in items}) == len({repr(item) for item in of_limiter}) + 3
    for item in items:
        assert len(item["PK"]["S"].encode()) <= 2_048
        assert 1 <= len(item["SK"]["S"].encode()) <= 1_024
    assert KEYS.row_in(row) == (session_id, user_id)
    assert KEYS.session_in(entry) == session_id
    assert [LIMITER.key_in(item) for item in (row, entry, count)] == [None, None, None]


@given(st.tuples(USER_IDS, NAMESPACES), st.tuples(USER_IDS, NAMESPACES))
@example(("a", ""), ("a", "b"))
@example(("a#b", "c"), ("a", "b#c"))
def test_p8_two_users_or_applications_have_two_counts(
    one: tuple[str, str], other: tuple[str, str]
) -> None:
    assert (KEYS.count(*one) == KEYS.count(*other)) is (one == other)


def test_the_count_is_no_entry_of_the_register() -> None:
    condition, values = KEYS.entries("ada")
    assert condition == "#s = :s AND begins_with(#u, :kind)"
    for namespace in ("", "shop"):
        count = KEYS.count("ada", namespace)
        assert count["PK"] == values[":s"]
        assert not count["SK"]["S"].startswith(values[":kind"]["S"])


@pytest.mark.parametrize("sort", ["SESSION#", "SESSION#7", f"SESSION#{64 * '0'}"])
def test_what_else_a_user_has_there_is_no_session(sort: str) -> None:
    assert KEYS.session_in({"PK": {"S": "USER#ada"}, "SK": {"S": sort}}) is None


def test_what_is_no_row_is_refused() -> None:
    with pytest.raises(ValueError, match="PK 'USER#ada' is not a session's"):
        KEYS.row_in({"PK": {"S": "USER#ada"}, "SK": {"S": "PROFILE"}})


def test_where_an_item_is_does_not_change_from_one_version_to_the_next() -> None:
    shop = "8d9001d32c6a703d95921a77115050f33dd823d3f1730bd35215dcbecad6dc20"
    assert item_keys(None).row("i" * 43, "ada") == OWN.row("i" * 43, "ada")
    assert item_keys(SingleTable()).row("i" * 43, "ada") == KEYS.row("i" * 43, "ada")
    assert KEYS.row("i" * 43, "ada") == shared("SESSION#" + "i" * 43, "ada")
    assert KEYS.partition_of_row("i" * 43) == "SESSION#" + "i" * 43
    assert KEYS.entry("ada", "i" * 43) == shared("USER#ada", "SESSION#" + "i" * 43)
    assert KEYS.session_in(shared("USER#ada", "SESSION#" + "i" * 43)) == "i" * 43
    assert KEYS.count("ada", "") == shared("USER#ada", "SESSIONS")
    assert KEYS.count("ada", "shop") == shared("USER#ada", f"SESSIONS#{shop}")
    assert OWN.row("i" * 43, "ada") == own("i" * 43, "ada")
    assert OWN.entry("ada", "i" * 43) == own(f"sessions-of~{ADA}", "i" * 43)
    assert OWN.entries("ada") == ("#s = :s", {":s": {"S": f"sessions-of~{ADA}"}})
    assert OWN.count("ada", "shop") == own(f"counted~{ADA_IN_SHOP}", "counted")
    assert OWN.count("ada", "\ud800") != OWN.count("ada", "\ud801")
    assert KEYS.count("ada", "\ud800") != KEYS.count("ada", "\ud801")


@pytest.mark.parametrize("layout", [None, SingleTable()])
def test_a_count_has_the_ids_beside_its_keys(layout: SingleTable | None) -> None:
    keys = item_keys(layout)
    numbers = {name: {"N": "7"} for name in ("counted", "version", "expiresAt")}
    item = {**keys.count("ada", "shop"), **numbers, "i" * 43: {"BOOL": True}}
    assert counted_of(keys, item) == Counted(frozenset(["i" * 43]), 7)


@pytest.mark.parametrize("layout", [None, SingleTable()])
def test_the_end_of_a_session_asks_for_its_key(layout: SingleTable | None) -> None:
    """What is not there would be made by it, as a row of nothing."""
    keys, row = item_keys(layout), Row("i" * 43, "ada", 1, 2, 3, 4)
    count, part = count_parts("table", keys, Recount("ada", "", None, frozenset(), 5, (row,)))
    numbers = {":n": {"N": "0"}, ":e": {"N": "5"}, ":one": {"N": "1"}}
    assert count["Update"]["ExpressionAttributeValues"] == numbers
    ended = part["Update"]
    assert ended["Key"] == keys.row("i" * 43, "ada")
    assert ended["ConditionExpression"].startswith("attribute_exists(#s)")
    assert ended["ExpressionAttributeNames"]["#s"] == next(iter(ended["Key"]))


@given(USER_IDS, SESSION_IDS)
def test_an_item_of_a_table_of_sessions_alone_is_read_back(user_id: str, session_id: str) -> None:
    assert OWN.row_in(OWN.row(session_id, user_id)) == (session_id, user_id)
    assert OWN.session_in(OWN.entry(user_id, session_id)) == session_id


def shared(partition: str, sort: str) -> dict[str, Any]:
    return {"PK": {"S": partition}, "SK": {"S": sort}}


def own(session_id: str, user_id: str) -> dict[str, Any]:
    return {"sessionId": {"S": session_id}, "userId": {"S": user_id}}
