"""The arguments of ``rules``."""

from __future__ import annotations

import argparse
from typing import Any

_RULES = """\
Check the rules, and list them: all, or those that match a request of --method and --path. Mistakes
are told with their lines. The exit code is 2 if there are any, and 1 if no rule matches. It needs
no table, and the functions that a file names are not called."""


def add_rules(commands: argparse._SubParsersAction[Any]) -> None:
    """Add ``rules``."""
    command = commands.add_parser("rules", help="check and list rules", description=_RULES)
    command.add_argument(
        "rules",
        metavar="FILE",
        help="the rules file, or MODULE:NAME in the application's code, which is imported",
    )
    command.add_argument("--method", metavar="NAME", help="a request's method, such as POST")
    command.add_argument("--path", metavar="PATH", help="a request's path, such as /users/42")
    command.add_argument("--json", action="store_true", help="print JSON")
    command.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> bool:
    from ratelimit_ddb.cli.rules import run_rules  # it imports all of web

    return run_rules(options)
