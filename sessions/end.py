"""The end of a session, wherever its id has gone meanwhile."""

from __future__ import annotations

from sessions.operation import Delete, Flow, ReadClock
from sessions.row import Row, anonymous


def end(session_id: str, user_id: str, but: str | None = None) -> Flow[bool]:
    """Delete a session's row, and where it was rotated the rows that it led to.

    Args:
        session_id: the id to begin with.
        user_id: its sort key.
        but: the id of a session that is to stay.

    Returns:
        whether there was a session, not over yet, that is gone now.
    """
    while session_id != but:
        was: Row | None = yield Delete(session_id, user_id)
        if was is None:
            return False
        if was.successor is None:
            now: int = yield ReadClock()
            return now < was.expires_at
        session_id, user_id = was.successor, was.owner_id or anonymous(was.successor)
    return False
