"""Commits a session: writes what a request did to it, and no more than that.

    nothing                   nothing, or one write that notes the use (a touch) if that is due
    changed values            one save of the changed keys, if the row exists and is not over
    first value               one new row
    login, rotation           one transaction: the new row, and the old one marked, or leading to it
    logout                    one deletion

Changes of different keys by two requests are both saved: a save names its keys, and a login or
rotation copies the changes that it finds in the old row. A deleted row is never restored.
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
from sessions.values.values import UNCHANGED, Changes


def needs_commit(config: SessionConfig, session: SessionState, changes: Changes) -> bool:
    """Whether a commit would send anything to the store. Does not read the time."""
    changed_id = session.deleted_row is not None or session.id_change is not IdChange.NONE
    if changes is not UNCHANGED or changed_id or session.authenticates:
        return True
    row = session.row
    if row is not None and config.raise_on_revoked:
        return True  # a read finds out whether it was revoked
    return session.touch_is_due(config.timeouts, session.loaded_at)


def commit(config: SessionConfig, session: SessionState, changes: Changes) -> Flow[CommitResult]:
    """Write what a request did to its session, and emit the events.

    Args:
        config: the application's.
        session: the request's.
        changes: the changes of its values.

    Raises:
        SessionRevoked: its row is gone or over.
        SessionReplaced: another session replaced it; ``session.replaced`` says which.
        SessionConflict: other requests changed it in every attempt, or once with ``strict=True``.
        SessionTooLarge: it does not fit into an item.
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
    """Commit a session that begins, gets another id, or is logged out."""
    is_login, deleted = session.login_user_id is not None, session.deleted_row
    if session.replaced is not None and not is_login:
        if changes is not UNCHANGED:
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
        if deleted is not None:  # the logout holds even if what came after it fails
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
