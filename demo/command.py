"""The command: the stores, the site on them, and the story or a browser in front of it."""

from __future__ import annotations

import argparse
import os
import secrets
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import ratelimit_ddb
import sessions
from ddbwire.shared.command_line.failure import failures, sentence
from demo.app import DEADLINE_SECONDS, application
from demo.arguments import parser
from demo.server import HOST, Server, serving
from demo.stores import Stores, in_memory, on_dynamodb, tables_of
from demo.story.limits_story import LimitsStory
from demo.story.screen import Screen
from demo.story.sessions_story import SessionsStory

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

SUCCESS, FAILURE, MISUSE, INTERRUPTED = 0, 1, 2, 130


class _PortTaken(Exception):
    """The port that was asked for can't be listened on."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        arguments: those after the command's name; the process's own unless given.

    Returns:
        the exit code: 0, also when the site was served until Ctrl-C; 1 where a limit or a session
        was not as promised, or something outside failed; 2 for misuse; 130 when interrupted.

    Raises:
        SystemExit: argparse ends the process after ``--help`` (0) and wrong arguments (2).
    """
    options = parser().parse_args(arguments)
    try:
        return _run(options)
    except KeyboardInterrupt:
        print(file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read the output has gone; without this Python would complain once more at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILURE
    except (_PortTaken, ratelimit_ddb.StoreError, sessions.StoreError) as failure:
        return _failed(failure, FAILURE)
    except failures() as failure:
        return _failed(failure, FAILURE)


def _failed(failure: BaseException, exit_code: int) -> int:
    print(f"demo: {sentence(failure)}", file=sys.stderr)
    return exit_code


def _run(options: argparse.Namespace) -> int:
    if options.endpoint_url is None and options.region is None:
        return _show(in_memory(), options)
    try:
        tables = tables_of(options.prefix)
    except ValueError as error:
        return _failed(error, MISUSE)
    with on_dynamodb(tables, options.endpoint_url, options.region) as stores:
        return _show(stores, options)


def _show(stores: Stores, options: argparse.Namespace) -> int:
    screen = Screen(sys.stdout)
    app = application(
        stores.limits,
        stores.sessions,
        limits_namespace=stores.namespace,
        cookie="session",  # plain http has no use for "__Host-", which browsers keep for TLS
        secure=False,
        secret=secrets.token_hex(),
        deadline=DEADLINE_SECONDS,
    )
    with _serving(app, options.port) as server:
        screen.heading("ratelimit-ddb: a site with rate limits and sessions")
        for line in (f"site      {server.url}/", *stores.where):
            screen.line(f"  {line}")
        if options.serve:
            _wait(screen, server)
            return SUCCESS
        return SUCCESS if _tell(screen, server, stores) else FAILURE


def _tell(screen: Screen, server: Server, stores: Stores) -> bool:
    limits = LimitsStory(screen, HOST, server.server_port, stores).tell()
    # A new name, for a table may hold the sessions of others, and those are not ours to end.
    user_id = "ada" if stores.calls is None else f"ada-{secrets.token_hex(3)}"
    ended = SessionsStory(screen, HOST, server.server_port, user_id, stores.calls).tell()
    screen.line()
    screen.note("Now look at it: make demo ARGS=--serve")
    return limits and ended


def _wait(screen: Screen, server: Server) -> None:
    """Leave the site to browsers until Ctrl-C."""
    screen.heading("Open it, in two browsers if you like; Ctrl-C stops it:")
    screen.line(f"  {server.url}/")
    screen.line()
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        screen.line()
        screen.note("Stopped.")


@contextmanager
def _serving(app: WSGIApplication, port: int) -> Iterator[Server]:
    with ExitStack() as stack:
        try:
            server = stack.enter_context(serving(app, port))
        except OSError as error:
            raise _PortTaken(f"port {port} on {HOST}: {error.strerror}") from error
        yield server
