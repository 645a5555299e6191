"""What ``peek``, ``reset``, ``block`` and ``charge`` take."""

from __future__ import annotations

import argparse
from typing import Any

from ratelimit_ddb.cli import keys
from ratelimit_ddb.cli.limit_arguments import HELP
from ratelimit_ddb.cli.table_arguments import add_table

_COMMANDS = (
    ("peek", keys.run_peek, "say what a request of a key would be told, taking nothing"),
    ("reset", keys.run_reset, "delete a key's item, so that all its limits begin anew"),
    ("block", keys.run_block, "deny every request of a key for some time"),
    ("charge", keys.run_charge, "take tokens of a key, whether they are there or not"),
)
_RULE = """\
The key is given as the table holds it, with the limits; or by a rule and who it is about: --rules
FILE --rule NAME IDENTITY. Then it is built and digested as the rule does it, and the limits are the
rule's."""
_IDENTITY = """\
the key, such as user-123; with --rule, who it is: an address, an API key, a cookie's value, a
user's id, as clients send it, or - for a line of stdin; none where the rule is about everyone;
where it has a function of the application's, the parts that this gives"""


def add_keys(commands: argparse._SubParsersAction[Any]) -> None:
    """Add the commands on a key."""
    for name, run, about in _COMMANDS:
        described = f"{about.capitalize()}. {_RULE}"
        # Whole names only: what blocks and charges is not guessed.
        command = commands.add_parser(name, help=about, description=described, allow_abbrev=False)
        command.add_argument("identity", metavar="KEY|IDENTITY", nargs="*", help=_IDENTITY)
        _add_rule(command, has_slots=name in ("peek", "reset"))
        if name != "reset":
            _add_limits(command)
        if name in ("peek", "charge"):
            command.add_argument(
                "--cost",
                type=_whole,
                metavar="N",
                required=name == "charge",
                help="tokens" if name == "charge" else "of the request (default: the rule's, or 1)",
            )
        if name == "block":
            command.add_argument(
                "--for",
                required=True,
                dest="blocks_for",
                metavar="TIME",
                help='seconds, or such as "10 minutes"',
            )
        command.add_argument(
            "--namespace", default="", metavar="NAME", help="the limiter's (default: none)"
        )
        add_table(command, json="print JSON, a line for each key")
        command.set_defaults(run=run)


def _add_rule(command: argparse.ArgumentParser, *, has_slots: bool) -> None:
    command.add_argument(
        "--rules",
        metavar="FILE",
        help="the application's rules file, or MODULE:NAME of its code, which is imported",
    )
    command.add_argument("--rule", metavar="NAME", help="the rule of it that is meant")
    command.add_argument(
        "--otherwise",
        action="count",
        default=0,
        help="the identity is that of the rule's otherwise, such as an address without an API key",
    )
    command.add_argument(
        "--endpoint", metavar="ROUTE", help='the route, for rules with scope = "endpoint"'
    )
    which = command.add_mutually_exclusive_group()
    which.add_argument(
        "--messages", action="store_true", help="the rule's limits on a websocket's messages"
    )
    if has_slots:
        which.add_argument(
            "--in-flight", action="store_true", help="the slots of the rule's concurrency limit"
        )


def _add_limits(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--limit", dest="limits", action="append", default=[], metavar="LIMIT", help=HELP
    )
    command.add_argument(
        "--stored-name",
        metavar="NAME",
        help="the name of the stored limits, where the rule has a function for it",
    )


def _whole(text: str) -> int:
    if not (text.isascii() and text.isdecimal()) or len(text) > 18:
        raise argparse.ArgumentTypeError(f"{text!r}: must be an int from 0, such as 5")
    return int(text)
