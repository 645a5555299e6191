"""Rows as items of the table, and back.

An item has its keys (``item_keys.py``), ``createdAt``, ``lastSeenAt``, ``expiresAt`` (TTL) and
``endsAt`` in epoch seconds, ``version``, and ``data`` (a map of JSON strings, or of bytes if they
are encrypted). Some have ``device``, ``successor``, ``predecessor``, ``replacedBy``, ``endReason``,
``namespace`` and ``seal`` (bytes). ``idle`` and ``lifetime`` in seconds and ``persistent`` (a BOOL)
are what the login chose. In a table with an index, only sessions of users have ``ownerId``, so that
the index has no others.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from typing import Any

from sessions.operations.login_lifetime import LoginLifetime
from sessions.operations.row import Row, StoredValue
from sessions.store.dynamodb.item_keys import ItemKeys

ENDED = "ended"
"""The ``endReason`` of an item whose row was deleted."""


def is_row(item: Mapping[str, Any]) -> bool:
    """Whether an item is a row, and not one whose row was deleted."""
    end_reason: Mapping[str, str] = item.get("endReason", {})
    return end_reason.get("S") != ENDED


def item_of(keys: ItemKeys, row: Row) -> dict[str, Any]:
    """The item of a row."""
    item: dict[str, Any] = {
        **keys.row(row.session_id, row.user_id),
        "createdAt": number(row.created_at),
        "lastSeenAt": number(row.last_seen_at),
        "expiresAt": number(row.expires_at),
        "endsAt": number(row.ends_at),
        "version": number(row.version),
        "data": {"M": {key: encode_value(stored) for key, stored in row.data.items()}},
    }
    optional = {
        "device": row.device,
        "successor": row.successor,
        "predecessor": row.predecessor,
        "replacedBy": row.replaced_by,
        "endReason": row.end_reason,
        "namespace": row.namespace or None,
        "ownerId": None if keys.index is None else row.owner_id,
    }
    if row.seal is not None:
        item["seal"] = encode_value(row.seal)
    if row.lifetime.persistent is not None:
        item["persistent"] = {"BOOL": row.lifetime.persistent}
    seconds = {"idle": row.lifetime.idle_seconds, "lifetime": row.lifetime.lifetime_seconds}
    item |= {name: number(value) for name, value in seconds.items() if value is not None}
    return item | {name: {"S": text} for name, text in optional.items() if text is not None}


def rows_of(keys: ItemKeys, items: Iterable[Mapping[str, Any]]) -> list[Row]:
    """The rows of items, but for those whose row was deleted."""
    return [row_of(keys, item) for item in items if is_row(item)]


def row_of(keys: ItemKeys, item: Mapping[str, Any]) -> Row:
    """The row of an item, with or without its data."""
    data = item["data"]["M"] if "data" in item else {}
    return Row(
        *keys.row_in(item),
        int(item["createdAt"]["N"]),
        int(item["lastSeenAt"]["N"]),
        int(item["expiresAt"]["N"]),
        int(item["endsAt"]["N"]),
        int(item["version"]["N"]),
        {key: _decode_value(value) for key, value in data.items()},
        item["device"]["S"] if "device" in item else None,
        item["successor"]["S"] if "successor" in item else None,
        item["replacedBy"]["S"] if "replacedBy" in item else None,
        item["namespace"]["S"] if "namespace" in item else "",
        base64.b64decode(item["seal"]["B"]) if "seal" in item else None,
        LoginLifetime(
            int(item["idle"]["N"]) if "idle" in item else None,
            int(item["lifetime"]["N"]) if "lifetime" in item else None,
            item["persistent"]["BOOL"] if "persistent" in item else None,
        ),
        item["endReason"]["S"] if "endReason" in item else None,
        item["predecessor"]["S"] if "predecessor" in item else None,
    )


def number(value: int) -> dict[str, str]:
    """A number as an attribute's value."""
    return {"N": str(value)}


def encode_value(stored: StoredValue) -> dict[str, str]:
    """A session's value as an attribute's value."""
    if isinstance(stored, bytes):
        return {"B": base64.b64encode(stored).decode()}
    return {"S": stored}


def _decode_value(value: Mapping[str, str]) -> StoredValue:
    return base64.b64decode(value["B"]) if "B" in value else value["S"]
