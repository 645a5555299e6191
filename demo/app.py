"""The application of the demo: the site behind the middlewares of both packages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

from demo.limits import RULES
from demo.live.board import Board
from demo.live.feed import Feed, SessionsChanged
from demo.site.routes import Site
from ratelimit_ddb import Store
from ratelimit_ddb.web import DenialResponse, Request, Verdict
from ratelimit_ddb.wsgi import RateLimitMiddleware
from sessions import (
    DynamoDBSessionStore,
    MemorySessionStore,
    SessionEvent,
    SessionOptions,
)
from sessions.wsgi import SessionMiddleware

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

DEADLINE_SECONDS = 2.0
"""Longer than an app would wait: an emulator's first replies are slow."""


def application(
    limits: Store,
    sessions: MemorySessionStore | DynamoDBSessionStore,
    *,
    limits_namespace: str = "",
    **options: Unpack[SessionOptions],
) -> WSGIApplication:
    """The site, with its limits and its sessions.

    Args:
        limits: where the buckets are.
        sessions: where the sessions are.
        limits_namespace: what the keys of the buckets begin with.
        options: for SessionMiddleware.
    """
    on_event = options.get("on_event")
    feed = Feed()
    board = Board(limits_namespace, feed)

    def note_denial(_request: Request, verdict: Verdict, answer: DenialResponse) -> DenialResponse:
        board.note(verdict)
        return answer

    def note_event(event: SessionEvent) -> None:
        if on_event is not None:
            on_event(event)
        if event.user_id is not None:
            feed.publish(SessionsChanged(event.user_id))

    # The limits are inside the sessions, where they find who is logged in.
    limited = RateLimitMiddleware(
        Site(sessions, board, feed),
        store=limits,
        rules=RULES,
        namespace=limits_namespace,
        deadline=DEADLINE_SECONDS,
        on_outage="deny",
        on_denied=note_denial,
    )
    options["on_event"] = note_event
    return SessionMiddleware(limited, sessions, **options)
