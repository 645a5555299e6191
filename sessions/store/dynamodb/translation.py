"""The requests that each operation takes, and its result by their replies.

A generator yields each request and is sent its reply; the store sends them, blocking or not.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import replace
from typing import Any

import ddbwire
from sessions.arguments import ANONYMOUS_PREFIX
from sessions.operations.operation import (
    ByOwner,
    Create,
    Delete,
    Find,
    Get,
    Operation,
    Registered,
    Replace,
    Save,
    Unregister,
)
from sessions.store.dynamodb.item import row_of
from sessions.store.dynamodb.request import TableRequests

MAX_KEYS = 90
"""Keys that one request sets, and as many that it removes: expressions have at most 4 KB (AWS:
"Quotas and limits in DynamoDB")."""

Requests = Generator[ddbwire.DynamoDBRequest, Any, Any]


def requests(  # noqa: C901, PLR0911 - one case an operation
    table: TableRequests, operation: Operation
) -> Requests:
    """The requests of an operation; ReadClock has none."""
    match operation:
        case Find():
            reply = yield table.find(operation)
            return [row_of(item) for item in reply["Items"]]
        case Get():
            reply = yield table.get(operation)
            return row_of(reply["Item"]) if reply.get("Item") else None
        case Create():
            # Refused, the row is there: this very request put it, and its reply was lost.
            yield table.create(operation)
            return True
        case Save():
            return (yield from _save(table, operation))
        case Replace():
            return _done((yield table.replace(operation)))
        case Delete():
            return (yield from _delete(table, operation))
        case ByOwner(user_id):
            items = yield from _pages(lambda start: table.by_owner(user_id, start))
            return [item["sessionId"]["S"] for item in items]
        case Registered(user_id):
            items = yield from _pages(lambda start: table.registered(user_id, start))
            return [item["userId"]["S"] for item in items]
        case Unregister(user_id, session_ids):
            for session_id in session_ids:
                yield table.unregister(user_id, session_id)
            return None
    raise TypeError(f"operation {operation!r} must be one of sessions.operations")


def _save(table: TableRequests, save: Save) -> Requests:
    """One request for up to MAX_KEYS keys; more take several, each of them conditional."""
    changed, removed = list(save.changed.items()), sorted(save.removed)
    for start in range(0, max(1, len(changed), len(removed)), MAX_KEYS):
        part = slice(start, start + MAX_KEYS)
        request = table.save(
            replace(
                save,
                changed=dict(changed[part]),
                removed=frozenset(removed[part]),
                version=None if start else save.version,
            ),
            is_first=not start,
        )
        if not isinstance((yield request), dict):
            return False
    return True


def _delete(table: TableRequests, delete: Delete) -> Requests:
    reply = yield table.delete(delete)
    if isinstance(reply, ddbwire.ConditionalCheckFailed):
        return row_of(reply.item) if reply.item else None
    if table.registers and not delete.user_id.startswith(ANONYMOUS_PREFIX):
        # Afterwards: a register that names a session too many is no harm, one too few would be.
        yield table.unregister(delete.user_id, delete.session_id)
    return row_of(reply["Attributes"]) if reply.get("Attributes") else None


def _pages(page: Callable[[Any], ddbwire.DynamoDBRequest]) -> Requests:
    items: list[Any] = []
    start = None
    while True:
        reply = yield page(start)
        items += reply["Items"]
        start = reply.get("LastEvaluatedKey")
        if start is None:
            return items


def _done(reply: Any) -> bool:
    return isinstance(reply, dict)
