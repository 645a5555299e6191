"""The options that say which table, and the store that they mean."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from ratelimit_ddb.cli.endpoint_arguments import add_endpoint
from ratelimit_ddb.cli.failure import Misuse
from ratelimit_ddb.store.dynamodb.store import DynamoDBStore

if TYPE_CHECKING:
    from ddbwire import SingleTable


def add_table(command: argparse.ArgumentParser, *, json: str = "print JSON") -> None:
    """Add ``--table`` and its layout, ``--json``, and where DynamoDB is.

    Args:
        command: what takes them.
        json: the help of ``--json``.
    """
    command.add_argument("--table", required=True, metavar="NAME", help="the limiter's table")
    command.add_argument(
        "--single-table",
        metavar="PK,SK",
        help=(
            "it is shared with items of other kinds, and its partition key and sort key are "
            "called so (default: the limiter's own table)"
        ),
    )
    command.add_argument("--json", action="store_true", help=json)
    add_endpoint(command)


def store_of(options: argparse.Namespace, *, report_capacity: bool = False) -> DynamoDBStore:
    """The store of the table.

    Raises:
        Misuse: its name, or the names of its keys, can't be ones.
    """
    try:
        return DynamoDBStore(
            options.table,
            region_name=options.region,
            endpoint_url=options.endpoint_url,
            layout=layout_of(options.single_table),
            report_capacity=report_capacity,
        )
    except ValueError as refused:
        raise Misuse(str(refused)) from refused


def layout_of(names: str | None) -> SingleTable | None:
    """The layout that ``--single-table`` names; None without it.

    Raises:
        Misuse: it has other than two names.
    """
    if names is None:
        return None
    from ddbwire import SingleTable

    try:
        return SingleTable.parse(names)
    except ValueError as refused:
        raise Misuse(f"--single-table {refused}") from refused
