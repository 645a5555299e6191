"""What the command takes: subcommands, options, and their help."""

from __future__ import annotations

import argparse
import dataclasses
import importlib.metadata

from ddbwire.command_line.arguments import Parser, add_endpoint
from ratelimit_ddb.cli import check, cost, limits, tables
from ratelimit_ddb.cli.key_arguments import add_keys
from ratelimit_ddb.cli.scan_arguments import add_scan
from ratelimit_ddb.cli.table_arguments import add_table
from ratelimit_ddb.cli.top_arguments import add_top
from ratelimit_ddb.pricing.bill import TableLoad
from ratelimit_ddb.pricing.prices import PRICES

_DESCRIPTION = "Exact distributed rate limits on Amazon DynamoDB."
_TABLES_CREATE = """\
Create the tables of an environment, for development; infra/ provisions production. A table that is
there already is left as it is, but for TTL, which is turned on if it is off. On a loopback
endpoint, such as DynamoDB Local's, neither credentials nor a region need be configured."""

_COST = """\
Say what a load costs on DynamoDB, on demand and provisioned side by side: a limiter's from the
least, with every denial from memory, to the most it can be; sessions and any other table by what is
asked of them. The prices are those of ratelimit_ddb/pricing/prices.py, or given here."""
_CHECK = """\
Check whether a limiter could work on a table: that it is there, its key schema and its TTL, that it
may be read, written and deleted from, and how far this host's clock is from its. It changes nothing
there. It ends with 1 where something is wrong."""
_LIMITS_LIST = """\
List the names under which limits are stored, with the limits and when they were changed. The whole
table is read, no faster than --read-units-per-second, for which dynamodb:Scan must be allowed; an
application does not need it."""
_LOADS = ", ".join(field.name for field in dataclasses.fields(TableLoad)[1:])


def parser() -> argparse.ArgumentParser:
    """The parser of the whole command. What it parses has ``run``, the subcommand's function."""
    whole = Parser("ratelimit-ddb", description=_DESCRIPTION)
    version = importlib.metadata.version("ratelimit-ddb")
    whole.add_argument("--version", action="version", version=f"ratelimit-ddb {version}")
    commands = whole.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add_tables(commands)
    _add_cost(commands)
    _add_limits(commands)
    add_keys(commands)
    add_top(commands)
    _add_check(commands)
    return whole


def _add_tables(commands: argparse._SubParsersAction[Parser]) -> None:
    command = commands.add_parser("tables", help="create the tables, for development")
    actions = command.add_subparsers(title="commands", metavar="COMMAND", required=True)
    create = actions.add_parser(
        "create", help="create those that are missing", description=_TABLES_CREATE
    )
    add_endpoint(create)
    create.add_argument(
        "--prefix", default="quikapp", help="first part of their names (default: %(default)s)"
    )
    create.add_argument(
        "--environment",
        default="dev",
        metavar="NAME",
        help="second part of their names (default: %(default)s)",
    )
    create.add_argument(
        "--single-table",
        nargs="?",
        const="PK,SK",
        metavar="PK,SK",
        help=(
            "create one more, for a single-table design, with these keys (PK,SK unless given); "
            "with --table that one alone"
        ),
    )
    create.add_argument(
        "--table", metavar="NAME", help="create just one table of that name, for rate limits"
    )
    create.set_defaults(run=tables.run)


def _add_limits(commands: argparse._SubParsersAction[Parser]) -> None:
    command = commands.add_parser("limits", help="limits by name in the table")
    actions = command.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name, run, about in (
        ("set", limits.run_set, "store limits under a name"),
        ("show", limits.run_show, "show what is stored under a name"),
        ("delete", limits.run_delete, "delete it, so that the default holds"),
    ):
        action = actions.add_parser(name, help=about)
        action.add_argument("name", metavar="NAME", help="such as plan:pro")
        if name == "set":
            action.add_argument("limits", metavar="LIMIT", nargs="+", help="such as 1000/minute")
        action.add_argument(
            "--namespace", default="", metavar="NAME", help="the limiters' (default: none)"
        )
        add_table(action)
        action.set_defaults(run=run)
    listing = actions.add_parser("list", help="list all names", description=_LIMITS_LIST)
    listing.add_argument(
        "--namespace", default="", metavar="NAME", help="of a namespace's only (default: all)"
    )
    add_scan(listing)
    listing.set_defaults(run=limits.run_list)


def _add_check(commands: argparse._SubParsersAction[Parser]) -> None:
    command = commands.add_parser("check", help="whether a table can be used", description=_CHECK)
    add_table(command)
    command.set_defaults(run=check.run_check)


def _add_cost(commands: argparse._SubParsersAction[Parser]) -> None:
    command = commands.add_parser("cost", help="what a load costs on DynamoDB", description=_COST)
    command.add_argument(
        "--requests-per-second",
        type=_positive,
        metavar="N",
        help="decisions of a limiter, on the mean",
    )
    command.add_argument(
        "--denied",
        type=_share,
        default=0.0,
        metavar="SHARE",
        help='of them, such as 0.2 or "20%%" (default: none)',
    )
    command.add_argument(
        "--limits", type=_count, default=1, metavar="N", help="on each key (default: %(default)s)"
    )
    command.add_argument(
        "--decisions-per-write",
        type=_factor,
        default=1.0,
        metavar="N",
        help="that one write serves, where hot keys are leased (default: %(default)s)",
    )
    _add_tables_loads(command)
    command.add_argument(
        "--peak",
        type=_factor,
        default=1.0,
        metavar="FACTOR",
        help="the busiest second over the mean, for provisioned capacity (default: %(default)s)",
    )
    command.add_argument(
        "--utilization",
        type=_used_share,
        default=0.7,
        metavar="SHARE",
        help="of provisioned capacity that is meant to be used (default: %(default)s)",
    )
    command.add_argument(
        "--least",
        type=_units,
        default=1,
        metavar="UNITS",
        help="that each table and index is provisioned with (default: %(default)s)",
    )
    _add_prices(command)
    command.add_argument(
        "--format",
        choices=("text", "json", "svg"),
        default="text",
        help="text for a table, svg for a picture (default: %(default)s)",
    )
    command.add_argument("--output", metavar="FILE", help="write to a file")
    command.set_defaults(run=cost.run, refuse=command.error)


def _add_tables_loads(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--sessions-per-second", type=_positive, metavar="N", help="requests with a session"
    )
    command.add_argument(
        "--session-changes",
        type=_share,
        default=0.0,
        metavar="SHARE",
        help="of them that change something (default: none)",
    )
    command.add_argument(
        "--logins-per-second", type=_positive, default=0.0, metavar="N", help="(default: none)"
    )
    command.add_argument(
        "--session-kb",
        type=_positive,
        default=1.0,
        metavar="KB",
        help="the size of a session (default: %(default)s)",
    )
    command.add_argument(
        "--load",
        type=_table_load,
        action="append",
        default=[],
        metavar="TABLE:NAME=NUMBER,...",
        help=f"another table, such as media_metadata:reads=20,writes=5,kb=2,gb=10; {_LOADS}",
    )
    command.add_argument(
        "--replicas",
        type=_count,
        default=0,
        metavar="N",
        help="regions beside the first, of all tables but rate limits (default: none)",
    )
    command.add_argument(
        "--recovery", action="store_true", help="point-in-time recovery of all tables"
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
        help="on demand, instead of the set's",
    )
    command.add_argument(
        "--write-unit-hour",
        type=_price,
        metavar="DOLLARS",
        help="provisioned, instead of the set's",
    )


def _amount(text: str, *, least: float, most: float, is_open: bool, rule: str) -> float:
    percent = text.endswith("%")
    try:
        value = float(text.removesuffix("%")) / (100 if percent else 1)
    except ValueError:
        value = float("nan")
    if not (least < value if is_open else least <= value) or not value <= most:
        raise argparse.ArgumentTypeError(f"{text!r}: {rule}")
    return value


def _positive(text: str) -> float:
    rule = "must be a number above 0, at most a billion"
    return _amount(text, least=0, most=1e9, is_open=True, rule=rule)


def _share(text: str) -> float:
    rule = "must be a share from 0 to 1, or from 0% to 100%"
    return _amount(text, least=0, most=1, is_open=False, rule=rule)


def _used_share(text: str) -> float:
    rule = "must be a share above 0 and at most 1, or 100%"
    return _amount(text, least=0, most=1, is_open=True, rule=rule)


def _factor(text: str) -> float:
    rule = "must be a factor from 1 to 1000"
    return _amount(text, least=1, most=1_000, is_open=False, rule=rule)


def _price(text: str) -> float:
    rule = "dollars, from 0 to a million, are needed"
    return _amount(text, least=0, most=1e6, is_open=False, rule=rule)


def _count(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 100:
        raise argparse.ArgumentTypeError(f"{text!r}: must be an int from 1 to 100")
    return int(text)


def _units(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 40_000:
        raise argparse.ArgumentTypeError(f"{text!r}: must be an int from 1 to 40000")
    return int(text)


def _table_load(text: str) -> TableLoad:
    """``media_metadata:reads=20,writes=5,kb=2``."""
    table, colon, pairs = text.partition(":")
    if not table or not colon:
        raise argparse.ArgumentTypeError(f"{text!r}: write TABLE:NAME=NUMBER,NAME=NUMBER")
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
        numbers[name] = _amount(
            number, least=0, most=1e9, is_open=False, rule=f"{name} must be a number from 0"
        )
    replicas, recovery = int(numbers.pop("replicas", 0)), bool(numbers.pop("recovery", 0))
    return TableLoad(table, replicas=replicas, recovery=recovery, **numbers)
