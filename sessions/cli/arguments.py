"""The arguments of the command: subcommands, options, and their help."""

from __future__ import annotations

import argparse
import importlib.metadata
from collections.abc import Sequence

from ddbwire.shared.command_line.arguments import Parser, add_table
from sessions.cli import check, user_sessions
from sessions.cookie.token import is_session_id

_DESCRIPTION = "Sessions in a DynamoDB table."
_LIST = """\
List the sessions of a user that are not over, the newest login first. The ids are not secret: no
cookie can be made from one."""
_REVOKE = """\
End one session of a user, or all. Whoever used it is logged out at their next request."""
_CHECK = """\
Check whether a table can store sessions: that it exists, its key schema, its index and its TTL,
that all necessary calls are allowed, and how far this host's clock is from the table's. It changes
nothing. The exit code is 1 if something is wrong."""
_USER = "the user's id; one that starts with - comes last, behind --"


def parser() -> argparse.ArgumentParser:
    """The parser of the whole command. What it parses has ``run``, the subcommand's function."""
    whole = Parser("ddb-sessions", description=_DESCRIPTION)
    version = importlib.metadata.version("ratelimit-ddb")
    whole.add_argument("--version", action="version", version=f"ddb-sessions {version}")
    commands = whole.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add_list(commands)
    _add_revoke(commands)
    _add_check(commands)
    return whole


def with_session_ids_joined(arguments: Sequence[str]) -> list[str]:
    """The arguments with ``--session ID`` as ``--session=ID``.

    One id in 64 starts with ``-``, which argparse takes for an option unless they are joined.
    """
    joined: list[str] = []
    for argument in arguments:
        if joined and joined[-1] == "--session" and "--" not in joined and is_session_id(argument):
            joined[-1] = f"--session={argument}"
        else:
            joined.append(argument)
    return joined


def _add_list(commands: argparse._SubParsersAction[Parser]) -> None:
    command = commands.add_parser("list", help="list a user's sessions", description=_LIST)
    command.add_argument("user", metavar="USER", help=_USER)
    _add_namespace(command)
    _add_table(command)
    command.set_defaults(run=user_sessions.run_list)


def _add_revoke(commands: argparse._SubParsersAction[Parser]) -> None:
    # Without abbreviations: a command that ends sessions must not guess.
    command = commands.add_parser(
        "revoke", help="end one of them, or all", description=_REVOKE, allow_abbrev=False
    )
    command.add_argument("user", metavar="USER", help=_USER)
    which = command.add_mutually_exclusive_group(required=True)
    which.add_argument(
        "--session",
        type=_session_id,
        metavar="ID",
        help="the session with this id, as `list` shows it",
    )
    which.add_argument("--all", action="store_true", help="all of them")
    _add_namespace(command)
    _add_table(command)
    command.set_defaults(run=user_sessions.run_revoke)


def _add_check(commands: argparse._SubParsersAction[Parser]) -> None:
    command = commands.add_parser("check", help="check a table", description=_CHECK)
    _add_table(command)
    command.set_defaults(run=check.run_check)


def _add_namespace(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--namespace", metavar="NAME", help="an application's sessions only (default: of all)"
    )


def _add_table(command: argparse.ArgumentParser) -> None:
    add_table(command, of="the table of sessions", owner="the sessions'")


def _session_id(text: str) -> str:
    if not is_session_id(text):
        raise argparse.ArgumentTypeError(
            f"{text!r}: must be a session's id, of 43 characters; `ddb-sessions list` shows them"
        )
    return text
