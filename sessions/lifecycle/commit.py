"""Commits a session: the least that has to be written of what a request did to it.

    nothing done              nothing, or one touch if it is due
    values changed            one save of the keys that changed, if the row is there and not over
    first value               one new row
    login, rotation           one transaction: the new row, and the old one marked, or leading to it
    logout                    one deletion

Changes of different keys by two requests are both saved: a save names its keys, and a login or
rotation that finds the old row changed carries the change over. A deleted row is never restored.
"""

from __future__ import annotations

from sessions.config.session_config import SessionConfig
from sessions.errors import SessionConflict, SessionNotSaved, SessionTooLarge, TooManySessions
from sessions.lifecycle.commit_result import SAVED, CommitResult
from sessions.lifecycle.end import end
from sessions.lifecycle.new_id import give_new_id
from sessions.lifecycle.save import replaced, save
from sessions.loaded_session import Replaced
from sessions.operations.operation import Flow
from sessions.operations.row import Row
from sessions.session_state import IdChange, SessionState
from sessions.values.changes import Changes


def needs_commit(config: SessionConfig, session: SessionState, changes: Changes) -> bool:
    """Whether a commit would ask the store for anything, decided without asking for the time."""
    changed_id = session.deleted_row is not None or session.id_change is not IdChange.NONE
    if changes or changed_id or session.authenticates:
        return True
    row = session.row
    if row is not None and config.raise_on_revoked:
        return True  # to find out whether it was revoked
    return session.touch_is_due(config.timeouts, session.loaded_at)


def commit(config: SessionConfig, session: SessionState, changes: Changes) -> Flow[CommitResult]:
    """Write what a session's request did, and emit the events of it.

    Args:
        config: the application's.
        session: the request's.
        changes: what ``session.changes()`` is now.

    Raises:
        SessionRevoked: its row is gone or over.
        SessionReplaced: another session took its place; that is noted in ``session.replaced``.
        SessionConflict: others changed it meanwhile, where that matters.
        SessionTooLarge: it would not fit into an item.
        SessionNotSaved: it needs a cookie, and the response has started.
        TooManySessions: a login was refused.
    """
    row = session.row
    if row is not None and session.id_change is IdChange.NONE:
        return save(config, session, row, changes)
    return _commit_new_id(config, session, changes)


def _commit_new_id(
    config: SessionConfig, session: SessionState, changes: Changes
) -> Flow[CommitResult]:
    """A session that begins or gets another id, or is logged out."""
    is_login, deleted = session.login_user_id is not None, session.deleted_row
    if session.replaced is not None and not is_login:
        if changes:
            raise replaced(session, session.replaced)
        return SAVED
    if not is_login and session.row is None and not changes.changed:
        if deleted is None:
            return SAVED
        yield from _log_out(config, session, deleted)
        return CommitResult(cookie_cleared=True)
    try:
        result = yield from give_new_id(config, session, changes)
    except (SessionNotSaved, SessionTooLarge, SessionConflict, TooManySessions):
        if deleted is not None:  # a logout holds, whatever becomes of what came after it
            yield from _log_out(config, session, deleted)
        raise
    if deleted is not None:
        config.events.emit("destroyed", deleted.session_id, deleted.owner_id)
    if result.event is not None and session.row is not None:
        config.events.emit(result.event, session.row.session_id, session.row.owner_id)
    return result


def _log_out(config: SessionConfig, session: SessionState, row: Row) -> Flow[None]:
    ended = yield from end(row.session_id, row.user_id)
    session.deleted_row = None
    if isinstance(ended, Replaced):
        raise replaced(session, ended)
    config.events.emit("destroyed", row.session_id, row.owner_id)
