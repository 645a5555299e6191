"""What the command takes: subcommands, options, and their help."""

from __future__ import annotations

import argparse
import importlib.metadata

from ddbwire.command_line.arguments import Parser, add_endpoint
from ratelimit_ddb.cli import check, limits, tables
from ratelimit_ddb.cli.cost_arguments import add_cost
from ratelimit_ddb.cli.key_arguments import add_keys
from ratelimit_ddb.cli.scan_arguments import add_scan
from ratelimit_ddb.cli.table_arguments import add_table
from ratelimit_ddb.cli.top_arguments import add_top

_DESCRIPTION = "Exact distributed rate limits on Amazon DynamoDB."
_TABLES_CREATE = """\
Create the tables of an environment, for development; infra/ provisions production. A table that is
there already is left as it is, but for TTL, which is turned on if it is off. On a loopback
endpoint, such as DynamoDB Local's, neither credentials nor a region need be configured."""
_CHECK = """\
Check whether a limiter could work on a table: that it is there, its key schema and its TTL, that it
may be read, written and deleted from, and how far this host's clock is from its. It changes nothing
there. It ends with 1 where something is wrong."""
_LIMITS_LIST = """\
List the names under which limits are stored, with the limits and when they were changed. The whole
table is read, no faster than --read-units-per-second, for which dynamodb:Scan must be allowed; an
application does not need it."""


def parser() -> argparse.ArgumentParser:
    """The parser of the whole command. What it parses has ``run``, the subcommand's function."""
    whole = Parser("ratelimit-ddb", description=_DESCRIPTION)
    version = importlib.metadata.version("ratelimit-ddb")
    whole.add_argument("--version", action="version", version=f"ratelimit-ddb {version}")
    commands = whole.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add_tables(commands)
    add_cost(commands)
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
