"""Each operation as a DynamoDB request, with its condition.

Source: AWS, "UpdateItem", "TransactWriteItems" and "Query" in the DynamoDB API Reference.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

import ddbwire
from sessions.operations.operation import (
    Create,
    Delete,
    Find,
    Get,
    ReadCount,
    Replace,
    RowKey,
    Save,
)
from sessions.operations.row import Row
from sessions.store.dynamodb.count import count_parts
from sessions.store.dynamodb.item import ENDED, encode_value, item_of
from sessions.store.dynamodb.item_keys import ItemKeys

MAX_BATCH_GET, MAX_BATCH_WRITE = 100, 25
"""The most items of one request. Source: AWS, "BatchGetItem" and "BatchWriteItem"."""

_NAMES = {
    "#c": "createdAt",
    "#l": "lastSeenAt",
    "#e": "expiresAt",
    "#n": "endsAt",
    "#v": "version",
    "#d": "data",
    "#m": "device",
    "#x": "successor",
    "#b": "replacedBy",
    "#a": "namespace",
    "#o": "ownerId",
    "#i": "idle",
    "#t": "lifetime",
    "#p": "persistent",
    "#w": "endReason",
}
ATTRIBUTES = frozenset({*_NAMES.values(), "predecessor", "seal", "counted"})
"""The attributes of rows and counts beside the keys."""

_IS_LIVE = (
    "attribute_exists(#s) AND attribute_not_exists(#x) AND attribute_not_exists(#b) "
    "AND attribute_not_exists(#w) AND #e > :now"
)
_LIVE_ALIASES = ("#s", "#x", "#b", "#w", "#e")
_IS_LATEST = "#l <= :l"
"""No save with a later date was applied. One that arrives after it, since its connection was lost
but its request was not, would undo it (decision 025)."""


class TableRequests:
    """The requests of one table.

    Args:
        table: its name.
        keys: the keys of its items.
        registers: whether a register lists each user's sessions (``strict_revocation``).
        report_capacity: whether to ask for the capacity consumed.
    """

    __slots__ = ("_aliases", "_fixed", "_report", "_table", "keys", "registers", "table")

    def __init__(
        self, table: str, keys: ItemKeys, *, registers: bool, report_capacity: bool
    ) -> None:
        self.table = table
        self.keys = keys
        self._aliases = {"#s": keys.partition_key, "#u": keys.sort_key, **_NAMES}
        self._table = {"TableName": table}
        self._report = {"ReturnConsumedCapacity": "TOTAL"} if report_capacity else {}
        self._fixed = {**self._table, **self._report}
        self.registers = registers

    def find(self, find: Find) -> ddbwire.DynamoDBRequest:
        """Query by the partition key alone: the sort key is not known. Two rows are an error."""
        return self._of(
            "Query",
            KeyConditionExpression="#s = :s",
            ConsistentRead=True,
            Limit=2,
            ExpressionAttributeNames=self._names("#s"),
            ExpressionAttributeValues={":s": {"S": self.keys.partition_of_row(find.session_id)}},
        )

    def get(self, get: Get) -> ddbwire.DynamoDBRequest:
        """Read all attributes but the data."""
        aliases = tuple(alias for alias in self._aliases if alias != "#d")
        return self._of(
            "GetItem",
            Key=self.keys.row(get.session_id, get.user_id),
            ConsistentRead=True,
            ProjectionExpression=", ".join(aliases),
            ExpressionAttributeNames=self._names(*aliases),
        )

    def batch_get(self, keys: Sequence[RowKey]) -> ddbwire.DynamoDBRequest:
        """Read all attributes but the data of up to ``MAX_BATCH_GET`` items."""
        aliases = tuple(alias for alias in self._aliases if alias != "#d")
        wanted = {
            "Keys": [self.keys.row(*key) for key in keys],
            "ConsistentRead": True,
            "ProjectionExpression": ", ".join(aliases),
            "ExpressionAttributeNames": self._names(*aliases),
        }
        parameters = {"RequestItems": {self.table: wanted}, **self._report}
        return ddbwire.DynamoDBRequest.of("BatchGetItem", parameters)

    def create(self, create: Create) -> ddbwire.DynamoDBRequest:
        """Put the item; if it is registered or counted, in a transaction with those items."""
        put = self._put(create.row)
        with_it = self._registered(create.row) + count_parts(self.table, self.keys, create.count)
        if with_it:
            return self._transaction([put, *with_it])
        return self._of("PutItem", **{**put["Put"], **self._report})

    def save(self, save: Save) -> ddbwire.DynamoDBRequest:
        """Set the keys that changed, a new version, and a later expiry."""
        names = self._names(*_LIVE_ALIASES, "#l")
        values: dict[str, Any] = _numbers(
            {":now": save.now, ":l": save.last_seen_at, ":e": save.expires_at}
        )
        sets, removes = ["#l = :l", "#e = :e"], []
        condition = f"{_IS_LIVE} AND {_IS_LATEST}"
        if save.changed or save.removed:
            names |= self._names("#d", "#v")
            values[":one"] = _ONE
            sets.append("#v = #v + :one")
        for index, (key, stored) in enumerate(save.changed.items()):
            names[f"#k{index}"] = key
            values[f":k{index}"] = encode_value(stored)
            sets.append(f"#d.#k{index} = :k{index}")
        for index, key in enumerate(sorted(save.removed)):
            names[f"#r{index}"] = key
            removes.append(f"#d.#r{index}")
        if save.version is not None:
            values |= _numbers({":v": save.version})
            condition += " AND #v = :v"
        return self._update(
            save,
            f"SET {', '.join(sets)}" + (f" REMOVE {', '.join(removes)}" if removes else ""),
            condition,
            names,
            values,
        )

    def save_all(self, save: Save, row: Row) -> ddbwire.DynamoDBRequest:
        """Set all data as it is after a save, if the row has not changed since it was read."""
        remaining = {key: stored for key, stored in row.data.items() if key not in save.removed}
        data = {**remaining, **save.changed}
        return self._update(
            save,
            "SET #l = :l, #e = :e, #d = :d, #v = #v + :one",
            f"{_IS_LIVE} AND {_IS_LATEST} AND #v = :v",
            self._names(*_LIVE_ALIASES, "#l", "#d", "#v"),
            {
                **_numbers({":now": save.now, ":l": save.last_seen_at, ":e": save.expires_at}),
                ":d": {"M": {key: encode_value(stored) for key, stored in data.items()}},
                **_numbers({":v": row.version}),
                ":one": _ONE,
            },
        )

    def _update(
        self,
        save: Save,
        update: str,
        condition: str,
        names: dict[str, str],
        values: dict[str, Any],
    ) -> ddbwire.DynamoDBRequest:
        return ddbwire.DynamoDBRequest.of(
            "UpdateItem",
            {
                **self._fixed,
                "Key": self.keys.row(save.session_id, save.user_id),
                "UpdateExpression": update,
                "ConditionExpression": condition,
                "ExpressionAttributeNames": names,
                "ExpressionAttributeValues": values,
            },
            # With a version, a save that was applied would be refused when it is sent again.
            repeatable=save.version is None,
        )

    def replace(self, replacement: Replace) -> ddbwire.DynamoDBRequest:
        """Put the new item, and make the old one lead to it or mark it as replaced, or neither."""
        return self._transaction(
            [
                self._put(replacement.new),
                self._replaced(replacement),
                *self._registered(replacement.new),
                *count_parts(self.table, self.keys, replacement.count),
            ]
        )

    def read_count(self, read: ReadCount) -> ddbwire.DynamoDBRequest:
        """Read a user's count."""
        key = self.keys.count(read.user_id, read.namespace)
        return self._of("GetItem", Key=key, ConsistentRead=True)

    def delete(self, delete: Delete) -> ddbwire.DynamoDBRequest:
        """Delete an item, unless it is a tombstone. The reply has what it was, or is.

        An item without data is left, which no operation takes for a row (``is_row``). It prevents a
        ``Create`` that arrives late from putting the row again. Its TTL removes it.
        """
        return self._of(
            "UpdateItem",
            Key=self.keys.row(delete.session_id, delete.user_id),
            UpdateExpression="SET #w = :ended, #d = :none REMOVE #o, #m",
            ConditionExpression=(
                "attribute_exists(#s) AND attribute_not_exists(#b) AND attribute_not_exists(#w)"
            ),
            ExpressionAttributeNames=self._names("#s", "#b", "#w", "#d", "#o", "#m"),
            ExpressionAttributeValues={":ended": {"S": ENDED}, ":none": {"M": {}}},
            ReturnValues="ALL_OLD",
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )

    def by_owner(self, user_id: str, start: Any) -> ddbwire.DynamoDBRequest:
        """Read a page of the index after ``start``; for a table that has one."""
        return self._of(
            "Query",
            IndexName=self.keys.index,
            KeyConditionExpression="#o = :o",
            ScanIndexForward=False,
            ExpressionAttributeNames=self._names("#o"),
            ExpressionAttributeValues={":o": {"S": user_id}},
            **_after(start),
        )

    def registered(self, user_id: str, start: Any) -> ddbwire.DynamoDBRequest:
        """Read a page of a user's register after ``start``, consistently."""
        condition, values = self.keys.entries(user_id)
        return self._of(
            "Query",
            KeyConditionExpression=condition,
            ConsistentRead=True,
            ExpressionAttributeNames=self._names(
                *[each for each in ("#s", "#u") if each in condition]
            ),
            ExpressionAttributeValues=values,
            **_after(start),
        )

    def unregister(self, keys: Sequence[RowKey]) -> ddbwire.DynamoDBRequest:
        """Delete the entries of up to ``MAX_BATCH_WRITE`` sessions in their users' registers."""
        deletions = [
            {"DeleteRequest": {"Key": self.keys.entry(user_id, session_id)}}
            for session_id, user_id in keys
        ]
        parameters = {"RequestItems": {self.table: deletions}, **self._report}
        return ddbwire.DynamoDBRequest.of("BatchWriteItem", parameters)

    def _put(self, row: Row) -> dict[str, Any]:
        return {
            "Put": {
                **self._table,
                "Item": item_of(self.keys, row),
                "ConditionExpression": "attribute_not_exists(#s)",
                "ExpressionAttributeNames": self._names("#s"),
            }
        }

    def _registered(self, row: Row) -> list[dict[str, Any]]:
        if not self.registers or row.owner_id is None:
            return []
        key = self.keys.entry(row.user_id, row.session_id)
        entry = {**key, **_numbers({"expiresAt": row.ends_at})}
        return [{"Put": {**self._table, "Item": entry}}]

    def _replaced(self, replacement: Replace) -> dict[str, Any]:
        # A replaced row no longer belongs to its user, so it leaves the index.
        pointer, rest = ("#x", "") if replacement.is_rotation else ("#b", " REMOVE #o")
        names = self._names(
            *_LIVE_ALIASES, "#v", "#d", *(() if replacement.is_rotation else ("#o",))
        )
        return {
            "Update": {
                **self._table,
                "Key": self.keys.row(replacement.old.session_id, replacement.old.user_id),
                "ConditionExpression": f"{_IS_LIVE} AND #v = :v",
                "UpdateExpression": f"SET {pointer} = :new, #e = :e, #d = :none{rest}",
                "ExpressionAttributeNames": names,
                "ExpressionAttributeValues": {
                    **_numbers(
                        {
                            ":now": replacement.now,
                            ":v": replacement.old.version,
                            ":e": replacement.old_until,
                        }
                    ),
                    ":new": {"S": replacement.new.session_id},
                    ":none": {"M": {}},
                },
            }
        }

    def _transaction(self, parts: list[dict[str, Any]]) -> ddbwire.DynamoDBRequest:
        # The token makes it safe to send again: DynamoDB returns the first result.
        parameters = {"TransactItems": parts, "ClientRequestToken": str(uuid.uuid4())}
        return ddbwire.DynamoDBRequest.of("TransactWriteItems", {**parameters, **self._report})

    def _names(self, *aliases: str) -> dict[str, str]:
        return {alias: self._aliases[alias] for alias in aliases}

    def _of(self, name: str, **parameters: Any) -> ddbwire.DynamoDBRequest:
        return ddbwire.DynamoDBRequest.of(name, {**self._fixed, **parameters})


def _numbers(values: Mapping[str, int]) -> dict[str, Any]:
    return {name: {"N": str(value)} for name, value in values.items()}


_ONE = {"N": "1"}


def _after(start: Any) -> dict[str, Any]:
    return {"ExclusiveStartKey": start} if start else {}
