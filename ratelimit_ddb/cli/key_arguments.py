"""What ``peek``, ``reset``, ``block`` and ``charge`` take."""

from __future__ import annotations

import argparse
from typing import Any

from ratelimit_ddb.cli import keys
from ratelimit_ddb.cli.endpoint_arguments import add_endpoint

_COMMANDS = (
    ("peek", keys.run_peek, "say what a request of a key would be told, taking nothing"),
    ("reset", keys.run_reset, "delete a key's item, so that all its limits begin anew"),
    ("block", keys.run_block, "deny every request of a key for some time"),
    ("charge", keys.run_charge, "take tokens of a key, whether they are there or not"),
)


def add_keys(commands: argparse._SubParsersAction[Any]) -> None:
    """Add the commands on a key."""
    for name, run, about in _COMMANDS:
        command = commands.add_parser(name, help=about, description=f"{about.capitalize()}.")
        command.add_argument("key", metavar="KEY", help="as the table holds it, such as user-123")
        if name != "reset":
            _add_limits(command)
        if name in ("peek", "charge"):
            command.add_argument(
                "--cost",
                type=_whole,
                metavar="N",
                required=name == "charge",
                default=None if name == "charge" else 1,
                help="tokens" if name == "charge" else "of the request (default: %(default)s)",
            )
        if name == "block":
            command.add_argument(
                "--for",
                required=True,
                dest="blocks_for",
                metavar="TIME",
                help='seconds, or such as "10 minutes"',
            )
        command.add_argument("--table", required=True, metavar="NAME", help="the limiter's table")
        command.add_argument(
            "--namespace", default="", metavar="NAME", help="the limiter's (default: none)"
        )
        command.add_argument("--json", action="store_true", help="print JSON")
        add_endpoint(command)
        command.set_defaults(run=run)


def _add_limits(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--limit",
        dest="limits",
        action="append",
        default=[],
        metavar="LIMIT",
        help="the limiter's, such as 100/minute; several may be given",
    )


def _whole(text: str) -> int:
    if not (text.isascii() and text.isdecimal()) or len(text) > 18:
        raise argparse.ArgumentTypeError(f"{text!r}: must be an int from 0, such as 5")
    return int(text)
