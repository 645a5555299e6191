"""Where the items of sessions are in a shared table, and which session an item is of."""

from __future__ import annotations

import secrets

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ddbwire.single_table import SingleTable
from ratelimit_ddb.store.dynamodb.item_keys import SingleTableKeys as LimiterKeys
from sessions.store.dynamodb.item_keys import SingleTableKeys

KEYS = SingleTableKeys(SingleTable())
LIMITER = LimiterKeys(SingleTable())
USER_IDS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=80) | st.sampled_from(
    ["u" * 1_024, "𐍈" * 256, "SESSIONS", "SESSION#", "USER#1", "anonymous~x", "PROFILE", "#"]
)
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


@pytest.mark.parametrize("sort", ["SESSION#", "SESSION#7", f"SESSION#{secrets.token_hex(32)}"])
def test_what_else_a_user_has_there_is_no_session(sort: str) -> None:
    assert KEYS.session_in({"PK": {"S": "USER#ada"}, "SK": {"S": sort}}) is None


def test_what_is_no_row_is_refused() -> None:
    with pytest.raises(ValueError, match="PK 'USER#ada' is of no session"):
        KEYS.row_in({"PK": {"S": "USER#ada"}, "SK": {"S": "PROFILE"}})
