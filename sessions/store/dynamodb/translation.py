"""Translates each operation to requests, and their replies to its result.

A generator yields a request and is sent its reply; or it yields several (``SideBySide``) and is
sent what they keep of the replies. The store sends them, blocking or in an event loop.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import ddbwire
from sessions.arguments import ANONYMOUS_PREFIX
from sessions.operations.operation import (
    BatchDelete,
    BatchGet,
    ByOwner,
    Create,
    Delete,
    Find,
    Get,
    Operation,
    ReadCount,
    Registered,
    Replace,
    RowKey,
    Save,
    Unregister,
)
from sessions.operations.row import Row
from sessions.store.dynamodb.count import counted_of
from sessions.store.dynamodb.item import is_row, row_of, rows_of
from sessions.store.dynamodb.item_keys import ItemKeys
from sessions.store.dynamodb.request import (
    MAX_BATCH_GET,
    MAX_BATCH_WRITE,
    TableRequests,
)
from sessions.store.dynamodb.side_by_side import SideBySide
from sessions.store.dynamodb.unexpected_reply import reads_reply

MAX_OPERATORS = 300
"""The most operators of an update expression. Source: AWS, "Quotas and limits in DynamoDB"
(expression parameters)."""

Requests = Generator[ddbwire.DynamoDBRequest | SideBySide, Any, Any]


def requests(  # noqa: C901, PLR0911 - one case an operation
    table: TableRequests, operation: Operation
) -> Requests:
    """The requests of an operation; ReadClock has none."""
    match operation:
        case Find():
            return (yield from _find(table, operation))
        case Get():
            return _row_in_reply(table.keys, (yield table.get(operation)))
        case Create():
            reply = yield table.create(operation)
            # A refusal without a count: this request has put the row, and its reply was lost.
            return operation.count is None or _done(reply)
        case ReadCount():
            return counted_of(table.keys, (yield table.read_count(operation)).get("Item"))
        case Save():
            return (yield from _save(table, operation))
        case Replace():
            return _done((yield table.replace(operation)))
        case Delete():
            return (yield from _delete(table, operation))
        case BatchGet(keys):
            return (yield from _batch_get(table, keys))
        case BatchDelete(keys):
            return (yield from _batch_delete(table, keys))
        case ByOwner(user_id):
            return (yield from _by_owner(table, user_id))
        case Registered(user_id):
            return (yield from _registered(table, user_id))
        case Unregister(user_id, session_ids):
            yield _unregistered(table, [(session_id, user_id) for session_id in session_ids])
            return None
    raise TypeError(f"operation {operation!r} must be one of sessions.operations")


def _find(table: TableRequests, find: Find) -> Requests:
    return _rows(table.keys, (yield table.find(find)))


def _by_owner(table: TableRequests, user_id: str) -> Requests:
    if table.keys.index is None:  # then all are registered
        return []
    items = yield from _pages(lambda start: table.by_owner(user_id, start))
    return [session_id for session_id, _ in _row_keys(table.keys, items)]


def _registered(table: TableRequests, user_id: str) -> Requests:
    items = yield from _pages(lambda start: table.registered(user_id, start))
    return _session_ids(table.keys, items)


def _save(table: TableRequests, save: Save) -> Requests:
    """One write for any number of keys: several could be interrupted half-way."""
    if fits_expression(save):
        return _done((yield table.save(save)))
    while True:
        # Another request has saved the row in each turn; the deadline ends the loop.
        rows = yield from _find(table, Find(save.session_id))
        row = next((row for row in rows if row.user_id == save.user_id), None)
        if row is None or not row.is_live(save.now) or row.last_seen_at > save.last_seen_at:
            return False
        if save.version is not None and row.version != save.version:
            return False
        if _done((yield table.save_all(save, row))):
            return True


def fits_expression(save: Save) -> bool:
    """Whether one expression can name all keys of a save.

    It counts every character that may be an operator: ``=``, ``+`` and ``.``, which is more than
    DynamoDB Local counts. An expression within that limit is shorter than 4 KB, the limit on its
    length.
    """
    return 4 + 2 * len(save.changed) + len(save.removed) <= MAX_OPERATORS


def _delete(table: TableRequests, delete: Delete) -> Requests:
    row = _deleted_row(table.keys, (yield table.delete(delete)))
    is_tombstone = row is not None and row.is_tombstone
    if table.registers and not is_tombstone and not delete.user_id.startswith(ANONYMOUS_PREFIX):
        # Only now: a register may have a session too many, but not one too few.
        yield table.unregister([(delete.session_id, delete.user_id)])
    return row


def _batch_get(table: TableRequests, keys: Sequence[RowKey]) -> Requests:
    requests = [table.batch_get(part) for part in _parts(keys, MAX_BATCH_GET)]
    rows: list[Row] = []
    unprocessed: list[RowKey] = []
    for got, left in (yield SideBySide(requests, partial(_rows_and_unprocessed, table.keys))):
        rows += got
        unprocessed += left
    # One by one: together they were more than 16 MB, or exceeded the table's throughput.
    singly = SideBySide(
        [table.get(Get(*key)) for key in unprocessed], partial(_row_in_reply, table.keys)
    )
    return rows + [row for row in (yield singly) if row is not None]


def _batch_delete(table: TableRequests, keys: Sequence[RowKey]) -> Requests:
    # Not BatchWriteItem, which does not return what it deleted: a row that was rotated meanwhile
    # leads to another one, which must be deleted too.
    requests = [table.delete(Delete(*key)) for key in keys]
    rows = yield SideBySide(requests, partial(_deleted_row_without_data, table.keys))
    if table.registers:
        yield _unregistered(table, [key for key in keys if not key[1].startswith(ANONYMOUS_PREFIX)])
    return [row for row in rows if row is not None]


def _unregistered(table: TableRequests, keys: Sequence[RowKey]) -> SideBySide:
    # Entries that a busy table leaves unprocessed are deleted the next time, or by their TTL.
    return SideBySide([table.unregister(part) for part in _parts(keys, MAX_BATCH_WRITE)], _nothing)


@reads_reply
def _rows(keys: ItemKeys, reply: Any) -> list[Row]:
    return rows_of(keys, reply["Items"])


@reads_reply
def _rows_and_unprocessed(keys: ItemKeys, reply: Any) -> tuple[list[Row], list[RowKey]]:
    # The replies of one table, under its name even if the request had its ARN.
    rows = [row for items in reply["Responses"].values() for row in rows_of(keys, items)]
    left = reply.get("UnprocessedKeys", {}).values()
    return rows, [keys.row_in(key) for part in left for key in part["Keys"]]


@reads_reply
def _row_in_reply(keys: ItemKeys, reply: Any) -> Row | None:
    item = reply.get("Item")
    return row_of(keys, item) if item and is_row(item) else None


@reads_reply
def _deleted_row(keys: ItemKeys, reply: Any) -> Row | None:
    """The row that a deletion found, whether it was deleted, or is a tombstone and stays."""
    refused = isinstance(reply, ddbwire.ConditionalCheckFailed)
    item = reply.item if refused else reply.get("Attributes")
    return row_of(keys, item) if item and is_row(item) else None


def _deleted_row_without_data(keys: ItemKeys, reply: Any) -> Row | None:
    row = _deleted_row(keys, reply)
    return None if row is None else replace(row, data={})


@reads_reply
def _row_keys(keys: ItemKeys, items: Sequence[Any]) -> list[RowKey]:
    return [keys.row_in(item) for item in items]


@reads_reply
def _session_ids(keys: ItemKeys, entries: Sequence[Any]) -> list[str]:
    found = [keys.session_in(entry) for entry in entries]
    return [session_id for session_id in found if session_id is not None]


def _nothing(reply: Any) -> None:  # noqa: ARG001
    return None


def _parts(keys: Sequence[RowKey], size: int) -> list[Sequence[RowKey]]:
    """Keys for several requests, without duplicates, for which DynamoDB refuses a batch."""
    several = list(dict.fromkeys(keys))
    return [several[start : start + size] for start in range(0, len(several), size)]


def _pages(page: Callable[[Any], ddbwire.DynamoDBRequest]) -> Requests:
    items: list[Any] = []
    start = None
    while True:
        more, start = _page((yield page(start)))
        items += more
        if start is None:
            return items


@reads_reply
def _page(reply: Any) -> tuple[list[Any], Any]:
    """The items, and where the next page begins."""
    return list(reply["Items"]), reply.get("LastEvaluatedKey")


def _done(reply: Any) -> bool:
    return isinstance(reply, dict)
