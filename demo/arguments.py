"""What ``python -m demo`` takes."""

from __future__ import annotations

import argparse

from ddbwire.shared.command_line.arguments import Parser, add_endpoint

DEFAULT_PREFIX = "ratelimit-ddb"

_DESCRIPTION = """\
Start a site with rate limits and logins, visit it over HTTP, and tell what was admitted and denied
and what became of the sessions. With --serve, leave the site to a browser instead. Needs nothing:
everything is in memory, unless --endpoint-url or --region asks for DynamoDB, where the two tables
are created if they are missing."""


def parser() -> argparse.ArgumentParser:
    """The parser of the command."""
    command = Parser("demo", description=_DESCRIPTION)
    command.add_argument(
        "--serve", action="store_true", help="a site to click at, until Ctrl-C; no story"
    )
    command.add_argument(
        "--port", type=_port, default=0, help="port on 127.0.0.1 for the site (default: a free one)"
    )
    add_endpoint(command)
    command.add_argument(
        "--prefix",
        default=DEFAULT_PREFIX,
        metavar="NAME",
        help="first part of the tables' names, before -demo-... (default: %(default)s)",
    )
    return command


def _port(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or int(text) > 65_535:
        raise argparse.ArgumentTypeError(f"{text!r}: must be a number up to 65535")
    return int(text)
