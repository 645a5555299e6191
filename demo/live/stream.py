"""The open pages' connection: server-sent events (HTML Standard, "Server-sent events")."""

from __future__ import annotations

import json
import queue
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from demo.live.board import Board
from demo.live.feed import Decided, Feed
from sessions import SessionInfo

_SECONDS_OF_SILENCE = 5.0
"""How long nothing may be sent: a page that has gone is noticed only by sending."""
_COMMENT = b": still here\n\n"

SessionsOf = Callable[[str], list[SessionInfo]]


class Viewer(NamedTuple):
    """Who looks at a page of somebody who is logged in.

    Attributes:
        user_id: the user; None where the session was over before the stream was asked for.
        session_id: the session that the page belongs to; None likewise.
    """

    user_id: str | None
    session_id: str | None


def events(
    board: Board, feed: Feed, viewer: Viewer | None, sessions_of: SessionsOf
) -> Iterator[bytes]:
    """The events for one page, for as long as it is read.

    - ``board``: everything, once at the start.
    - ``decision``: a request was admitted or denied.
    - ``devices``: the sessions of the user who looks; at the start, and when they change.
    - ``ended``: the session that the page belongs to is over.

    Args:
        board: what the limits are at.
        feed: what happens.
        viewer: who looks; None at a page of nobody.
        sessions_of: the sessions of a user. Asking does not count as a use of one.
    """
    with feed.subscribed() as subscription:
        yield _event("board", board.snapshot())
        if viewer is not None:
            yield _devices(viewer, sessions_of)
        while True:
            try:
                message = subscription.get(timeout=_SECONDS_OF_SILENCE)
            except queue.Empty:
                yield _COMMENT
                continue
            if isinstance(message, Decided):
                yield _event("decision", message.content)
            elif viewer is not None and message.user_id == viewer.user_id:
                yield _devices(viewer, sessions_of)


def _devices(viewer: Viewer, sessions_of: SessionsOf) -> bytes:
    infos = [] if viewer.user_id is None else sessions_of(viewer.user_id)
    if all(info.id != viewer.session_id for info in infos):
        return _event("ended", {})
    devices = [
        {
            "id": info.id,
            "device": info.device or "Unknown browser",
            "created_at": info.created_at,
            "is_this": info.id == viewer.session_id,
        }
        for info in infos
    ]
    return _event("devices", {"devices": devices})


def _event(name: str, content: dict[str, Any]) -> bytes:
    # The user's words are inside JSON's strings, where no line can end.
    return f"event: {name}\ndata: {json.dumps(content)}\n\n".encode()
