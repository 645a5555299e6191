"""``still_valid`` and ``reload``: read the session of a long request, such as a websocket, again.

Neither counts as a use: a websocket that asks every minute would keep the session alive for ever.
"""

from __future__ import annotations

from sessions.config.session_config import SessionConfig
from sessions.end_reason import REPLACED
from sessions.errors import SessionNotSaved, SessionRevoked
from sessions.failed_save import drop_unsaved, is_known
from sessions.lifecycle.commit import has_changed, take_over_commit
from sessions.lifecycle.load import InvalidReason, decrypted, find_rotated
from sessions.lifecycle.open import take_over_assigned
from sessions.lifecycle.revocation import drop_revoked, require_still_there
from sessions.loaded_session import LoadedSession, Replaced
from sessions.operations.operation import Flow
from sessions.operations.row import Row
from sessions.request_session import RequestSession
from sessions.session_state import SessionState
from sessions.values.values import UNCHANGED

_CHANGED = "the session was changed: save() it before it is read again"


def still_valid(session: RequestSession) -> Flow[bool]:
    """Whether the session that a request found has not ended; one read.

    Raises:
        StoreUnavailable: the session could not be read before.
    """
    state = session.state
    state.require_readable("session.still_valid()")
    if state.row is None:
        return not state.has_ended
    found = yield from find_rotated(session.config, state.last_id or state.row.session_id)
    if not isinstance(found, Row):
        state.end_reason = REPLACED if isinstance(found, Replaced) else found.end_reason
        return False
    state.last_id = found.session_id  # where the next look begins: few rotations are followed
    return True


def reload(session: RequestSession) -> Flow[None]:
    """Read a session's values again; one read. See ``Session.reload``.

    Raises:
        SessionNotSaved: it has changes that are not saved yet.
        SessionRevoked: it was ended, with ``on_revoked="raise"``.
        StoreUnavailable: the session could not be read before.
    """
    session.state.require_readable("session.reload()")
    yield from take_over_assigned(session)
    if is_known(session.failed_save, session.state):
        drop_unsaved(session.config, session.state)
    session.failed_save = None
    begun, read = session.state.copy(), session.state.copy()
    try:
        yield from _read_again(session.config, read)
    except SessionRevoked as revoked:
        _take_over_read(session.state, begun, read)
        drop_revoked(session.config, session.state, begun, UNCHANGED, revoked)
    else:
        _take_over_read(session.state, begun, read)


def _read_again(config: SessionConfig, state: SessionState) -> Flow[None]:
    if has_changed(state, state.data.changes()):
        raise SessionNotSaved(_CHANGED)
    if state.row is None:
        return
    found = yield from find_rotated(config, state.last_id or state.row.session_id)
    row = require_still_there(state, found)
    encoded = decrypted(config, row)
    if isinstance(encoded, InvalidReason):
        raise SessionRevoked("the session can't be decrypted any more")
    state.set_loaded(LoadedSession(row, encoded, state.loaded_at))


def _take_over_read(state: SessionState, begun: SessionState, read: SessionState) -> None:
    if has_changed(state, state.data.changes()):  # by another task: not to be overwritten
        raise SessionNotSaved(_CHANGED)
    take_over_commit(state, begun, read)
