"""Commits a session: writes what a request did to it, and no more than that.

``start_response`` commits it before the first byte of the response, ``end_response`` sees to it
that no later change is lost. What a commit writes:

    nothing                   nothing, or one write that notes the use (a touch) if that is due
    changed values            one save of the changed keys, if the row exists and is not over
    first value               one new row
    login, rotation           one transaction: the new row, and the old one marked, or leading to it
    logout                    one deletion

Changes of different keys by two requests are both saved: a save names its keys, and a login or
rotation copies the changes that it finds in the old row. A deleted row is never restored.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace

from sessions.commit_result import SAVED, CommitResult
from sessions.config.session_config import SessionConfig
from sessions.cookie.headers import Headers
from sessions.errors import (
    SessionConflict,
    SessionNotSaved,
    SessionRevoked,
    SessionTooLarge,
    StoreUnavailable,
    TooManySessions,
)
from sessions.event import EventName
from sessions.failed_save import NOT_SAVED, drop_unsaved, is_known
from sessions.freshness import with_proof
from sessions.given_id import GivenId
from sessions.lifecycle.end import end, end_others
from sessions.lifecycle.load import find_rotated
from sessions.lifecycle.max_sessions import emit_ended
from sessions.lifecycle.new_id import ADDED_KEYS, give_new_id, given_before
from sessions.lifecycle.new_row import encrypted
from sessions.lifecycle.open import take_over_assigned
from sessions.lifecycle.outage import drop_changes, note_unsaved
from sessions.lifecycle.revocation import drop_revoked, replaced, require_still_there
from sessions.lifecycle.take_over import end_previous
from sessions.loaded_session import Replaced
from sessions.operations.operation import Flow, ReadClock, Save
from sessions.operations.row import Row, StoredValue, require_item_fits
from sessions.request_session import RequestSession
from sessions.session_state import IdChange, SessionState, attributes_of
from sessions.values.csrf import CSRF
from sessions.values.values import UNCHANGED, Changes

MAX_ATTEMPTS = 5


def start_response(session: RequestSession, *, is_sent: bool = True) -> Flow[Headers]:
    """Commit a request's session, and return the header fields to add to the response.

    Args:
        session: the request's.
        is_sent: False if the client closed the connection, so that no cookie can be set.

    Raises:
        SessionNotSaved: the change needs a new token, which can't reach the client.
    """
    state = session.state
    state.response_started = state.response_started or not is_sent
    try:
        if _may_be_assigned(session):
            yield from take_over_assigned(session)
        with state.lock:
            changes = state.data.changes()
            begun = None
            if needs_commit(session.config, state, changes):
                begun = SessionState(*attributes_of(state))
        if begun is not None:
            if session.config.bearer and begun.load_error is None:  # else the commit drops them
                changes = session.client_token.with_way(begun, changes)
            yield from commit_request(session, begun, changes)
    except NOT_SAVED:
        if not is_known(session.failed_save, state):
            session.failed_save = state.copy()  # the application may catch it, and send another
            raise
        _keep_given_id(session)
        drop_unsaved(session.config, state)
        if session.place is not None:
            session.place.put_back()
    state.response_started = True
    return _headers(session)


def _keep_given_id(session: RequestSession) -> None:
    """Keep a new id whose row was found, though what was changed since then can't be saved."""
    state = session.state
    given, row = state.unanswered, state.row
    if given is not None and row is not None and row.session_id == given.row.session_id:
        result = _finished(session.config, state, given)
        state.token = result.token
        session.client_token.note(result)


def end_response(session: RequestSession) -> Flow[None]:
    """Check that no change is lost when the response is over. A logout is committed even now.

    Raises:
        SessionNotSaved: the session was changed after its response started, and not saved.
    """
    state = session.state
    if not state.response_started:
        yield from end_failed(session)
        return
    if _may_be_assigned(session):
        yield from take_over_assigned(session)
    if state.deleted_row is not None:
        yield from commit_request(session, state.copy(), UNCHANGED)
    if has_changed(state, state.data.changes()):
        raise SessionNotSaved(
            "the session was changed after its response had started, and save() was not "
            "called: the change is lost"
        )


def end_failed(session: RequestSession) -> Flow[None]:
    """Commit a logout though the application failed or sends no response.

    Any other change that was not saved is dropped.
    """
    with suppress(TypeError, ValueError):  # the application's own error is raised
        yield from take_over_assigned(session)
    state = session.state
    if state.deleted_row is not None:
        state.logout()
        yield from commit_request(session, state.copy(), UNCHANGED)


def has_changed(state: SessionState, changes: Changes) -> bool:
    """Whether there is anything to save, a touch apart."""
    return (
        changes is not UNCHANGED
        or state.deleted_row is not None
        or state.id_change is not IdChange.NONE
        or state.authenticates
    )


def needs_commit(config: SessionConfig, state: SessionState, changes: Changes) -> bool:
    """Whether a commit would send anything to the store. Does not read the time."""
    if has_changed(state, changes) or (state.row is not None and config.raise_on_revoked):
        return True  # in the latter case a read finds out whether it was revoked
    return state.touch_is_due(config.timeouts, state.loaded_at)


def commit_request(session: RequestSession, begun: SessionState, changes: Changes) -> Flow[None]:
    """Commit a request's session, and handle an outage or the end of the session meanwhile.

    Args:
        session: the request's.
        begun: a copy of its state: a thread of the request may change that meanwhile.
        changes: the changes of the copy's values.
    """
    config, state = session.config, session.state
    if begun.load_error is not None and begun.login_user_id is None:
        drop_changes(config, begun, changes)  # a login begins a session of its own
        return
    if begun.deleted_row is not None:
        yield from _end_others(session, begun.deleted_row)
    try:
        result = yield from _commit_copy(session, begun, changes)
    except StoreUnavailable as outage:
        if changes is not UNCHANGED or has_changed(state, state.data.changes()):
            raise
        note_unsaved(config, outage)
    except SessionRevoked as revoked:
        drop_revoked(config, state, begun, changes, revoked)
    except TooManySessions:
        _withdraw_refused_login(state, begun)
        raise
    else:
        if begun.authenticates and result.token is not None:
            session.device_check.note_proof_of_user(state.row)
        if result is not SAVED:
            state.token = result.token
            session.client_token.note(result)


def _withdraw_refused_login(state: SessionState, begun: SessionState) -> None:
    """Undo a login that was refused, not what another task has done instead meanwhile."""
    if not state.is_ended_or_begun_since(begun):
        state.withdraw_login()


def _commit_copy(
    session: RequestSession, begun: SessionState, changes: Changes
) -> Flow[CommitResult]:
    """Commit the session as it was begun; another task may change it before that is done."""
    committed = SessionState(*attributes_of(begun))
    try:
        return (yield from commit(session.config, committed, changes))
    except SessionRevoked:
        if not session.state.is_ended_or_begun_since(begun):
            raise
        return SAVED  # what another task has asked for meanwhile is committed next
    finally:
        take_over_commit(session.state, begun, committed)


def take_over_commit(state: SessionState, begun: SessionState, committed: SessionState) -> None:
    """Take over the result of a commit, and keep what other tasks of the request did meanwhile.

    Args:
        state: the request's.
        begun: a copy from when the commit began.
        committed: another one, which the commit changed.
    """
    with state.lock:
        if state.data is not begun.data:  # it was logged out: what was saved is to be ended yet
            if state.deleted_row is begun.deleted_row:
                state.deleted_row = committed.deleted_row
            state.deleted_row = committed.row or state.deleted_row
            return
        if state.login_user_id != begun.login_user_id:  # a user logged in: that is not saved yet
            committed.unanswered = None
            if not state.data.has_changed(CSRF):
                state.data.pop(CSRF, None)
        for name in SessionState.__slots__:
            if getattr(state, name) is getattr(begun, name):
                setattr(state, name, getattr(committed, name))


def commit(config: SessionConfig, state: SessionState, changes: Changes) -> Flow[CommitResult]:
    """Write what a request did to its session, and emit the events.

    Args:
        config: the application's.
        state: the session's.
        changes: the changes of its values.

    Raises:
        SessionRevoked: its row is gone or over.
        SessionReplaced: another session replaced it; ``state.replaced`` says which.
        SessionConflict: other requests changed it in every attempt, or once with ``strict=True``.
        SessionTooLarge: it does not fit into an item.
        SessionNotSaved: it needs a cookie, and the response has started.
        TooManySessions: a login was refused.
    """
    if state.row is not None and state.id_change is IdChange.NONE:
        return _save(config, state, state.row, changes)
    return _commit_new_id(config, state, changes)


def _save(
    config: SessionConfig, state: SessionState, row: Row, changes: Changes
) -> Flow[CommitResult]:
    """Save the keys that changed, or note the session's use if that is due."""
    is_changed = changes is not UNCHANGED or state.authenticates
    # The version that was read, even if the row is rotated meanwhile.
    version = row.version if config.strict and is_changed else None
    for _ in range(MAX_ATTEMPTS):
        # A process whose clock is ahead may have saved it; an earlier date would be refused.
        now: int = max((yield ReadClock()), row.last_seen_at)
        use = config.timeouts.use(row, state.loaded_at, now)
        if not (is_changed or (state.is_use and use.is_due)):
            if config.raise_on_revoked:
                require_still_there(state, (yield from find_rotated(config, row.session_id)))
            return SAVED
        noted = changes
        if state.authenticates:
            noted = Changes(with_proof(state, changes.changed, now), changes.removed)
        changed: Mapping[str, StoredValue] = noted.changed
        if config.cipher is not None:
            changed = encrypted(config, row.session_id, noted.changed)
        remaining = {key: stored for key, stored in row.data.items() if key not in noted.removed}
        saved = replace(
            row,
            data={**remaining, **changed},
            version=row.version + is_changed,
            last_seen_at=now,
            expires_at=use.expires_at,
        )
        require_item_fits(saved.data)
        is_saved: bool = yield Save(
            row.session_id,
            row.user_id,
            use.alive_at,
            now,
            use.expires_at,
            changed,
            noted.removed,
            version,
        )
        if is_saved:
            _mark_saved(state, saved, noted)
            return SAVED
        # The row is gone; or it was rotated, and the change belongs in the row that it leads to; or
        # another request saved it with a later time.
        row = yield from _read_again(config, state, row)
    raise SessionConflict("the session was changed again and again while it was saved")


def _read_again(config: SessionConfig, state: SessionState, row: Row) -> Flow[Row]:
    """The row after it refused a save, or the one that it was rotated to."""
    found = yield from find_rotated(config, row.session_id)
    if isinstance(found, Row) and _is_conflict(config, found, row):
        raise SessionConflict("another request changed the session meanwhile (strict=True)")
    return require_still_there(state, found)


def _is_conflict(config: SessionConfig, found: Row, row: Row) -> bool:
    is_same = found.session_id == row.session_id
    return config.strict and is_same and found.version != row.version


def _mark_saved(state: SessionState, row: Row, changes: Changes) -> None:
    """Note the changes that were saved, and the row they are in."""
    # These changes, not the values of now: another task may have changed them meanwhile.
    if state.row is None or state.row.session_id != row.session_id:
        state.last_id = None  # it belongs to the old id
    state.row, state.authenticates = row, False
    for key in ADDED_KEYS:
        if key in changes.changed and not state.data.has_changed(key):
            state.data.set_encoded(key, changes.changed[key])
    state.data.mark_saved(changes)


def _commit_new_id(
    config: SessionConfig, state: SessionState, changes: Changes
) -> Flow[CommitResult]:
    """Commit a session that begins, gets another id, or is logged out."""
    is_login, deleted = state.login_user_id is not None, state.deleted_row
    if state.replaced is not None and not is_login:
        if changes is not UNCHANGED:
            raise replaced(state, state.replaced)
        return SAVED
    if not is_login and state.row is None and not changes.changed:
        if deleted is None:
            return SAVED
        yield from _log_out(config, state, deleted)
        return CommitResult(cookie_cleared=True)
    try:
        earlier = yield from given_before(config, state)
        given = earlier or (yield from give_new_id(config, state, changes))
    except (SessionNotSaved, SessionTooLarge, SessionConflict, TooManySessions):
        if deleted is not None:  # the logout holds even if what came after it fails
            yield from _log_out(config, state, deleted)
        raise
    if isinstance(given, Row):
        # Another request rotated it, and its response brings the cookie: one is enough.
        return (yield from _save(config, state, given, changes))
    is_proof_later = state.authenticates and not given.is_proof
    _mark_saved(state, given.row, given.noted)
    if earlier is not None:
        state.authenticates = is_proof_later
        yield from _save_later_changes(config, state, given.row)
    return _finished(config, state, given)


def _finished(config: SessionConfig, state: SessionState, given: GivenId) -> CommitResult:
    """Note that a session goes on with a new id, and emit the events."""
    deleted = state.deleted_row
    state.id_change, state.login_user_id, state.next_token = IdChange.NONE, None, None
    state.deleted_row, state.replaced, state.unanswered = None, None, None
    emit_ended(config, given.count_change)
    if deleted is not None:
        config.events.emit("destroyed", deleted.session_id, deleted.owner_id)
    event: EventName = "renewed" if deleted is None and given.old is not None else "created"
    config.events.emit(event, given.row.session_id, given.row.owner_id)
    return CommitResult(given.token, event=event)


def _save_later_changes(config: SessionConfig, state: SessionState, row: Row) -> Flow[None]:
    """Save what was changed since the attempt that put the row."""
    later = state.data.changes()
    if later is not UNCHANGED or state.authenticates:
        yield from _save(config, state, row, later)


def _log_out(config: SessionConfig, state: SessionState, row: Row) -> Flow[None]:
    ended = yield from end(row.session_id, row.user_id)
    state.deleted_row = None
    if isinstance(ended, Replaced):
        raise replaced(state, ended)
    config.events.emit("destroyed", row.session_id, row.owner_id)


def _end_others(session: RequestSession, own: Row) -> Flow[None]:
    """End the other sessions that a request's cookies lead to.

    They would stay logged in after the logout of its own, which the commit ends.
    """
    credential = session.credential
    if len(credential.tokens) > 1:
        yield from end_others(session.config, credential.tokens, own)
    if credential.previous is not None:
        yield from end_previous(session.config, credential.previous, own)


def _may_be_assigned(session: RequestSession) -> bool:
    """Whether something else is in the place where the application finds its session."""
    place = session.place
    return place is not None and place.mapping.get(place.key) is not place.session


def _headers(session: RequestSession) -> Headers:
    config, state = session.config, session.state
    headers: Headers = []
    if session.client_token.changes_response:
        headers = session.client_token.fields(state, session.device_check)
    if session.credential.previous is not None:
        headers += session.credential.previous.headers(config.cookie)
    left_field = config.seconds_left_field
    left = None if left_field is None else state.seconds_left(config.timeouts)
    if left_field is not None and left is not None:
        headers.append((left_field, str(left)))
        session.accessed = True  # the response depends on the session
    if session.accessed:
        headers.append(("vary", "Cookie"))
        if config.bearer:
            headers.append(("vary", "Authorization"))
    return headers
