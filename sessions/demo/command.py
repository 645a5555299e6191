"""The command: a store, the site on it, the story, and the site left running if asked for."""

from __future__ import annotations

import argparse
import os
import secrets
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager

from sessions.demo.app import Site
from sessions.demo.arguments import DEFAULT_TABLE, parser
from sessions.demo.browser import Browser
from sessions.demo.screen import Screen
from sessions.demo.server import HOST, Server, serving
from sessions.demo.story import Story
from sessions.errors import StoreError
from sessions.event import SessionEvent
from sessions.store.dynamodb import DynamoDBSessionStore
from sessions.store.memory import MemorySessionStore
from sessions.wsgi import SessionMiddleware

SUCCESS, FAILURE, INTERRUPTED = 0, 1, 130

_DEADLINE_SECONDS = 5.0
"""Longer than an app would wait: an emulator's first answers are slow."""
_HERE = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
_THERE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 "
    "(KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1"
)

Store = MemorySessionStore | DynamoDBSessionStore


class _PortTaken(Exception):
    """The port that was asked for can't be listened on."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        arguments: those after the command's name; the process's own unless given.

    Returns:
        the exit code: 0; 1 where a session was not as it must be, or something outside failed;
        130 when interrupted.

    Raises:
        SystemExit: argparse ends the process after ``--help`` (0) and wrong arguments (2).
    """
    options = parser().parse_args(arguments)
    try:
        return SUCCESS if _run(options) else FAILURE
    except KeyboardInterrupt:
        print(file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read the output has gone; without this Python would complain once more at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILURE
    except (StoreError, _PortTaken) as failure:
        print(f"sessions.demo: {' '.join(str(failure).split())}", file=sys.stderr)
        return FAILURE


def _run(options: argparse.Namespace) -> bool:
    screen = Screen(sys.stdout)
    screen.heading("sessions: a site one logs in to")
    if options.endpoint_url is None and options.region is None and options.table is None:
        screen.line("  sessions  in this process's memory (MemorySessionStore)")
        return _show(screen, MemorySessionStore(), "ada", options, calls=None)
    calls: list[str] = []
    with _table(screen, options, calls) as store:
        # A new name, for the table may hold others' sessions, and those are not ours to end.
        return _show(screen, store, f"ada-{secrets.token_hex(3)}", options, calls)


def _show(
    screen: Screen,
    store: Store,
    user_id: str,
    options: argparse.Namespace,
    calls: list[str] | None,
) -> bool:
    teller = _Teller(screen)
    app = SessionMiddleware(
        Site(store),
        store,
        cookie="session",  # plain http has no use for "__Host-", which browsers keep for TLS
        secure=False,
        secret=secrets.token_hex(),
        namespace="sessions.demo",
        deadline=_DEADLINE_SECONDS,
        on_event=teller,
    )
    with _serving(app, options.port) as server:
        screen.line(f"  site      {server.url}/")
        here = Browser(HOST, server.server_port, _HERE)
        there = Browser(HOST, server.server_port, _THERE)
        good = Story(screen, here, there, user_id, calls).tell()
        if options.serve:
            _serve_on(screen, server, teller)
    return good


class _Teller:
    """Shows what happens to sessions, once it is told to."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self.speaks = False

    def __call__(self, event: SessionEvent) -> None:
        if self.speaks:
            session = (event.session or "-")[:8]
            about = event.user_id or event.why or ""
            now = time.strftime("%H:%M:%S")
            self._screen.line(f"  {now}   {event.what:9}  {session:8}  {about}".rstrip())


def _serve_on(screen: Screen, server: Server, teller: _Teller) -> None:
    """Leave the site running, and show what happens to sessions, until Ctrl-C."""
    teller.speaks = True
    try:
        screen.heading("Still serving, until Ctrl-C. Open it in two browsers:")
        screen.line(f"  {server.url}/")
        screen.line()
        threading.Event().wait()
    except KeyboardInterrupt:
        screen.line()
        screen.note("Stopped.")


@contextmanager
def _serving(app: SessionMiddleware, port: int) -> Iterator[Server]:
    with ExitStack() as stack:
        try:
            server = stack.enter_context(serving(app, port))
        except OSError as error:
            raise _PortTaken(f"port {port} on {HOST}: {error.strerror}") from error
        yield server


@contextmanager
def _table(
    screen: Screen, options: argparse.Namespace, calls: list[str]
) -> Iterator[DynamoDBSessionStore]:
    """A store on the table that was asked for."""
    store = DynamoDBSessionStore(
        options.table or DEFAULT_TABLE,
        region_name=options.region,
        endpoint_url=options.endpoint_url,
        strict_revocation=True,
        deadline=_DEADLINE_SECONDS,
        on_call=lambda call: calls.append(call.operation),
    )
    with closing(store):
        store.sessions_of("nobody")
        calls.clear()
        where = options.endpoint_url or "AWS"
        screen.line(f"  sessions  in the table {store.table} at {where} (DynamoDBSessionStore)")
        yield store
