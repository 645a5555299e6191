"""Very many sessions of one user, put into a table without a login for each."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Any

from ddbwire import DynamoDBRequest, Wire
from sessions.operations.operation import Create
from sessions.operations.row import Row
from sessions.store.dynamodb.item_keys import item_keys
from sessions.store.dynamodb.request import MAX_BATCH_WRITE, TableRequests

PUTS_AT_ONCE = 4
"""Batches, so that the engine has work for more than one core."""


def put_sessions(
    table: str,
    endpoint_url: str,
    user_id: str,
    sessions: int,
    now_seconds: int,
    *,
    registers: bool,
    **values: str,
) -> list[str]:
    """The ids of so many new sessions, the newest first.

    Args:
        table: of the sessions.
        endpoint_url: of its engine.
        user_id: whose sessions they are.
        sessions: how many; each began a second before the last.
        now_seconds: when the first of them began.
        registers: whether the store is one with ``strict_revocation``.
        values: of each session.
    """
    rows = [
        Row(
            secrets.token_urlsafe(32),
            user_id,
            now_seconds - at,
            now_seconds,
            now_seconds + 3_600,
            now_seconds + 43_200,
            data=values,
        )
        for at in range(sessions)
    ]
    requests = TableRequests(table, item_keys(None), registers=registers, report_capacity=False)
    items = [item for row in rows for item in _items_put_by(requests.create(Create(row)))]
    _put_in_batches(items, table, endpoint_url)
    return [row.session_id for row in rows]


def _items_put_by(request: DynamoDBRequest) -> list[dict[str, Any]]:
    """The items that a request puts: by itself, or in a transaction."""
    body = json.loads(request.body)
    return [part["Put"]["Item"] for part in body.get("TransactItems", [{"Put": body}])]


def _put_in_batches(items: Iterable[dict[str, Any]], table: str, endpoint_url: str) -> None:
    """Put them by 25, as BatchWriteItem takes them: 10,000 requests are for what is measured."""
    wire = Wire(endpoint_url=endpoint_url, table=table)
    puts = ({"PutRequest": {"Item": item}} for item in items)

    def put(batch: list[dict[str, Any]]) -> None:
        parameters = {"RequestItems": {table: batch}}
        request = DynamoDBRequest.of("BatchWriteItem", parameters)
        response = wire.call(request, time.monotonic_ns() + 60 * 10**9)
        assert response == {"UnprocessedItems": {}}

    with ThreadPoolExecutor(PUTS_AT_ONCE) as threads:
        for _ in threads.map(put, iter(lambda: list(islice(puts, MAX_BATCH_WRITE)), [])):
            pass
    wire.close()
