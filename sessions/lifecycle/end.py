"""Ends a session: deletes its row, and the rows that it was rotated to."""

from __future__ import annotations

from sessions.operations.operation import Delete, Flow, ReadClock
from sessions.operations.row import Row, anonymous


def end(session_id: str, user_id: str, except_id: str | None = None) -> Flow[bool]:
    """Delete a session's row, and where it was rotated the rows that it led to.

    Args:
        session_id: the id to start with.
        user_id: its sort key.
        except_id: the id of a session that is to stay.

    Returns:
        whether there was a session, not over yet, that is gone now.
    """
    while session_id != except_id:
        row: Row | None = yield Delete(session_id, user_id)
        if row is None:
            return False
        if row.successor is None:
            now: int = yield ReadClock()
            return now < row.expires_at
        session_id, user_id = row.successor, row.owner_id or anonymous(row.successor)
    return False
