"""Ends a session: deletes its row, and the rows that it was rotated to."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum, auto

from sessions.config.session_config import SessionConfig
from sessions.loaded_session import Replaced
from sessions.operations.operation import Delete, Find, Flow, Found, ReadClock
from sessions.operations.row import Row, anonymous


class Ending(Enum):
    """Whether a session was ended."""

    ENDED = auto()
    NOTHING = auto()
    """There was nothing to end: it was over, or gone, or excepted."""


def end(session_id: str, user_id: str, except_id: str | None = None) -> Flow[Ending | Replaced]:
    """Delete a session's row, and if it was rotated the rows that it leads to.

    A replaced session is over already; the one that replaced it is another session and stays.

    Args:
        session_id: the id to start with.
        user_id: its sort key.
        except_id: the id of a session that must stay.

    Returns:
        whether a session that was not over was ended; or what replaced it.
    """
    while session_id != except_id:
        row: Row | None = yield Delete(session_id, user_id)
        if row is None:
            return Ending.NOTHING
        if row.replaced_by is not None:
            return Replaced(row.session_id, row.replaced_by)
        if row.is_tombstone:
            return Ending.NOTHING
        if row.successor is None:
            now: int = yield ReadClock()
            return Ending.ENDED if now < row.expires_at else Ending.NOTHING
        session_id, user_id = row.successor, row.owner_id or anonymous(row.successor)
    return Ending.NOTHING


def end_others(config: SessionConfig, tokens: Iterable[str], own: Row) -> Flow[None]:
    """End the sessions of all tokens, which would stay logged in after a logout.

    Args:
        config: the application's.
        tokens: the request's.
        own: the row of the session that is logged out; the caller ends it.
    """
    for token in tokens:
        session_id = config.tokens.session_id(token)
        if session_id != own.session_id:
            found: Found = yield Find(session_id)
            for row in found.rows:
                yield from end(row.session_id, row.user_id, own.session_id)
