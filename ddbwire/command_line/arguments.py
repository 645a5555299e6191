"""The options that say which table, and where DynamoDB is."""

from __future__ import annotations

import argparse
from typing import NoReturn
from urllib.parse import urlsplit

from ddbwire.command_line.failure import Misuse
from ddbwire.endpoint import Endpoint
from ddbwire.single_table import SingleTable


class Parser(argparse.ArgumentParser):
    """argparse, but what was wrong is one line, without the usage before it."""

    def error(self, message: str) -> NoReturn:
        """End the process with 2."""
        self.exit(2, f"{self.prog}: {message} (see {self.prog} --help)\n")


def add_table(
    command: argparse.ArgumentParser, *, of: str, owner: str, json: str = "print JSON"
) -> None:
    """Add ``--table`` and its layout, ``--json``, and where DynamoDB is.

    Args:
        command: what takes them.
        of: which table it is, such as "the limiter's table".
        owner: whose it is where it is not shared, such as "the limiter's".
        json: the help of ``--json``.
    """
    command.add_argument("--table", required=True, metavar="NAME", help=of)
    command.add_argument(
        "--single-table",
        metavar="PK,SK",
        help=(
            "it is shared with items of other kinds, and its partition key and sort key are "
            f"called so (default: {owner} own table)"
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
    """The layout that ``--single-table`` names; None without it.

    Raises:
        Misuse: it has other than two names.
    """
    if names is None:
        return None
    try:
        return SingleTable.parse(names)
    except ValueError as refused:
        raise Misuse(f"--single-table {refused}") from refused


def _url(text: str) -> str:
    try:
        parts = urlsplit(text)
        complete = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        complete = False
    if not complete:
        raise argparse.ArgumentTypeError(f"{text!r}: write http://HOST:PORT or https://HOST")
    try:
        Endpoint.of(text)
    except ValueError as refused:
        raise argparse.ArgumentTypeError(str(refused)) from refused
    return text
