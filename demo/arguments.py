"""What ``python -m demo`` takes."""

from __future__ import annotations

import argparse
from typing import NoReturn
from urllib.parse import urlsplit

DEFAULT_PREFIX = "ratelimit-ddb"

_DESCRIPTION = """\
Start a site with rate limits and logins, visit it over HTTP, and tell what was admitted and denied
and what became of the sessions. With --serve, leave the site to a browser instead. Needs nothing:
everything is in memory, unless --endpoint-url or --region asks for DynamoDB, where the two tables
are created if they are missing."""


class _Parser(argparse.ArgumentParser):
    """argparse, but what was wrong is one line, without the usage before it."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message} (see python -m demo --help)\n")


def parser() -> argparse.ArgumentParser:
    """The parser of the command."""
    command = _Parser("demo", description=_DESCRIPTION)
    command.add_argument(
        "--serve", action="store_true", help="a site to click at, until Ctrl-C; no story"
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


def _url(text: str) -> str:
    try:
        parts = urlsplit(text)
        complete = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        complete = False
    if not complete:
        raise argparse.ArgumentTypeError(f"{text!r}: write http://HOST:PORT or https://HOST")
    return text
