"""The options for the table and for the endpoint of DynamoDB."""

from __future__ import annotations

import argparse
from typing import NoReturn

from ddbwire.endpoint import Endpoint
from ddbwire.shared.command_line.failure import Misuse
from ddbwire.shared.single_table import SingleTable


class Parser(argparse.ArgumentParser):
    """An ArgumentParser whose error is one line, without the usage."""

    def error(self, message: str) -> NoReturn:
        """End the process with 2."""
        self.exit(2, f"{self.prog}: {message} (see {self.prog} --help)\n")


def add_table(
    command: argparse.ArgumentParser, *, of: str, owner: str, json: str = "print JSON"
) -> None:
    """Add ``--table``, ``--single-table``, ``--json`` and the endpoint's options.

    Args:
        command: the command's parser.
        of: which table it is, such as "the limiter's table".
        owner: the owner of a table that is not shared, such as "the limiter's".
        json: the help of ``--json``.
    """
    command.add_argument("--table", required=True, metavar="NAME", help=of)
    command.add_argument(
        "--single-table",
        metavar="PK,SK",
        help=(
            "the table is shared with items of other kinds, and these are the names of its "
            f"partition key and sort key (default: {owner} own table)"
        ),
    )
    command.add_argument("--json", action="store_true", help=json)
    add_endpoint(command)


def add_endpoint(command: argparse.ArgumentParser) -> None:
    """Add ``--endpoint-url`` and ``--region``."""
    command.add_argument(
        "--endpoint-url",
        type=_url,
        metavar="URL",
        help="a DynamoDB endpoint, such as http://localhost:8000 (default: AWS's for the region)",
    )
    command.add_argument("--region", metavar="NAME", help="an AWS region (default: as configured)")


def layout_of(names: str | None) -> SingleTable | None:
    """The layout of ``--single-table``; None without it.

    Raises:
        Misuse: it does not have two names.
    """
    if names is None:
        return None
    try:
        return SingleTable.parse(names)
    except ValueError as refused:
        raise Misuse(f"--single-table {refused}") from refused


def _url(text: str) -> str:
    try:
        Endpoint.of(text)
    except ValueError as refused:
        raise argparse.ArgumentTypeError(
            f"{refused}; write http://HOST:PORT or https://HOST"
        ) from refused
    return text
