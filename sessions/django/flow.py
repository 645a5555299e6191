"""The flows of Django's session store: load, commit and delete."""

# Django has no types of its own.
# mypy: disable-error-code="import-untyped"

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from django.contrib.sessions.backends.base import UpdateError

from sessions.commit_result import CommitResult
from sessions.config.session_config import GRACE_SECONDS
from sessions.django.expiry import EXPIRY, is_over, timeouts_of
from sessions.errors import SessionReplaced, SessionRevoked, StoreUnavailable
from sessions.event import EventName
from sessions.lifecycle.commit import commit, has_changed, needs_commit
from sessions.lifecycle.load import InvalidReason, find, load
from sessions.lifecycle.revocation import require_still_there
from sessions.loaded_session import NO_SESSION, LoadedSession, Replaced
from sessions.operations.operation import Create, Delete, Flow, ReadClock
from sessions.operations.row import Row, anonymous
from sessions.session_state import SessionState
from sessions.values.values import NO_VALUES

if TYPE_CHECKING:
    from sessions.django.settings import SiteConfig


def new_session(loaded: LoadedSession = NO_SESSION) -> SessionState:
    """A session as it was read; without a row by default."""
    session = SessionState(NO_VALUES)
    session.set_loaded(loaded)
    return session


def find_session(config: SiteConfig, token: str) -> Flow[LoadedSession | InvalidReason]:
    """The session of a token, or why there is none. One read."""
    found = yield from load(config.sessions, token)
    if isinstance(found, LoadedSession) and found.row is not None:
        over = is_over(config.timeouts, _expiry(found), found.row, found.loaded_at)
        return InvalidReason.OVER if over else found
    return found


class Loaded(NamedTuple):
    """The session of a token.

    Attributes:
        session: the session.
        is_touched: whether its use was noted.
        event: to be emitted once the request has the session: what happened, its id, and why. A
            function that is told, and uses the session, would load it again otherwise.
    """

    session: SessionState
    is_touched: bool = False
    event: tuple[EventName, str | None, str | None] | None = None


def load_session(config: SiteConfig, token: str, *, is_use: bool) -> Flow[Loaded]:
    """The session of a token, with its use noted if that is due; a new one if there is none.

    Args:
        config: the site's.
        token: the cookie's value.
        is_use: whether the request counts as a use of it.
    """
    found = yield from find_session(config, token)
    if isinstance(found, LoadedSession):
        session = new_session(found)
        session.is_use = is_use
        timeouts = timeouts_of(config.timeouts, _expiry(found), found.loaded_at)
        try:
            touch = replace(config.sessions, timeouts=timeouts)
            yield from commit(touch, session, session.data.changes())
        except SessionReplaced:
            session.reset()
            return Loaded(session)
        except SessionRevoked:
            told = LoadedSession(end_reason=session.end_reason)
            found = InvalidReason.UNKNOWN
        except StoreUnavailable:
            # No page fails because its session's use can't be noted.
            return Loaded(session, event=("unavailable", None, None))
        else:
            return Loaded(session, session.row is not found.row)
    else:
        told = LoadedSession(end_reason=found.end_reason)
    session_id = config.sessions.tokens.session_id(token)
    return Loaded(new_session(told), event=("invalid", session_id, found.value))


class KeyReplaced(UpdateError):  # type: ignore[misc]  # Django has no types
    """A login, or another new key, replaced the session's key while the request used it."""


def commit_session(
    config: SiteConfig, session: SessionState, expiry: Any, *, is_just_read: bool
) -> Flow[CommitResult]:
    """Commit a session. If there is nothing to write, check that it still exists.

    Args:
        config: the site's.
        session: with its changes.
        expiry: the value of ``set_expiry`` in its data.
        is_just_read: whether that check is not needed.

    Raises:
        KeyReplaced: another session replaced it.
        UpdateError: it was ended meanwhile.
        TooManySessions: a login was refused.
    """
    now: int = yield ReadClock()
    timed = replace(config.sessions, timeouts=timeouts_of(config.timeouts, expiry, now))
    row, changes = session.row, session.data.changes()
    is_changed = has_changed(session, changes)
    try:
        if row is not None and not is_just_read and not needs_commit(timed, session, changes):
            found = yield from find(timed, row.session_id)
            require_still_there(session, found)
        result = yield from commit(timed, session, changes)
    except SessionReplaced as error:
        if is_changed and session.replaced is not None:
            timed.events.emit("dropped", session.replaced.session_id, None, "replaced")
        raise KeyReplaced(str(error)) from error
    except SessionRevoked as error:
        if row is not None:
            timed.events.emit("revoked", row.session_id, row.owner_id, session.end_reason)
        raise UpdateError(str(error)) from error
    if session.replaced is not None:
        raise KeyReplaced("another session replaced this one")
    session.next_token = None  # if it was not used, another request's response has the new key
    return result


def delete_row(config: SiteConfig, row: Row) -> Flow[Replaced | None]:
    """Delete a row, if it exists; what replaced it, if it was replaced meanwhile."""
    deleted: Row | None = yield Delete(row.session_id, row.user_id)
    if deleted is not None and deleted.replaced_by is not None:
        return Replaced(row.session_id, deleted.replaced_by)
    if deleted is not None:
        config.sessions.events.emit("destroyed", row.session_id, row.owner_id)
    return None


def mark_as_replaced(deleted: Row, by: Row) -> Flow[None]:
    """Put a row that says, for some seconds, that another session replaced a deleted one.

    It has an anonymous sort key, since it is no longer a session of the user.
    """
    yield Create(
        Row(
            deleted.session_id,
            anonymous(deleted.session_id),
            by.created_at,
            by.created_at,
            by.created_at + GRACE_SECONDS,
            by.created_at + GRACE_SECONDS,
            replaced_by=by.session_id,
        )
    )


def _expiry(loaded: LoadedSession) -> Any:
    return json.loads(loaded.encoded.get(EXPIRY, "null"))
