"""Saves a session's changes in its row, or in the row that it was rotated to meanwhile."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from sessions.config.session_config import SessionConfig
from sessions.errors import SessionConflict, SessionReplaced, SessionRevoked
from sessions.freshness import AUTHENTICATED_AT, with_proof
from sessions.lifecycle.commit_result import SAVED, CommitResult
from sessions.lifecycle.load import InvalidReason, find_rotated
from sessions.loaded_session import Replaced
from sessions.operations.operation import Flow, ReadClock, Save
from sessions.operations.row import Row, StoredValue, require_item_fits
from sessions.session_state import SessionState
from sessions.values.values import UNCHANGED, Changes

MAX_ATTEMPTS = 5


def save(
    config: SessionConfig, session: SessionState, row: Row, changes: Changes
) -> Flow[CommitResult]:
    """Save the keys that changed, or note the session's use if that is due."""
    has_changed = changes is not UNCHANGED or session.authenticates
    # The version that was read, even if the row is rotated meanwhile.
    version = row.version if config.strict and has_changed else None
    for _ in range(MAX_ATTEMPTS):
        # A process whose clock is ahead may have saved it; an earlier date would be refused.
        now: int = max((yield ReadClock()), row.last_seen_at)
        touch_is_due = session.is_use and config.timeouts.touch_is_due(row, now)
        if not (has_changed or touch_is_due):
            if config.raise_on_revoked:
                require_still_there(session, (yield from find_rotated(config, row.session_id)))
            return SAVED
        noted = changes
        if session.authenticates:
            noted = Changes(with_proof(session, changes.changed, now), changes.removed)
        changed = encrypted(config, row.session_id, noted.changed)
        saved = replace(
            row,
            data={**_without(row.data, changes.removed), **changed},
            version=row.version + has_changed,
            last_seen_at=now,
            expires_at=config.timeouts.end_after_use(row, now),
        )
        require_item_fits(saved.data)
        operation = Save(
            row.session_id,
            row.user_id,
            config.timeouts.alive_at(row, session.loaded_at, now),
            now,
            saved.expires_at,
            changed,
            changes.removed,
            version,
        )
        if (yield operation):
            mark_saved(session, saved, noted)
            return SAVED
        # The row is gone; or it was rotated, and the change belongs in the row that it leads to; or
        # another request saved it with a later time.
        row = yield from _read_again(config, session, row)
    raise SessionConflict("the session was changed again and again while it was saved")


def _read_again(config: SessionConfig, session: SessionState, row: Row) -> Flow[Row]:
    """The row after it refused a save, or the one that it was rotated to."""
    found = yield from find_rotated(config, row.session_id)
    if isinstance(found, Row) and _is_conflict(config, found, row):
        raise SessionConflict("another request changed the session meanwhile (strict=True)")
    return require_still_there(session, found)


def _is_conflict(config: SessionConfig, found: Row, row: Row) -> bool:
    is_same = found.session_id == row.session_id
    return config.strict and is_same and found.version != row.version


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


def encrypted(
    config: SessionConfig, session_id: str, encoded: Mapping[str, str]
) -> dict[str, StoredValue]:
    """Values as they are stored: their JSON, encrypted if the options say so."""
    if config.cipher is None or not config.cipher.encrypts:
        return dict(encoded)
    return {key: config.cipher.encrypt(session_id, key, text) for key, text in encoded.items()}


def mark_saved(session: SessionState, row: Row, changes: Changes) -> None:
    """Note the changes that were saved, and the row they are in."""
    # These changes, not the values of now: another task may have changed them meanwhile.
    if session.row is None or session.row.session_id != row.session_id:
        session.last_id = None  # it belongs to the old id
    session.row = row
    if session.authenticates:
        session.data.set_encoded(AUTHENTICATED_AT, changes.changed[AUTHENTICATED_AT])
        session.authenticates = False
    session.data.mark_saved(changes)


def _without(data: Mapping[str, StoredValue], removed: frozenset[str]) -> dict[str, StoredValue]:
    return {key: stored for key, stored in data.items() if key not in removed}
