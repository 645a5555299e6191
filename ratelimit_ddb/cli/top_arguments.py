"""The arguments of ``top``."""

from __future__ import annotations

import argparse
from typing import Any

from ddbwire.shared.command_line.numbers import decimal_number, whole_number
from ratelimit_ddb.cli import top
from ratelimit_ddb.cli.scan_arguments import add_scan
from ratelimit_ddb.slot_limit import MOST_SLOTS, SlotLimit

_TOP = """\
Show the most used keys of a table. By share: the used share of the key's most used limit; 100% is
all of it, more is a debt of a charge or a block. By writes: how often the key's item was written
since it was created. By slots: how many slots of a concurrency limit are held. This scans the whole
table, at --read-units-per-second at most, and needs dynamodb:Scan, which an application does not
need. Keys that are digests are shown as digests. If interrupted, it shows what it has found."""


def add_top(commands: argparse._SubParsersAction[Any]) -> None:
    """Add ``top``."""
    command = commands.add_parser("top", help="show the most used keys", description=_TOP)
    command.add_argument(
        "--count", type=_count, default=20, metavar="N", help="how many keys (default: %(default)s)"
    )
    command.add_argument(
        "--by",
        choices=("share", "writes", "slots"),
        default="share",
        help="the order (default: %(default)s)",
    )
    command.add_argument(
        "--watch",
        type=_seconds,
        metavar="SECONDS",
        help="scan again every so many seconds, and show the writes a second in between",
    )
    command.add_argument(
        "--prefix",
        default="",
        metavar="TEXT",
        help="only keys that begin with this, such as login: for the rule login",
    )
    command.add_argument(
        "--namespace", default="", metavar="NAME", help="only keys of this namespace (default: all)"
    )
    command.add_argument(
        "--limit",
        dest="limits",
        action="append",
        default=[],
        metavar="NAME=LIMIT",
        help="a limit that has a name of its own, such as plan=100/minute",
    )
    command.add_argument(
        "--in-flight",
        type=_slot_limit,
        metavar="N",
        help="how many slots a key has, to compute the share; use it with --prefix for one rule",
    )
    add_scan(command)
    command.set_defaults(run=top.run_top)


def _count(text: str) -> int:
    return whole_number(text, least=1, most=10_000)


def _slot_limit(text: str) -> SlotLimit:
    return SlotLimit(whole_number(text, least=1, most=MOST_SLOTS))


def _seconds(text: str) -> float:
    rule = "must be seconds, from 1 to 86400"
    return decimal_number(text, least=1, most=86_400, rule=rule)
