"""Flows of Django's session store: load, commit and delete, blocking or not."""

# Django has no types of its own.
# mypy: disable-error-code="import-untyped"

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from django.contrib.sessions.backends.base import UpdateError

from sessions.django.expiry import EXPIRY, is_over, timeouts_of
from sessions.errors import SessionRevoked
from sessions.lifecycle.commit import commit
from sessions.lifecycle.commit_result import CommitResult
from sessions.lifecycle.load import InvalidReason, load
from sessions.operations.operation import Delete, Flow, ReadClock
from sessions.operations.row import Row
from sessions.session_state import NO_SESSION, LoadedSession, SessionState

if TYPE_CHECKING:
    from sessions.config.session_config import SessionConfig
    from sessions.cookie.token import Tokens
    from sessions.django.settings import SiteConfig


def new_session(loaded: LoadedSession = NO_SESSION) -> SessionState:
    """A session as it was read; without a row by default."""
    session = SessionState()
    session.set_loaded(loaded)
    return session


def find_session(config: SiteConfig, token: str) -> Flow[LoadedSession | InvalidReason]:
    """The session of a token, or why there is none. One read."""
    found = yield from load(config.sessions, token)
    if isinstance(found, LoadedSession) and found.row is not None:
        over = is_over(config.timeouts, _expiry(found), found.row, found.loaded_at)
        return InvalidReason.OVER if over else found
    return found


def load_session(config: SiteConfig, token: str) -> Flow[tuple[SessionState, bool]]:
    """The session of a token, with its use noted if that is due; a new one if there is none.

    Returns:
        the session, and whether its use was noted.
    """
    found = yield from find_session(config, token)
    if isinstance(found, LoadedSession):
        session = new_session(found)
        timeouts = timeouts_of(config.timeouts, _expiry(found), found.loaded_at)
        try:
            touch = replace(config.sessions, timeouts=timeouts)
            yield from commit(touch, session, session.changes())
        except SessionRevoked:
            found = InvalidReason.UNKNOWN
        else:
            return session, session.row is not found.row
    session_id = config.sessions.tokens.session_id(token)
    config.sessions.events.emit("invalid", session_id, None, found.value)
    return new_session(), False


def commit_session(
    config: SiteConfig, session: SessionState, expiry: Any, token: str | None
) -> Flow[CommitResult]:
    """Commit a session.

    Args:
        config: the site's.
        session: with its changes.
        expiry: the value of ``set_expiry`` in its data.
        token: the token of a new id, which ``cycle_key`` has returned already; None for any other.

    Raises:
        UpdateError: the session was ended meanwhile, or given another id by another request.
    """
    now: int = yield ReadClock()
    timeouts = timeouts_of(config.timeouts, expiry, now)
    row, is_login = session.row, session.login_user_id is not None
    try:
        with_token = _with_next_token(replace(config.sessions, timeouts=timeouts), token)
        result = yield from commit(with_token, session, session.changes())
    except SessionRevoked as error:
        if row is not None:
            config.sessions.events.emit("revoked", row.session_id, row.owner_id)
        raise UpdateError(str(error)) from error
    if token is not None and result.token is None:
        raise UpdateError("another request changed the session's id meanwhile")
    if result.token is not None and row is not None and not is_login:
        # Django's cycle_key leaves nothing of the old id, and no grace.
        yield Delete(row.session_id, row.user_id)
    return result


def delete_row(config: SiteConfig, row: Row) -> Flow[None]:
    """Delete a row, there or not."""
    deleted: Row | None = yield Delete(row.session_id, row.user_id)
    if deleted is not None and deleted.replaced_by is None:
        config.sessions.events.emit("destroyed", row.session_id, row.owner_id)


def _expiry(loaded: LoadedSession) -> Any:
    return json.loads(loaded.encoded.get(EXPIRY, "null"))


def _with_next_token(config: SessionConfig, token: str | None) -> SessionConfig:
    if token is None:
        return config
    return replace(config, tokens=cast("Tokens", _NextToken(config.tokens, token)))


class _NextToken:
    """Tokens whose next one is known."""

    __slots__ = ("_next", "session_id")

    def __init__(self, tokens: Tokens, token: str) -> None:
        self._next = token
        self.session_id = tokens.session_id

    def new(self) -> str:
        return self._next
