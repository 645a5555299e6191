"""The options that select a table, and its store."""

from __future__ import annotations

import argparse

from ddbwire.shared.command_line import arguments
from ddbwire.shared.command_line.failure import Misuse
from ratelimit_ddb.store.dynamodb.store import DynamoDBStore


def add_table(command: argparse.ArgumentParser, *, json: str = "print JSON") -> None:
    """Add ``--table`` and its layout, ``--json``, and the options of the endpoint.

    Args:
        command: the parser of the command.
        json: the help of ``--json``.
    """
    arguments.add_table(command, of="the limiter's table", owner="the limiter's", json=json)


def store_of(options: argparse.Namespace, *, report_capacity: bool = False) -> DynamoDBStore:
    """The store of the table.

    Raises:
        Misuse: its name, or the name of a key, is not valid.
    """
    try:
        return DynamoDBStore(
            options.table,
            region_name=options.region,
            endpoint_url=options.endpoint_url,
            layout=arguments.layout_of(options.single_table),
            report_capacity=report_capacity,
        )
    except ValueError as refused:
        raise Misuse(str(refused)) from refused
