"""A user's sessions: listed and ended, by the index or (``strict_revocation``) the register."""

from __future__ import annotations

from dataclasses import dataclass

from sessions.arguments import require_user_id
from sessions.cookie.token import is_session_id
from sessions.lifecycle.end import Ending, end
from sessions.operations.operation import ByOwner, Flow, Get, ReadClock, Registered, Unregister
from sessions.operations.row import Row


@dataclass(frozen=True, slots=True)
class SessionInfo:
    """One of a user's sessions, for a page of their devices. Times are epoch seconds.

    Attributes:
        id: the argument of ``revoke``, and ``session.id`` of the session itself: 43 characters,
            no secret.
        user_id: the user, such as ``"user-456"``.
        created_at: when they logged in, such as 1_800_000_000.
        last_seen_at: when its use was noted last, such as 1_800_000_360.
        expires_at: when it is over if it is not used again, such as 1_800_003_960.
        device: the ``device`` of the login, such as ``"Firefox on Linux"``; None without one.
    """

    id: str
    user_id: str
    created_at: int
    last_seen_at: int
    expires_at: int
    device: str | None


def sessions_of(user_id: str, exact: bool) -> Flow[list[SessionInfo]]:
    """The sessions of a user that are not over, the newest login first."""
    require_user_id(user_id)
    ids: list[str] = yield Registered(user_id) if exact else ByOwner(user_id)
    rows: list[Row] = []
    gone = set()
    for session_id in ids:
        row: Row | None = yield Get(session_id, user_id)
        now: int = yield ReadClock()
        if row is None or row.expires_at <= now or row.replaced_by is not None:
            gone.add(session_id)
        elif row.successor is None:
            rows.append(row)
    if exact and gone:
        yield Unregister(user_id, frozenset(gone))
    newest_first = sorted(rows, key=lambda row: (row.created_at, row.last_seen_at), reverse=True)
    return [_info(row) for row in newest_first]


def revoke(user_id: str, session_id: str) -> Flow[bool]:
    """End one session of a user; whether it was there.

    The id may come from a request: a malformed one, or one of another user's session, ends nothing.
    """
    require_user_id(user_id)
    if not is_session_id(session_id):
        return False
    return (yield from end(session_id, user_id)) is Ending.ENDED


def revoke_user(user_id: str, exact: bool, except_id: str | None) -> Flow[int]:
    """End all sessions of a user but one; how many there were."""
    require_user_id(user_id)
    ids: list[str] = yield Registered(user_id) if exact else ByOwner(user_id)
    ended = 0
    for session_id in ids:
        # With its successors: it may have been rotated since the ids were read.
        ended += (yield from end(session_id, user_id, except_id)) is Ending.ENDED
    return ended


def _info(row: Row) -> SessionInfo:
    return SessionInfo(
        row.session_id,
        row.user_id,
        row.created_at,
        row.last_seen_at,
        row.expires_at,
        row.device,
    )
