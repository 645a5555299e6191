"""What ``python -m sessions.demo`` takes."""

from __future__ import annotations

import argparse
from typing import NoReturn
from urllib.parse import urlsplit

DEFAULT_TABLE = "quikapp-dev-user-sessions"

_DESCRIPTION = """\
Start a small site that one logs in to, visit it with two browsers over HTTP, and show what becomes
of their sessions. Needs nothing: they are in memory, unless --endpoint-url, --region or --table
asks for DynamoDB. The table must be there; "ratelimit-ddb tables create" makes it."""


class _Parser(argparse.ArgumentParser):
    """argparse, but what was wrong is one line, without the usage before it."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message} (see {self.prog} --help)\n")


def parser() -> argparse.ArgumentParser:
    """The parser of the command."""
    command = _Parser("sessions.demo", description=_DESCRIPTION)
    command.add_argument(
        "--serve", action="store_true", help="leave the site running until Ctrl-C, to try it"
    )
    command.add_argument(
        "--port", type=_port, default=0, help="port on 127.0.0.1 for the site (default: a free one)"
    )
    command.add_argument(
        "--endpoint-url",
        type=_url,
        metavar="URL",
        help="a DynamoDB endpoint, such as http://localhost:8000 (default: AWS's for the region)",
    )
    command.add_argument("--region", metavar="NAME", help="an AWS region (default: as configured)")
    command.add_argument(
        "--table", metavar="NAME", help=f"a table of sessions (default: {DEFAULT_TABLE})"
    )
    return command


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65_535:
        raise argparse.ArgumentTypeError(f"{text!r}: a number up to 65535 is needed")
    return int(text)


def _url(text: str) -> str:
    try:
        parts = urlsplit(text)
        complete = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        complete = False
    if not complete:
        raise argparse.ArgumentTypeError(f"{text!r}: write http://HOST:PORT or https://HOST")
    return text
