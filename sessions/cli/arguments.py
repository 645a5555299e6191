"""What the command takes: subcommands, options, and their help."""

from __future__ import annotations

import argparse
import importlib.metadata
from collections.abc import Sequence
from typing import NoReturn
from urllib.parse import urlsplit

from sessions.cli import user_sessions
from sessions.cookie.token import is_session_id

_DESCRIPTION = "A user's sessions in a DynamoDB table."
_LIST = """\
List the sessions of a user that are not over, the newest login first. The ids are no secret: no
cookie can be made of one."""
_REVOKE = """\
End one session of a user, or all. Whoever used it is logged out at their next request."""
_USER = "the user's id; one that starts with - comes last, behind --"


class _Parser(argparse.ArgumentParser):
    """argparse, but what was wrong is one line, without the usage before it."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message} (see {self.prog} --help)\n")


def parser() -> argparse.ArgumentParser:
    """The parser of the whole command. What it parses has ``run``, the subcommand's function."""
    whole = _Parser("ddb-sessions", description=_DESCRIPTION)
    version = importlib.metadata.version("ratelimit-ddb")
    whole.add_argument("--version", action="version", version=f"ddb-sessions {version}")
    commands = whole.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add_list(commands)
    _add_revoke(commands)
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


def _add_list(commands: argparse._SubParsersAction[_Parser]) -> None:
    command = commands.add_parser("list", help="list a user's sessions", description=_LIST)
    command.add_argument("user", metavar="USER", help=_USER)
    _add_table(command)
    command.set_defaults(run=user_sessions.run_list)


def _add_revoke(commands: argparse._SubParsersAction[_Parser]) -> None:
    # Whole names only: what ends sessions is not guessed.
    command = commands.add_parser(
        "revoke", help="end one of them, or all", description=_REVOKE, allow_abbrev=False
    )
    command.add_argument("user", metavar="USER", help=_USER)
    which = command.add_mutually_exclusive_group(required=True)
    which.add_argument(
        "--session", type=_session_id, metavar="ID", help="the one of this id, as `list` shows it"
    )
    which.add_argument("--all", action="store_true", help="all of them")
    _add_table(command)
    command.set_defaults(run=user_sessions.run_revoke)


def _add_table(command: argparse.ArgumentParser) -> None:
    command.add_argument("--table", required=True, metavar="NAME", help="the table of sessions")
    command.add_argument(
        "--single-table",
        metavar="PK,SK",
        help=(
            "it is shared with items of other kinds, and its partition key and sort key are "
            "called so (default: the sessions' own table)"
        ),
    )
    command.add_argument(
        "--namespace", metavar="NAME", help="an application's sessions only (default: of all)"
    )
    command.add_argument("--json", action="store_true", help="print JSON")
    command.add_argument(
        "--endpoint-url",
        type=_url,
        metavar="URL",
        help="a DynamoDB endpoint, such as http://localhost:8000 (default: AWS's for the region)",
    )
    command.add_argument("--region", metavar="NAME", help="an AWS region (default: as configured)")


def _session_id(text: str) -> str:
    if not is_session_id(text):
        raise argparse.ArgumentTypeError(
            f"{text!r}: must be a session's id, of 43 characters; `ddb-sessions list` shows them"
        )
    return text


def _url(text: str) -> str:
    try:
        parts = urlsplit(text)
        complete = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        complete = False
    if not complete:
        raise argparse.ArgumentTypeError(f"{text!r}: write http://HOST:PORT or https://HOST")
    return text
