"""The stores of the demo: in memory, or in two DynamoDB tables, created if missing."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field

from ddbwire.shared.command_line.endpoint import resolve
from ratelimit_ddb import DynamoDBStore, MemoryStore
from ratelimit_ddb.tables import Table, application_tables, create
from sessions import DynamoDBSessionStore, MemorySessionStore

ENVIRONMENT = "demo"
_NAMES_END = ("-rate-limits", "-user-sessions")
_DEADLINE_SECONDS = 5.0
"""Longer than an app would wait: an emulator's first replies are slow."""


@dataclass(frozen=True, slots=True)
class Stores:
    """Where the buckets and the sessions are.

    Attributes:
        limits: the store of the rate limits.
        sessions: the store of the sessions.
        where: both in words, a line each.
        namespace: what the keys of the buckets begin with. On a table it differs from run to run,
            so that each begins with full buckets.
        calls: the DynamoDB operations of both stores so far; None without DynamoDB.
    """

    limits: MemoryStore | DynamoDBStore
    sessions: MemorySessionStore | DynamoDBSessionStore
    where: tuple[str, ...]
    namespace: str = ""
    calls: list[str] | None = field(default=None)


def in_memory() -> Stores:
    """Stores in this process's memory."""
    where = (
        "buckets   in this process's memory (MemoryStore)",
        "sessions  in this process's memory (MemorySessionStore)",
    )
    return Stores(MemoryStore(), MemorySessionStore(), where)


def tables_of(prefix: str) -> tuple[Table, Table]:
    """The tables of the rate limits and of the sessions.

    Raises:
        ValueError: the prefix has characters that no table's name may have.
    """
    limits, sessions = (
        next(table for table in application_tables(prefix, ENVIRONMENT) if table.name.endswith(end))
        for end in _NAMES_END
    )
    return limits, sessions


@contextmanager
def on_dynamodb(
    tables: tuple[Table, Table], endpoint_url: str | None, region: str | None
) -> Iterator[Stores]:
    """Stores on DynamoDB tables, which are created if they are missing.

    Args:
        tables: see ``tables_of``.
        endpoint_url: as for boto3; None for AWS's.
        region: as for boto3; None for the configured one.

    Raises:
        botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError: the endpoint was not
            reached, or refused.
    """
    endpoint = resolve(endpoint_url, region)
    created = create(endpoint.client, tables)
    calls: list[str] = []
    limits = DynamoDBStore(
        tables[0].name,
        region_name=region,
        endpoint_url=endpoint_url,
        on_call=lambda call: calls.append(call.operation),
    )
    sessions = DynamoDBSessionStore(
        tables[1].name,
        region_name=region,
        endpoint_url=endpoint_url,
        strict_revocation=True,
        deadline=_DEADLINE_SECONDS,
        on_call=lambda call: calls.append(call.operation),
    )
    where = (
        f"DynamoDB  at {endpoint}",
        *(
            f"{what:8}  in the table {table.name}"
            + (", created just now" if table.name in created else "")
            for what, table in zip(("buckets", "sessions"), tables, strict=True)
        ),
    )
    with closing(limits), closing(sessions):
        limits.warm_up()
        sessions.warm_up()
        calls.clear()
        yield Stores(limits, sessions, where, f"demo-{secrets.token_hex(4)}", calls)
