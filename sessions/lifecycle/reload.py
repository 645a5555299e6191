"""``still_valid`` and ``reload``: read the session of a long request, such as a websocket, again.

Neither counts as a use: a websocket that asks every minute would keep the session alive for ever.
"""

from __future__ import annotations

from sessions.config.session_config import SessionConfig
from sessions.end_reason import REPLACED
from sessions.errors import SessionNotSaved, SessionRevoked
from sessions.lifecycle.load import InvalidReason, decrypted, find_rotated
from sessions.lifecycle.save import require_still_there
from sessions.loaded_session import LoadedSession, Replaced
from sessions.operations.operation import Flow
from sessions.operations.row import Row
from sessions.session_state import SessionState

CHANGED = "the session was changed: save() it before it is read again"


def is_still_valid(config: SessionConfig, session: SessionState) -> Flow[bool]:
    """Whether the session that a request found has not ended; one read."""
    if session.row is None:
        return not session.has_ended
    found = yield from find_rotated(config, session.last_id or session.row.session_id)
    if not isinstance(found, Row):
        session.end_reason = REPLACED if isinstance(found, Replaced) else found.end_reason
        return False
    session.last_id = found.session_id  # where the next look begins: few rotations are followed
    return True


def reload_values(config: SessionConfig, session: SessionState) -> Flow[None]:
    """Read a session's values again; one read.

    Raises:
        SessionNotSaved: it has changes that are not saved yet.
        SessionReplaced: another session replaced it.
        SessionRevoked: it was ended.
    """
    if session.has_changed():
        raise SessionNotSaved(CHANGED)
    if session.row is None:
        return
    found = yield from find_rotated(config, session.last_id or session.row.session_id)
    row = require_still_there(session, found)
    encoded = decrypted(config, row)
    if isinstance(encoded, InvalidReason):
        raise SessionRevoked("the session can't be decrypted any more")
    session.set_loaded(LoadedSession(row, encoded, session.loaded_at))
