"""The subcommands and options of ``ratelimit-ddb``, and their help."""

from __future__ import annotations

import argparse
import importlib.metadata

from ddbwire.shared.command_line.arguments import Parser, add_endpoint
from ratelimit_ddb.cli import check, limits, tables
from ratelimit_ddb.cli.cost_arguments import add_cost
from ratelimit_ddb.cli.key_arguments import add_keys
from ratelimit_ddb.cli.rules_arguments import add_rules
from ratelimit_ddb.cli.scan_arguments import add_scan
from ratelimit_ddb.cli.table_arguments import add_table
from ratelimit_ddb.cli.top_arguments import add_top

_DESCRIPTION = "Exact distributed rate limits on Amazon DynamoDB."
_TABLES_CREATE = """\
Create the tables of an environment, for development; for production use infra/. An existing table
with the same keys is not changed, except that TTL is enabled if it is disabled. A loopback
endpoint, such as DynamoDB Local's, needs neither credentials nor a region."""
_CHECK = """\
Check whether a limiter can use a table: whether it exists, its key schema and TTL, whether this
role may read, write and delete its items, and how far this host's clock is from the table's. It
changes nothing. The exit code is 1 if anything is wrong."""
_LIMITS_LIST = """\
List the names under which limits are stored, with the limits and when they were changed. This scans
the whole table, at --read-units-per-second at most, and needs dynamodb:Scan, which an application
does not need."""


def parser() -> argparse.ArgumentParser:
    """The parser of the command. Its namespaces have ``run``, the function of the subcommand."""
    whole = Parser("ratelimit-ddb", description=_DESCRIPTION)
    version = importlib.metadata.version("ratelimit-ddb")
    whole.add_argument("--version", action="version", version=f"ratelimit-ddb {version}")
    commands = whole.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add_tables(commands)
    add_cost(commands)
    _add_limits(commands)
    add_rules(commands)
    add_keys(commands)
    add_top(commands)
    _add_check(commands)
    return whole


def _add_tables(commands: argparse._SubParsersAction[Parser]) -> None:
    command = commands.add_parser("tables", help="create the tables, for development")
    actions = command.add_subparsers(title="commands", metavar="COMMAND", required=True)
    create = actions.add_parser(
        "create", help="create the missing tables", description=_TABLES_CREATE
    )
    add_endpoint(create)
    create.add_argument(
        "--prefix", default="quikapp", help="first part of the names (default: %(default)s)"
    )
    create.add_argument(
        "--environment",
        default="dev",
        metavar="NAME",
        help="second part of the names (default: %(default)s)",
    )
    create.add_argument(
        "--single-table",
        nargs="?",
        const="PK,SK",
        metavar="PK,SK",
        help=(
            "also create a table for a single-table design, with these keys (default: PK,SK); "
            "with --table, create only that one"
        ),
    )
    create.add_argument(
        "--table", metavar="NAME", help="create only one table, of this name, for rate limits"
    )
    create.add_argument(
        "--sessions-table",
        metavar="NAME",
        help="create only one table, of this name, for sessions; with --table, both",
    )
    create.set_defaults(run=tables.run)


def _add_limits(commands: argparse._SubParsersAction[Parser]) -> None:
    command = commands.add_parser("limits", help="store limits in the table, by name")
    actions = command.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name, run, about in (
        ("set", limits.run_set, "store limits under a name"),
        ("show", limits.run_show, "show what is stored under a name"),
        ("delete", limits.run_delete, "delete what is stored; the default limits apply again"),
    ):
        action = actions.add_parser(name, help=about)
        action.add_argument("name", metavar="NAME", help="such as plan:pro")
        if name == "set":
            action.add_argument("limits", metavar="LIMIT", nargs="+", help="such as 1000/minute")
        action.add_argument(
            "--namespace",
            default="",
            metavar="NAME",
            help="the limiters' namespace (default: none)",
        )
        add_table(action)
        action.set_defaults(run=run)
    listing = actions.add_parser("list", help="list all names", description=_LIMITS_LIST)
    listing.add_argument(
        "--namespace",
        default="",
        metavar="NAME",
        help="only names of this namespace (default: all)",
    )
    add_scan(listing)
    listing.set_defaults(run=limits.run_list)


def _add_check(commands: argparse._SubParsersAction[Parser]) -> None:
    command = commands.add_parser("check", help="check a table", description=_CHECK)
    add_table(command)
    command.set_defaults(run=check.run_check)
