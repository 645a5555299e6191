"""The arguments of ``peek``, ``reset``, ``block`` and ``charge``."""

from __future__ import annotations

import argparse
from typing import Any

from ddbwire.shared.command_line.numbers import whole_number
from ratelimit_ddb.cli import keys
from ratelimit_ddb.cli.limit_arguments import HELP
from ratelimit_ddb.cli.table_arguments import add_table

_COMMANDS = (
    ("peek", keys.run_peek, "show the decision on a key's next request, without taking tokens"),
    ("reset", keys.run_reset, "delete a key's item, so that all its limits are full again"),
    ("block", keys.run_block, "deny every request of a key for some time"),
    ("charge", keys.run_charge, "take tokens of a key, even if it does not have that many"),
)
_RULE = """\
Give the key as it is stored in the table, and the limits; or a rule and an identity: --rules FILE
--rule NAME IDENTITY. The rule then makes the key of the identity, and the limits are the rule's."""
_IDENTITY = """\
the key, such as user-123; with --rule, the identity as clients send it: an address, an API key, a
cookie's value or a user's id, or - to read a line of stdin; nothing for a rule that applies to
everyone; for a rule with a function of the application, the parts that the function returns"""


def add_keys(commands: argparse._SubParsersAction[Any]) -> None:
    """Add the commands on a key."""
    for name, run, about in _COMMANDS:
        described = f"{about.capitalize()}. {_RULE}"
        # No abbreviations: an option of a command that blocks or charges must not be guessed.
        command = commands.add_parser(name, help=about, description=described, allow_abbrev=False)
        command.add_argument("identity", metavar="KEY|IDENTITY", nargs="*", help=_IDENTITY)
        _add_rule(command, has_slots=name in ("peek", "reset"))
        if name != "reset":
            _add_limits(command)
        if name in ("peek", "charge"):
            command.add_argument(
                "--cost",
                type=_tokens,
                metavar="N",
                required=name == "charge",
                help=(
                    "the tokens to take"
                    if name == "charge"
                    else "the cost of the request (default: the rule's, or 1)"
                ),
            )
        if name == "block":
            command.add_argument(
                "--for",
                required=True,
                dest="blocks_for",
                metavar="TIME",
                help='how long: a number of seconds, or a text such as "10 minutes"',
            )
        command.add_argument(
            "--namespace",
            default="",
            metavar="NAME",
            help="the limiter's namespace (default: none)",
        )
        add_table(command, json="print JSON, a line for each key")
        command.set_defaults(run=run)


def _add_rule(command: argparse.ArgumentParser, *, has_slots: bool) -> None:
    command.add_argument(
        "--rules",
        metavar="FILE",
        help="the application's rules file, or MODULE:NAME in its code, which is imported",
    )
    command.add_argument("--rule", metavar="NAME", help="the name of the rule in --rules")
    command.add_argument(
        "--otherwise",
        action="count",
        default=0,
        help="the identity is for the rule's `otherwise`, such as an address instead of an API key",
    )
    command.add_argument(
        "--endpoint", metavar="ROUTE", help='the route, for a rule with scope = "endpoint"'
    )
    which = command.add_mutually_exclusive_group()
    which.add_argument(
        "--messages", action="store_true", help="use the rule's limits of websocket messages"
    )
    if has_slots:
        which.add_argument(
            "--in-flight", action="store_true", help="use the rule's concurrency limit"
        )


def _add_limits(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--limit", dest="limits", action="append", default=[], metavar="LIMIT", help=HELP
    )
    command.add_argument(
        "--stored-name",
        metavar="NAME",
        help="the name of the stored limits, for a rule that has a function for it",
    )


def _tokens(text: str) -> int:
    return whole_number(text, least=0, most=10**18, rule="must be an int from 0, such as 5")
