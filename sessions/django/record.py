"""One of Django's sessions: compares Django's dict of its data with the row."""

# Django has no types of its own.
# mypy: disable-error-code="import-untyped"

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib.auth import SESSION_KEY

from sessions.arguments import RESERVED_PREFIX
from sessions.django.expiry import EXPIRY, cookie_end, timeouts_of
from sessions.django.flow import (
    KeyReplaced,
    Loaded,
    commit_session,
    delete_row,
    load_session,
    mark_as_replaced,
    new_session,
)
from sessions.django.values import encode, encode_stored
from sessions.end_reason import EndReason
from sessions.loaded_session import LoadedSession
from sessions.operations.login_lifetime import AS_CONFIGURED, LoginLifetime
from sessions.operations.operation import Flow
from sessions.session_state import IdChange, SessionState
from sessions.values.values import decode

if TYPE_CHECKING:
    from sessions.django.settings import SiteConfig
    from sessions.operations.row import Row

_EMPTY = RESERVED_PREFIX + "kept"
"""The key that is set in a session that Django creates without data."""


class Record:
    """A session as it was read or saved last, to find the changes in Django's dict.

    Args:
        config: the site's.

    Attributes:
        confirmed_user_id: the user who has just authenticated, to be noted with the next save; None
            for nobody.
        login_lifetime: how long the session of the next login lives.
    """

    __slots__ = (
        "_config",
        "_cookie_end",
        "_encoded",
        "_ended",
        "_overlooked",
        "_session",
        "confirmed_user_id",
        "is_use",
        "login_lifetime",
    )

    def __init__(self, config: SiteConfig) -> None:
        self._config = config
        self.login_lifetime = AS_CONFIGURED
        self.confirmed_user_id: str | None = None
        self.is_use = True
        self._session: SessionState | None = None
        self._encoded: dict[str, str] = {}
        self._cookie_end = self._end_of_cookie()  # when it was read
        self._overlooked: dict[str, str] | None = None
        self._ended: Row | None = None  # the row that it had before ``flush``

    @property
    def is_open(self) -> bool:
        """Whether it was read, or is new."""
        return self._session is not None

    @property
    def row(self) -> Row | None:
        """Its row, if it is open and has one."""
        return None if self._session is None else self._session.row  # an empty one is falsy

    def start_new(self) -> None:
        """Become a new session, which has no row."""
        self._session, self._encoded = new_session(), {}
        self._overlooked, self._ended = None, None
        self._cookie_end = self._end_of_cookie()

    def open(self, token: str | None) -> Flow[bool]:
        """Read it; without a token or a row, become a new one. Whether its use was noted."""
        loaded = Loaded(new_session())
        if token is not None:
            loaded = yield from load_session(self._config, token, is_use=self.is_use)
        session = loaded.session
        self.start_new()  # only now: the store may have raised
        self._session = session
        self._encoded = {
            key: text
            for key, text in session.data.saved.items()
            if not key.startswith(RESERVED_PREFIX)
        }
        self._cookie_end = self._end_of_cookie()
        if loaded.event is not None:
            what, session_id, why = loaded.event
            self._config.sessions.events.emit(what, session_id, None, why)
        return loaded.is_touched

    def data(self) -> dict[str, Any]:
        """The data for Django's dict."""
        return {key: decode(key, text) for key, text in self._encoded.items()}

    def differs_from(self, data: Mapping[str, Any]) -> bool:
        """Whether there is anything to save, unless overlooked. Raises as ``encode`` does."""
        return _encode_all(data) != (
            self._encoded if self._overlooked is None else self._overlooked
        )

    def overlook(self, data: Mapping[str, Any]) -> None:
        """Ignore the differences so far, since the application set ``modified = False``."""
        self._overlooked = _encode_all(data)

    @property
    def has_other_cookie_end(self) -> bool:
        """Whether ``set_expiry`` has changed until when the cookie is kept."""
        return self._end_of_cookie() != self._cookie_end

    def remaining_seconds(self, data: Mapping[str, Any]) -> int:
        """The seconds until the end of its lifetime; the whole lifetime if it is new.

        A login begins a new lifetime.
        """
        session, row = self._session, self.row
        if session is None or row is None or row.owner_id != user_id_in(data):
            return self._config.timeouts.of_login(self.login_lifetime).lifetime_seconds
        # By the lifetime when it began, or by that of now if it has become shorter.
        ends_at = self._config.timeouts.of_login(row.lifetime).ends_at(row.created_at)
        return min(row.ends_at, ends_at) - max(row.last_seen_at, session.loaded_at)

    @property
    def seconds_left(self) -> int | None:
        """The seconds that it lives if this request is the last; None if it has no row."""
        state = self.state
        if state.row is None:
            return None
        expiry = json.loads(self._encoded.get(EXPIRY, "null"))
        # Counted from the save: an expiry date does not move when the session is used.
        saved_at = state.row.last_seen_at
        return state.seconds_left(timeouts_of(self._config.timeouts, expiry, saved_at))

    @property
    def lifetime_seconds(self) -> int:
        """The whole lifetime: that chosen for the next login, or else that of its row."""
        chosen = self.login_lifetime
        if chosen == AS_CONFIGURED and self.row is not None:
            chosen = self.row.lifetime
        return self._config.timeouts.of_login(chosen).lifetime_seconds

    @property
    def end_reason(self) -> EndReason | None:
        """Why it was ended elsewhere, if that is known."""
        return None if self._session is None else self._session.end_reason

    @property
    def is_of_a_user(self) -> bool:
        """Whether its row is a user's."""
        return self.row is not None and self.row.owner_id is not None

    def is_logout(self, data: Mapping[str, Any]) -> bool:
        """Whether its row is a user's, and the data no longer names a user."""
        return self.is_of_a_user and user_id_in(data) is None

    @property
    def is_replaced(self) -> bool:
        """Whether another session replaced it a moment ago."""
        return self._session is not None and self._session.replaced is not None

    @property
    def has_next_key(self) -> bool:
        """Whether the next save gives it another key."""
        return self._session is not None and self._session.next_token is not None

    def confirm_login(self, user_id: str) -> None:
        """Note with the next save that the user has just authenticated."""
        self.confirmed_user_id = user_id

    def is_user_of(self, data: Mapping[str, Any], user_id: str) -> bool:
        """Whether Django's dict names this user."""
        return user_id_in(data) == user_id

    def is_confirmed(self, data: Mapping[str, Any]) -> bool:
        """Whether the user in Django's dict has just authenticated."""
        return self.confirmed_user_id is not None and self.is_user_of(data, self.confirmed_user_id)

    @property
    def state(self) -> SessionState:
        """The session's state, for ``sessions.freshness``."""
        return self._opened()

    def choose_key(self) -> str:
        """Choose the next key, which is the cookie's value from the next save on."""
        session = self._opened()
        tokens = self._config.sessions.tokens
        session.next_token = tokens.new()
        return tokens.in_cookie(session.next_token)

    def end(self) -> Flow[None]:
        """Delete its row, and become a new session, or a replaced one if it was replaced."""
        session, row = self._opened(), self.row
        by = session.replaced
        if row is not None:
            by = yield from delete_row(self._config, row)
        self.start_new()
        self._ended = row
        self._session = new_session(LoadedSession(replaced=by))

    def save(
        self, data: Mapping[str, Any], device: str | None, *, is_just_read: bool
    ) -> Flow[str | None]:
        """Write the differences; returns the cookie's value if it is a new one, else None.

        Args:
            data: Django's dict.
            device: the device of a login.
            is_just_read: whether its row need not be checked if there is nothing to write.

        Raises:
            KeyReplaced, UpdateError: another session replaced it; it was ended.
            TypeError, ValueError: the data has something that can't be stored.
        """
        session = self._opened()
        encoded = _encode_all(data)
        if session.replaced is not None and not encoded:
            raise KeyReplaced("another session replaced this one")
        user_id = user_id_in(data)
        _follow_user(session, user_id, device, self.login_lifetime)
        if self.is_confirmed(data):
            session.authenticates = True
            if session.id_change is IdChange.REPLACE:
                session.id_change = IdChange.ROTATE  # requests under way still find it
        for key in {*session.data} - {*encoded}:
            if not key.startswith(RESERVED_PREFIX):
                del session.data[key]
        for key, text in encoded.items():
            if text != self._encoded.get(key) or key not in session.data:
                stored = encode_stored(key, data[key], text)
                session.data.set_encoded(key, stored)
        if not encoded and session.row is None and session.login_user_id is None:
            session.data[_EMPTY] = True
        expiry = data.get(EXPIRY)
        result = yield from commit_session(self._config, session, expiry, is_just_read=is_just_read)
        self._encoded, self._overlooked = encoded, None
        self.confirmed_user_id = None
        if self._ended is not None and session.row is not None and self.is_of_a_user:
            yield from mark_as_replaced(self._ended, session.row)
            self._ended = None
        return result.token and self._config.sessions.tokens.in_cookie(result.token)

    def _end_of_cookie(self) -> str:
        expiry = decode(EXPIRY, self._encoded.get(EXPIRY, "null"))
        return cookie_end(expiry, at_browser_close=settings.SESSION_EXPIRE_AT_BROWSER_CLOSE)

    def _opened(self) -> SessionState:
        assert self._session is not None  # noqa: S101 - the callers have opened it
        return self._session


def _follow_user(
    session: SessionState, user_id: str | None, device: str | None, lifetime: LoginLifetime
) -> None:
    """Make it the session of the user in Django's data."""
    is_chosen = user_id is not None and lifetime not in (AS_CONFIGURED, session.lifetime)
    if user_id == session.user_id and not is_chosen:
        is_login = session.login_user_id is not None  # one whose save has failed
        if session.next_token is not None and session.row is not None and not is_login:
            session.id_change = IdChange.REPLACE
    elif user_id is None:
        session.logout()
    else:
        session.login(user_id, device, lifetime)


def _encode_all(data: Mapping[str, Any]) -> dict[str, str]:
    return {key: encode(key, value) for key, value in data.items()}


def names_user(data: Mapping[str, Any]) -> bool:
    """Whether the data has the user of Django's auth."""
    return user_id_in(data) is not None


def user_id_in(data: Mapping[str, Any]) -> str | None:
    """The user whom Django's auth names in the data; None for nobody."""
    named = data.get(SESSION_KEY)
    return None if named is None else str(named)
