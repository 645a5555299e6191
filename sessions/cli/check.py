"""``ddb-sessions check``: whether a table can store sessions, and if not, why.

The calls are tried on a session that does not exist: reads, a conditional write that is refused, a
transaction that is refused as a whole, and the deletion of an entry that does not exist.
"""

from __future__ import annotations

import argparse
import secrets
import time
from collections.abc import Iterator
from typing import Any

from ddbwire.shared.command_line.check import (
    Finding,
    Try,
    clock_reading,
    description_of,
    findings_of,
    of_backups,
    of_encryption,
    of_ttl,
    print_findings,
)
from ddbwire.shared.command_line.endpoint import resolve
from sessions.cli.store import store_of
from sessions.operations.count import Recount
from sessions.operations.driver import run
from sessions.operations.operation import (
    BatchGet,
    ByOwner,
    Find,
    Flow,
    Operation,
    Registered,
    Replace,
    Save,
    Unregister,
)
from sessions.operations.row import Row
from sessions.store.dynamodb.item_keys import INDEX, item_keys
from sessions.store.dynamodb.store import DynamoDBSessionStore

_TIMEOUT_SECONDS = 5.0
_EXPIRES_AT, _CREATED_AT = "expiresAt", "createdAt"


def run_check(options: argparse.Namespace) -> bool:
    """Check the table, and print the findings; returns whether it can store sessions."""
    with store_of(options) as store:
        findings = list(_findings(options, store))
        clock = clock_reading(store._wire.clock)
    return print_findings(options.table, findings, clock, as_json=options.json)


def _findings(options: argparse.Namespace, store: DynamoDBSessionStore) -> Iterator[Finding]:
    # A session and a user that do not exist.
    session_id, user_id = secrets.token_urlsafe(32), f"check-{secrets.token_hex(16)}"
    tries = (
        Try("read", store.check, f"the table is there, with {item_keys(store.layout).schema}"),
        _try(store, "query", Find(session_id), "dynamodb:Query is allowed"),
        _try(store, "write", _refused_save(session_id, user_id), "dynamodb:UpdateItem is allowed"),
        _try(
            store,
            "replace",
            _refused_replacement(session_id, user_id),
            "dynamodb:PutItem, UpdateItem and DeleteItem are allowed, in a transaction",
        ),
        _try(
            store,
            "batch",
            BatchGet([(session_id, user_id)]),
            "dynamodb:BatchGetItem is allowed",
        ),
        _try(
            store,
            "unlist",
            Unregister(user_id, frozenset({session_id})),
            "dynamodb:BatchWriteItem is allowed",
        ),
        _try(store, "list", Registered(user_id), "the register of a user can be read"),
    )
    tried = list(findings_of(tries))
    yield from tried
    if len(tried) < len(tries):
        return
    has_index = store.layout is None
    if has_index:
        message = f"dynamodb:Query is allowed on the index {INDEX!r}"
        yield from findings_of([_try(store, "index", ByOwner(user_id), message)])
    endpoint = resolve(options.endpoint_url, options.region)
    description = description_of(endpoint, options.table)
    if has_index and not isinstance(description, str):
        yield from _of_order(description)
    yield of_ttl(endpoint, options.table, _EXPIRES_AT)
    yield of_encryption(endpoint, description)
    yield of_backups(endpoint, options.table)


def _try(store: DynamoDBSessionStore, name: str, operation: Operation, message: str) -> Try:
    return Try(name, lambda: run(_only(operation), store, _TIMEOUT_SECONDS), message)


def _only(operation: Operation) -> Flow[None]:
    yield operation


def _refused_save(session_id: str, user_id: str) -> Save:
    now = int(time.time())
    return Save(session_id, user_id, now, now, now, {}, frozenset())


def _refused_replacement(session_id: str, user_id: str) -> Replace:
    # The old row does not exist, so the new one is not put and nothing is deleted.
    now = int(time.time())
    old = Row(session_id, user_id, now, now, now, now)
    new = Row(secrets.token_urlsafe(32), user_id, now, now, now, now)
    uncounted = Recount(user_id, "", None, None, now)
    return Replace(old, new, now, now, is_rotation=False, count=uncounted)


def _of_order(description: dict[str, Any]) -> Iterator[Finding]:
    """Whether the index is in the order of logins, and its cost."""
    for index in description.get("GlobalSecondaryIndexes", ()):
        if index["IndexName"] != INDEX:
            continue
        keys = {key["KeyType"]: key["AttributeName"] for key in index["KeySchema"]}
        if keys.get("RANGE") != _CREATED_AT:
            found = keys.get("RANGE")
            yield Finding(
                "order",
                "failed",
                f"the index has {'no sort key' if found is None else f'the sort key {found!r}'}: "
                f"it must be {_CREATED_AT!r}, or sessions are not listed by their logins",
            )
        elif index["Projection"]["ProjectionType"] == "KEYS_ONLY":
            yield Finding("order", "ok", f"the index is in order of {_CREATED_AT!r}")
        else:
            yield Finding(
                "order",
                "ok",
                f"the index is in order of {_CREATED_AT!r}; it carries more than keys, so each "
                "save is written twice: the projection KEYS_ONLY is enough",
            )
