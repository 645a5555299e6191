"""A session that was ended while a request used it: what becomes of the request's changes.

    a login was refused         the session is as it was before; that is raised
    another took its place      its changes are dropped, and told; it is an empty session
    it was ended                the same

``on_revoked="raise"`` has the last two raised too.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sessions.config.session_config import SessionConfig
from sessions.errors import SessionReplaced, SessionRevoked, TooManySessions
from sessions.session_state import IdChange, SessionState
from sessions.values.changes import Changes


@contextmanager
def revocation_handled(
    config: SessionConfig, session: SessionState, changes: Changes
) -> Iterator[None]:
    """Handle what a commit, or a look at its row, finds of a session.

    Args:
        config: the application's.
        session: the request's.
        changes: what is to be saved.
    """
    row = session.row
    changed_id = session.deleted_row is not None or session.id_change is not IdChange.NONE
    try:
        yield
    except TooManySessions:
        session.withdraw_login()
        raise
    except SessionReplaced:
        if (changes or changed_id) and session.replaced is not None:
            config.events.emit("dropped", session.replaced.session_id, None, "replaced")
        session.reset()
        if config.raise_on_revoked:
            raise
    except SessionRevoked:
        if row is not None:
            config.events.emit("revoked", row.session_id, row.owner_id, session.end_reason)
        session.reset()
        if config.raise_on_revoked:
            raise
