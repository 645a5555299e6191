"""Commits a session: the least that has to be written of what a request did to it.

    nothing done              nothing, or one touch if it is due
    values changed            one save of the keys that changed, if the row is there and not over
    first value               one new row
    login, rotation           one transaction: the new row, and the old one gone or pointing to it
    logout                    one deletion

Changes of different keys by two requests are both saved: a save names its keys, and a login or
rotation that finds the old row changed carries the change over. A deleted row is never restored.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

from sessions.config.session_config import GRACE_SECONDS, SessionConfig
from sessions.config.timeouts import Timeouts
from sessions.errors import SessionConflict, SessionNotSaved, SessionRevoked
from sessions.event import EventName
from sessions.lifecycle.end import end
from sessions.lifecycle.load import InvalidReason, decrypt, find
from sessions.operations.operation import Create, Flow, ReadClock, Replace, Save
from sessions.operations.row import Row, StoredValue, anonymous, require_item_fits
from sessions.session_state import NO_SESSION, IdChange, LoadedSession, SessionState
from sessions.values.changes import Changes
from sessions.values.csrf import CSRF

_MAX_ATTEMPTS = 5


class CommitResult(NamedTuple):
    """What a commit did.

    Attributes:
        token: the token of a new id, for the cookie; None if the id stays.
        cookie_cleared: whether the cookie is to be cleared.
        event: ``"created"`` or ``"renewed"``; None for a save or a touch.
    """

    token: str | None = None
    cookie_cleared: bool = False
    event: EventName | None = None


_SAVED = CommitResult()


def needs_commit(config: SessionConfig, session: SessionState, changes: Changes) -> bool:
    """Whether a commit would write anything, decided without asking the store for the time."""
    if changes or session.deleted_row is not None or session.id_change is not IdChange.NONE:
        return True
    row = session.row
    return row is not None and config.timeouts.touch_is_due(row.last_seen_at, session.loaded_at)


def commit(config: SessionConfig, session: SessionState, changes: Changes) -> Flow[CommitResult]:
    """Write what a session's request did, and emit the events of it.

    Args:
        config: the application's.
        session: the request's.
        changes: what ``session.changes()`` is now.

    Raises:
        SessionRevoked: its row is gone or over.
        SessionConflict: others changed it meanwhile, where that matters.
        SessionTooLarge: it would not fit into an item.
        SessionNotSaved: it needs a cookie, and the response has started.
    """
    deleted = session.deleted_row
    if deleted is not None:
        yield from end(deleted.session_id, deleted.user_id)
        session.deleted_row = None
    if session.login_user_id is not None or session.id_change is IdChange.ROTATE:
        result = yield from _renew_id(config, session, changes)
    elif session.row is None:
        result = yield from _create(config, session, changes)
        result = result._replace(cookie_cleared=deleted is not None)
    else:
        yield from _save(config, session, session.row, changes)
        return _SAVED
    if deleted is not None:
        config.events.emit("destroyed", deleted.session_id, deleted.owner_id)
    if result.event is not None and session.row is not None:
        config.events.emit(result.event, session.row.session_id, session.row.owner_id)
    return result


def _create(config: SessionConfig, session: SessionState, changes: Changes) -> Flow[CommitResult]:
    """A first row, if there is anything to save."""
    if not changes.changed:
        return _SAVED
    _require_cookie(session)
    now: int = yield ReadClock()
    token = config.tokens.new()
    session_id = config.tokens.session_id(token)
    row = _new_row(config.timeouts, session_id, anonymous(session_id), now, now)
    row = replace(row, data=_encrypted(config, session_id, changes.changed))
    require_item_fits(row.data)
    yield Create(row)
    _mark_saved(session, row, changes)
    return CommitResult(token, event="created")


def _save(config: SessionConfig, session: SessionState, row: Row, changes: Changes) -> Flow[None]:
    """The keys that changed, or a touch if one is due."""
    has_changed = bool(changes)
    # Of the row that was read, wherever it was rotated to meanwhile.
    version = row.version if config.strict and has_changed else None
    for _ in range(_MAX_ATTEMPTS):
        now: int = yield ReadClock()
        if not has_changed and not config.timeouts.touch_is_due(row.last_seen_at, now):
            return
        changed = _encrypted(config, row.session_id, changes.changed)
        data = {**_without(row.data, changes.removed), **changed}
        require_item_fits(data)
        expires_at = min(config.timeouts.expires_at(row.created_at, now), row.ends_at)
        saved = yield Save(
            row.session_id,
            row.user_id,
            now,
            now,
            expires_at,
            changed,
            changes.removed,
            version,
        )
        if saved:
            saved_row = replace(
                row,
                data=data,
                version=row.version + has_changed,
                last_seen_at=now,
                expires_at=expires_at,
            )
            _mark_saved(session, saved_row, changes)
            return
        # Gone; or rotated meanwhile, and then the change belongs to the row that it points to.
        row = yield from _follow_rotation(config, row)
    raise SessionConflict("the session was rotated again and again while it was saved")


def _follow_rotation(config: SessionConfig, row: Row) -> Flow[Row]:
    """The row that one which refused a save was rotated to."""
    found = yield from find(config, row.session_id)
    if isinstance(found, Row) and found.successor is not None:
        found = yield from find(config, found.successor)
    elif isinstance(found, Row):
        raise SessionConflict("another request changed the session meanwhile (strict=True)")
    if isinstance(found, InvalidReason):
        raise SessionRevoked("the session was ended while this request used it")
    return found


def _renew_id(config: SessionConfig, session: SessionState, changes: Changes) -> Flow[CommitResult]:
    """A new id: for the user who logged in, or for the same session."""
    _require_cookie(session)
    token = config.tokens.new()
    session_id = config.tokens.session_id(token)
    user_id, old = session.login_user_id, session.row
    # Of the row, not of the session: an earlier save may have carried another request's change.
    loaded = NO_SESSION if old is None else decrypt(config, old, 0)
    if isinstance(loaded, InvalidReason):
        raise SessionRevoked("the session can't be decrypted any more")
    encoded = _carried_over(loaded.encoded, changes, login=user_id is not None)
    for _ in range(_MAX_ATTEMPTS):
        now: int = yield ReadClock()
        new = _renewed_row(config, session, session_id, now, old, changes)
        new = replace(new, data=_encrypted(config, session_id, encoded))
        require_item_fits(new.data)
        if old is None:
            yield Create(new)
            break
        grace_until = None if user_id else min(now + GRACE_SECONDS, new.expires_at)
        if (yield Replace(old, new, now, grace_until)):
            break
        refused = old
        old, encoded = yield from _reload(config, refused, changes, login=user_id is not None)
        if config.strict and old is not None and old.version != refused.version:
            raise SessionConflict("another request changed the session meanwhile (strict=True)")
        if old is not None and user_id is None and old.session_id != refused.session_id:
            # Another request rotated it: its cookie is on the way, and a second one is not needed.
            session.row, session.id_change = old, IdChange.NONE
            yield from _save(config, session, old, changes)
            return _SAVED
    else:
        raise SessionConflict("the session was changed again and again while it got a new id")
    _mark_saved(session, new, changes)
    session.id_change, session.login_user_id = IdChange.NONE, None
    return CommitResult(token, event="renewed" if old else "created")


def _reload(
    config: SessionConfig, refused: Row, changes: Changes, *, login: bool
) -> Flow[tuple[Row | None, dict[str, str]]]:
    """The row to start the next attempt with, and its values with this request's changes."""
    found = yield from find(config, refused.session_id)
    if isinstance(found, Row) and found.successor is not None:
        found = yield from find(config, found.successor)
    loaded = decrypt(config, found, 0) if isinstance(found, Row) else found
    if isinstance(loaded, LoadedSession):
        return loaded.row, _carried_over(loaded.encoded, changes, login=login)
    if login:
        # A user who was just authenticated gets a session, though the one before is gone.
        return None, dict(changes.changed)
    raise SessionRevoked("the session was ended while this request used it")


def _carried_over(encoded: Mapping[str, str], changes: Changes, *, login: bool) -> dict[str, str]:
    """A row's values with this request's changes, for the row under the new id."""
    values = changes.applied_to(encoded)
    if login and CSRF not in changes.changed:
        values.pop(CSRF, None)  # of the session before the login
    return values


def _renewed_row(
    config: SessionConfig,
    session: SessionState,
    session_id: str,
    now: int,
    old: Row | None,
    changes: Changes,
) -> Row:
    if session.login_user_id is not None:
        row = _new_row(config.timeouts, session_id, session.login_user_id, now, now)
        return replace(row, device=session.device)
    assert old is not None  # noqa: S101 - only a login starts without a row
    user_id = old.owner_id or anonymous(session_id)
    row = _new_row(config.timeouts, session_id, user_id, old.created_at, now)
    return replace(
        row,
        ends_at=min(row.ends_at, old.ends_at),
        expires_at=min(row.expires_at, old.ends_at),
        device=old.device,
        version=old.version + bool(changes),
    )


def _new_row(timeouts: Timeouts, session_id: str, user_id: str, created_at: int, now: int) -> Row:
    expires_at, ends_at = timeouts.expires_at(created_at, now), timeouts.ends_at(created_at)
    return Row(session_id, user_id, created_at, now, expires_at, ends_at)


def _encrypted(
    config: SessionConfig, session_id: str, encoded: Mapping[str, str]
) -> dict[str, StoredValue]:
    """Values as they are stored: their JSON, encrypted if the options ask for it."""
    if config.cipher is None:
        return dict(encoded)
    return {key: config.cipher.encrypt(session_id, key, text) for key, text in encoded.items()}


def _without(data: Mapping[str, StoredValue], removed: frozenset[str]) -> dict[str, StoredValue]:
    return {key: stored for key, stored in data.items() if key not in removed}


def _mark_saved(session: SessionState, row: Row, changes: Changes) -> None:
    # These changes, not the values of now: another task may have changed them meanwhile.
    session.row = row
    session.data.mark_saved(changes)


def _require_cookie(session: SessionState) -> None:
    if session.response_started:
        raise SessionNotSaved(
            "the session is new or has a new id, and its response has started: the cookie can't be "
            "set any more; create or change it before the response starts"
        )
