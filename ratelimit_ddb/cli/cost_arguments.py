"""The options of ``cost``: loads, prices, and the output."""

from __future__ import annotations

import argparse
import dataclasses
import re

from ddbwire.shared.command_line.arguments import Parser
from ddbwire.shared.command_line.numbers import decimal_number, whole_number
from ratelimit_ddb.cli import cost
from ratelimit_ddb.pricing.bill import MAX_ITEM_KB, TableLoad
from ratelimit_ddb.pricing.prices import PRICES

_COST = """\
Print what a load costs on DynamoDB, on demand and provisioned: for a limiter from the least, with
every denial from memory, to the most; for sessions and other tables by their reads and writes. The
prices are those of ratelimit_ddb/pricing/prices.py, unless given by options."""
_LOADS = ", ".join(field.name for field in dataclasses.fields(TableLoad)[1:])
_TABLE_NAME = re.compile(r"(?!total\Z)[A-Za-z0-9_.-]{1,255}", re.ASCII)
_MAX_REPLICAS = 100
_BILLION = 1e9


def add_cost(commands: argparse._SubParsersAction[Parser]) -> None:
    """Add the subcommand."""
    command = commands.add_parser("cost", help="estimate the cost of a load", description=_COST)
    _add_limiter_load(command)
    _add_session_load(command)
    _add_table_loads(command)
    command.add_argument(
        "--peak",
        type=_factor,
        default=1.0,
        metavar="FACTOR",
        help="the busiest second divided by the mean, for provisioned capacity "
        "(default: %(default)s)",
    )
    command.add_argument(
        "--utilization",
        type=_used_share,
        default=0.7,
        metavar="SHARE",
        help="the target utilization of provisioned capacity (default: %(default)s)",
    )
    command.add_argument(
        "--least",
        type=_units,
        default=1,
        metavar="UNITS",
        help="the minimum capacity of each table and index (default: %(default)s)",
    )
    _add_prices(command)
    command.add_argument(
        "--format",
        choices=("text", "json", "svg"),
        default="text",
        help="the output format (default: %(default)s)",
    )
    command.add_argument("--output", metavar="FILE", help="write to a file")
    command.set_defaults(run=cost.run, refuse=command.error, default_of=command.get_default)


def _add_limiter_load(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--requests-per-second",
        type=_positive,
        metavar="N",
        help="a limiter's decisions, on average",
    )
    command.add_argument(
        "--denied",
        type=_share,
        default=0.0,
        metavar="SHARE",
        help='the share of decisions that are denials, such as 0.2 or "20%%" (default: none)',
    )
    command.add_argument(
        "--limits",
        type=_count,
        default=1,
        metavar="N",
        help="the number of limits on each key (default: %(default)s)",
    )
    command.add_argument(
        "--decisions-per-write",
        type=_factor,
        default=1.0,
        metavar="N",
        help="decisions for each write, with leases of hot keys (default: %(default)s)",
    )


def _add_session_load(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--sessions-per-second", type=_positive, metavar="N", help="requests with a session"
    )
    command.add_argument(
        "--session-changes",
        type=_share,
        default=0.0,
        metavar="SHARE",
        help="the share of those requests that write the session: that change it, or are its first "
        "use in a tenth of its idle timeout (default: none)",
    )
    command.add_argument(
        "--logins-per-second", type=_rate, default=0.0, metavar="N", help="logins (default: none)"
    )
    command.add_argument(
        "--session-kb",
        type=_item_kb,
        default=1.0,
        metavar="KB",
        help="the size of a session (default: %(default)s)",
    )
    command.add_argument(
        "--session-gb",
        type=_rate,
        default=0.0,
        metavar="GB",
        help="the size of the table of sessions (default: none)",
    )


def _add_table_loads(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--load",
        type=_table_load,
        action="append",
        default=[],
        metavar="TABLE:NAME=NUMBER,...",
        help=f"the load of another table, such as media_metadata:reads=20,writes=5,kb=2,gb=10; the "
        f"names are {_LOADS}",
    )
    command.add_argument(
        "--replicas",
        type=_replicas,
        default=0,
        metavar="N",
        help="additional regions of all tables except rate limits (default: none)",
    )
    command.add_argument(
        "--recovery", action="store_true", help="add point-in-time recovery of all tables"
    )


def _add_prices(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--prices",
        choices=sorted(PRICES),
        default="list",
        help=", ".join(f"{name}: {prices.known_since}" for name, prices in PRICES.items()),
    )
    command.add_argument(
        "--write-per-million",
        type=_price,
        metavar="DOLLARS",
        help="the on-demand price, instead of that of --prices",
    )
    command.add_argument(
        "--write-unit-hour",
        type=_price,
        metavar="DOLLARS",
        help="the provisioned price, instead of that of --prices",
    )


def _part_of_one(text: str, *, rule: str, is_open: bool = False) -> float:
    """A share, written as a number or as a percentage."""
    number = text.removesuffix("%")
    whole = 1 if number == text else 100
    try:
        return decimal_number(number, least=0, most=whole, rule=rule, is_open=is_open) / whole
    except argparse.ArgumentTypeError as refused:
        raise argparse.ArgumentTypeError(f"{text!r}: {rule}") from refused


def _positive(text: str) -> float:
    rule = "must be a number above 0, at most a billion"
    return decimal_number(text, least=0, most=_BILLION, is_open=True, rule=rule)


def _rate(text: str, of: str = "") -> float:
    rule = f"{of}must be a number from 0 to a billion"
    return decimal_number(text, least=0, most=_BILLION, rule=rule)


def _item_kb(text: str, of: str = "") -> float:
    rule = f"{of}must be KB above 0, at most {MAX_ITEM_KB}: DynamoDB takes no larger item"
    return decimal_number(text, least=0, most=MAX_ITEM_KB, is_open=True, rule=rule)


def _share(text: str) -> float:
    return _part_of_one(text, rule="must be a share from 0 to 1, or from 0% to 100%")


def _used_share(text: str) -> float:
    return _part_of_one(text, rule="must be a share above 0 and at most 1, or 100%", is_open=True)


def _factor(text: str) -> float:
    return decimal_number(text, least=1, most=1_000, rule="must be a factor from 1 to 1000")


def _price(text: str) -> float:
    return decimal_number(text, least=0, most=1e6, rule="must be dollars from 0 to a million")


def _count(text: str) -> int:
    return whole_number(text, least=1, most=100)


def _replicas(text: str, of: str = "") -> int:
    rule = f"{of}must be an int from 0 to {_MAX_REPLICAS}"
    return whole_number(text, least=0, most=_MAX_REPLICAS, rule=rule)


def _units(text: str) -> int:
    return whole_number(text, least=1, most=40_000)


def _yes_or_no(text: str, of: str = "") -> bool:
    return bool(whole_number(text, least=0, most=1, rule=f"{of}must be 0 or 1"))


_TYPES = {
    "kb": _item_kb,
    "index_kb": _item_kb,
    "replicas": _replicas,
    "recovery": _yes_or_no,
}
"""How the numbers of ``--load`` are parsed that are not rates."""


def _table_load(text: str) -> cost.GivenLoad:
    """``media_metadata:reads=20,writes=5,kb=2``."""
    table, colon, pairs = text.partition(":")
    if not colon:
        raise argparse.ArgumentTypeError(f"{text!r}: write TABLE:NAME=NUMBER,NAME=NUMBER")
    if not _TABLE_NAME.fullmatch(table):
        raise argparse.ArgumentTypeError(
            f"{text!r}: the table's name must be 1 to 255 letters, digits, '_', '.' or '-', "
            "and not 'total'"
        )
    numbers: dict[str, float] = {}
    names = {field.name for field in dataclasses.fields(TableLoad)} - {"table"}
    for pair in pairs.split(","):
        name, _, number = pair.partition("=")
        if name not in names:
            raise argparse.ArgumentTypeError(
                f"{text!r}: unknown {name!r}; expected one of {_LOADS}"
            )
        if name in numbers:
            raise argparse.ArgumentTypeError(f"{text!r}: {name} is given twice")
        numbers[name] = _TYPES.get(name, _rate)(number, f"{name} ")
    given = frozenset(numbers)
    replicas, recovery = int(numbers.pop("replicas", 0)), bool(numbers.pop("recovery", False))
    return cost.GivenLoad(TableLoad(table, replicas=replicas, recovery=recovery, **numbers), given)
