"""The item that counts a user's sessions, and the parts of a transaction that change it.

Each session's id is an attribute, so that one can be added or removed without knowing the others.
``counted`` is how many they are, for the condition of a login; ``version`` counts the changes; and
``expiresAt`` is the TTL. An id has 43 characters, so it is never the name of another attribute.

Source: AWS, "TransactWriteItems" in the DynamoDB API Reference.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sessions.end_reason import LOGIN_ELSEWHERE
from sessions.operations.count import Count, CountChange, Counted, Recount
from sessions.operations.row import Row
from sessions.store.dynamodb.item import number
from sessions.store.dynamodb.item_keys import ItemKeys

_ATTRIBUTES = {"counted", "version", "expiresAt"}
_YES = {"BOOL": True}


def counted_of(keys: ItemKeys, item: Mapping[str, Any] | None) -> Counted | None:
    """The count in an item; None if there is no item."""
    if item is None:
        return None
    others = {keys.partition_key, keys.sort_key, *_ATTRIBUTES}
    return Counted(frozenset(item) - others, int(item["version"]["N"]))


def count_parts(table: str, keys: ItemKeys, change: CountChange) -> list[dict[str, Any]]:
    """The parts of a transaction that change a count and end the sessions that end with it."""
    if change is None:
        return []
    if isinstance(change, Count):
        return [_counted(table, keys, change)]
    if change.ids is None:
        return [_not_counted(table, keys, change)]
    return [_recounted(table, keys, change), *(_ended(table, keys, row) for row in change.ended)]


def _counted(table: str, keys: ItemKeys, count: Count) -> dict[str, Any]:
    removed = {f"#r{index}": name for index, name in enumerate(sorted(count.removed))}
    conditions = [f"attribute_exists({alias})" for alias in removed]
    more = 1 - len(removed)
    values = {":more": number(more)}
    if count.most is None:
        conditions.append("attribute_exists(#n)")
    else:
        conditions.append("#n <= :most")
        values[":most"] = number(count.most - more)
    return _update(
        table,
        keys,
        count,
        "SET #a0 = :yes, #e = :e ADD #n :more, #v :one",
        conditions,
        {"#a0": count.added},
        removed,
        values,
    )


def _recounted(table: str, keys: ItemKeys, recount: Recount) -> dict[str, Any]:
    ids = recount.ids or frozenset()
    known = frozenset() if recount.known is None else recount.known.ids
    added = {f"#a{index}": name for index, name in enumerate(sorted(ids - known))}
    removed = {f"#r{index}": name for index, name in enumerate(sorted(known - ids))}
    values = {":n": number(len(ids))}
    condition = "attribute_not_exists(#v)"
    if recount.known is not None:
        condition = "#v = :v"
        values[":v"] = number(recount.known.version)
    sets = ", ".join(["#n = :n", "#e = :e", *(f"{alias} = :yes" for alias in added)])
    return _update(
        table, keys, recount, f"SET {sets} ADD #v :one", [condition], added, removed, values
    )


def _not_counted(table: str, keys: ItemKeys, recount: Recount) -> dict[str, Any]:
    # A ConditionCheck would need a further permission; deleting a missing item does nothing.
    return {
        "Delete": {
            "TableName": table,
            "Key": keys.count(recount.user_id, recount.namespace),
            "ConditionExpression": "attribute_not_exists(#v)",
            "ExpressionAttributeNames": {"#v": "version"},
        }
    }


def _update(
    table: str,
    keys: ItemKeys,
    change: Count | Recount,
    update: str,
    conditions: list[str],
    added: dict[str, str],
    removed: dict[str, str],
    values: dict[str, Any],
) -> dict[str, Any]:
    names = {"#n": "counted", "#v": "version", "#e": "expiresAt", **added, **removed}
    values = {":e": number(change.expires_at), ":one": number(1), **values}
    if added:
        values[":yes"] = _YES
    return {
        "Update": {
            "TableName": table,
            "Key": keys.count(change.user_id, change.namespace),
            "ConditionExpression": " AND ".join(conditions),
            "UpdateExpression": update + (f" REMOVE {', '.join(removed)}" if removed else ""),
            "ExpressionAttributeNames": names,
            "ExpressionAttributeValues": values,
        }
    }


def _ended(table: str, keys: ItemKeys, row: Row) -> dict[str, Any]:
    """Make a row a tombstone, which leaves the index, until the session would have been over.

    Its version is not checked, since a use does not matter. A row that was rotated is counted under
    another id.
    """
    return {
        "Update": {
            "TableName": table,
            "Key": keys.row(row.session_id, row.user_id),
            "ConditionExpression": "attribute_exists(#s) AND attribute_not_exists(#x) "
            "AND attribute_not_exists(#b) AND attribute_not_exists(#w)",
            "UpdateExpression": "SET #w = :why, #d = :none REMOVE #o",
            "ExpressionAttributeNames": {
                "#s": keys.partition_key,
                "#x": "successor",
                "#b": "replacedBy",
                "#w": "endReason",
                "#d": "data",
                "#o": "ownerId",
            },
            "ExpressionAttributeValues": {":why": {"S": LOGIN_ELSEWHERE}, ":none": {"M": {}}},
        }
    }
