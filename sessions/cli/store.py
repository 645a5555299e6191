"""The store for the table of a command."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ddbwire.shared.command_line.arguments import layout_of
from ddbwire.shared.command_line.failure import Misuse

if TYPE_CHECKING:
    import argparse

    from sessions.store.dynamodb.store import DynamoDBSessionStore


def store_of(options: argparse.Namespace) -> DynamoDBSessionStore:
    """The store of the table.

    Raises:
        Misuse: its name, or the names of its keys, are invalid.
    """
    from sessions.store.dynamodb.store import DynamoDBSessionStore

    try:
        # It is not known whether the application keeps the register. If it does, only the register
        # has the logins of the last second; if not, reading it costs one read.
        return DynamoDBSessionStore(
            options.table,
            region_name=options.region,
            endpoint_url=options.endpoint_url,
            layout=layout_of(options.single_table),
            strict_revocation=True,
        )
    except ValueError as refused:
        raise Misuse(str(refused)) from refused
