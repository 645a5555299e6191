"""A session that was ended while a request used it: what becomes of the request's changes.

    another took its place      its changes are dropped, and an event says so
    it was ended                its changes are dropped

In both cases it is an empty session from then on. ``on_revoked="raise"`` has them raised too.
"""

from __future__ import annotations

from sessions.config.session_config import SessionConfig
from sessions.errors import SessionReplaced, SessionRevoked
from sessions.lifecycle.load import InvalidReason
from sessions.loaded_session import Replaced
from sessions.operations.row import Row
from sessions.session_state import IdChange, SessionState
from sessions.values.values import UNCHANGED, Changes


def drop_revoked(
    config: SessionConfig,
    session: SessionState,
    begun: SessionState,
    changes: Changes,
    revoked: SessionRevoked,
) -> None:
    """Drop what a request did to a session that was ended meanwhile.

    Args:
        config: the application's.
        session: the request's.
        begun: the same, when its commit or its reading began.
        changes: what was to be saved.
        revoked: what the commit or the reading raised.

    Raises:
        SessionRevoked: the same, with ``on_revoked="raise"``.
    """
    row = begun.row
    if isinstance(revoked, SessionReplaced):
        changed_id = begun.deleted_row is not None or begun.id_change is not IdChange.NONE
        if (changes is not UNCHANGED or changed_id) and session.replaced is not None:
            config.events.emit("dropped", session.replaced.session_id, None, "replaced")
    elif row is not None:
        config.events.emit("revoked", row.session_id, row.owner_id, session.end_reason)
    session.reset()
    if config.raise_on_revoked:
        raise revoked


def require_still_there(session: SessionState, found: Row | Replaced | InvalidReason) -> Row:
    """Check that a session's id still leads to a row.

    Raises:
        SessionReplaced: another session took its place.
        SessionRevoked: it was ended.
    """
    if isinstance(found, Replaced):
        raise replaced(session, found)
    if isinstance(found, InvalidReason):
        session.end_reason = found.end_reason
        raise SessionRevoked("the session was ended while this request used it")
    return found


def replaced(session: SessionState, by: Replaced) -> SessionReplaced:
    """The error of a session that another one replaced; notes that in the session."""
    session.replaced = by
    return SessionReplaced(
        "a login, or another new session, replaced the session while this request was under way: "
        "its changes were not saved"
    )
