"""What ``top`` takes."""

from __future__ import annotations

import argparse
import math
from typing import Any

from ratelimit_ddb.cli import top
from ratelimit_ddb.cli.scan_arguments import add_scan
from ratelimit_ddb.slot_limit import MOST_SLOTS, SlotLimit

_TOP = """\
Show the keys of a table that are used most. By share: how much of its limits a key has used now, by
the limit of which most is used; 100% is all, more is owed, by a charge or a block. By writes: how
often a key's item was written since it was made. By slots: how many requests it has under way now,
of a concurrency limit; how many there may be, the table does not tell. The whole table is read, no
faster than --read-units-per-second, for which dynamodb:Scan must be allowed; an application does
not need it. Keys that are digests are shown as digests. Interrupted, it shows what it has found."""


def add_top(commands: argparse._SubParsersAction[Any]) -> None:
    """Add ``top``."""
    command = commands.add_parser("top", help="show the most used keys", description=_TOP)
    command.add_argument(
        "--count", type=_count, default=20, metavar="N", help="so many (default: %(default)s)"
    )
    command.add_argument(
        "--by",
        choices=("share", "writes", "slots"),
        default="share",
        help="what used most means (default: %(default)s)",
    )
    command.add_argument(
        "--watch",
        type=_seconds,
        metavar="SECONDS",
        help="look again so often, and tell the writes a second since the last look",
    )
    command.add_argument(
        "--prefix",
        default="",
        metavar="TEXT",
        help="of keys that begin so, such as a rule's login:",
    )
    command.add_argument(
        "--namespace", default="", metavar="NAME", help="of a namespace's keys only (default: all)"
    )
    command.add_argument(
        "--limit",
        dest="limits",
        action="append",
        default=[],
        metavar="NAME=LIMIT",
        help="what a limit is that has a name of its own, such as plan=100/minute",
    )
    command.add_argument(
        "--in-flight",
        type=_slot_limit,
        metavar="N",
        help="how many slots a key has, to tell the share; with --prefix, of one rule",
    )
    add_scan(command)
    command.set_defaults(run=top.run_top)


def _count(text: str) -> int:
    if not (text.isascii() and text.isdecimal()) or not 1 <= int(text[:9]) <= 10_000:
        raise argparse.ArgumentTypeError(f"{text!r}: must be an int from 1 to 10000")
    return int(text)


def _slot_limit(text: str) -> SlotLimit:
    try:
        return SlotLimit(int(text))
    except ValueError:
        wrong = f"{text!r}: must be an int from 1 to {MOST_SLOTS}"
        raise argparse.ArgumentTypeError(wrong) from None


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 1 <= seconds <= 86_400:
        raise argparse.ArgumentTypeError(f"{text!r}: must be seconds, from 1 to 86400")
    return seconds
