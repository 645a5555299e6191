"""Ends a session: deletes its row, and the rows that it was rotated to."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum, auto

from sessions.config.session_config import SessionConfig
from sessions.loaded_session import Replaced
from sessions.operations.operation import Delete, Find, Flow, ReadClock
from sessions.operations.row import Row, anonymous


class Ending(Enum):
    """What there was to end."""

    ENDED = auto()
    NOTHING = auto()
    """It was over, or gone, or spared."""


def end(session_id: str, user_id: str, except_id: str | None = None) -> Flow[Ending | Replaced]:
    """Delete a session's row, and where it was rotated the rows that it led to.

    One that was replaced is over already, and what took its place is another session.

    Args:
        session_id: the id to start with.
        user_id: its sort key.
        except_id: the id of a session that is to stay.

    Returns:
        whether there was a session, not over yet, that is gone now; or what took its place.
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
    """End the sessions of all tokens: else a logout would leave the next cookie's logged in.

    Args:
        config: the application's.
        tokens: the request's.
        own: the row of the session that is logged out, which is ended elsewhere.
    """
    for token in tokens:
        session_id = config.tokens.session_id(token)
        if session_id != own.session_id:
            rows: list[Row] = yield Find(session_id)
            for row in rows:
                yield from end(row.session_id, row.user_id, own.session_id)
