"""A row as an item of the table, and back: nothing of it is lost, and all is called as it was."""

from __future__ import annotations

from dataclasses import fields

import pytest

from ddbwire.shared.single_table import SingleTable
from sessions.operations.login_lifetime import LoginLifetime
from sessions.operations.row import Row
from sessions.store.dynamodb.item import is_row, item_of, row_of
from sessions.store.dynamodb.item_keys import OwnTableKeys, SingleTableKeys

WHOLE = Row(
    session_id="s" * 43,
    user_id="ada",
    created_at=1,
    last_seen_at=2,
    expires_at=3,
    ends_at=4,
    version=5,
    data={"cart": "[17]", "secret": b"\x00\xff"},
    device="Firefox",
    successor="t" * 43,
    replaced_by="u" * 43,
    namespace="shop",
    seal=b"\x01\x02",
    lifetime=LoginLifetime(600, 3_600, False),
    end_reason="password",
    predecessor="r" * 43,
)
BARE = Row("s" * 43, "ada", 1, 2, 3, 4)


@pytest.mark.parametrize("row", [WHOLE, BARE], ids=["whole", "bare"])
def test_a_row_is_read_back_as_it_was_written(row: Row) -> None:
    item = item_of(OwnTableKeys(), row)
    assert row_of(OwnTableKeys(), item) == row
    assert is_row(item)


def test_where_a_table_has_no_index_nothing_is_kept_for_one() -> None:
    keys = SingleTableKeys(SingleTable())
    item = item_of(keys, WHOLE)
    assert "ownerId" not in item
    assert row_of(keys, item) == WHOLE


def test_a_row_with_all_it_may_have_has_no_defaults() -> None:
    """So that a new attribute is tried above, too."""
    without = {one.name for one in fields(Row) if getattr(WHOLE, one.name) == one.default}
    assert without == set()


def test_what_attributes_are_called_does_not_change_from_one_version_to_the_next() -> None:
    keys = OwnTableKeys()
    assert item_of(keys, WHOLE) == {
        **keys.row(WHOLE.session_id, WHOLE.user_id),
        "createdAt": {"N": "1"},
        "lastSeenAt": {"N": "2"},
        "expiresAt": {"N": "3"},
        "endsAt": {"N": "4"},
        "version": {"N": "5"},
        "data": {"M": {"cart": {"S": "[17]"}, "secret": {"B": "AP8="}}},
        "device": {"S": "Firefox"},
        "successor": {"S": "t" * 43},
        "predecessor": {"S": "r" * 43},
        "replacedBy": {"S": "u" * 43},
        "endReason": {"S": "password"},
        "namespace": {"S": "shop"},
        "ownerId": {"S": "ada"},
        "seal": {"B": "AQI="},
        "idle": {"N": "600"},
        "lifetime": {"N": "3600"},
        "persistent": {"BOOL": False},
    }
