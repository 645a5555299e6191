"""The session as Flask's own code and its extensions use one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from flask.sessions import SessionMixin

from sessions.cookie.headers import Headers
from sessions.flask.authentication import answered_by_flask
from sessions.flask.flashed_messages import FLASHES, FlashedMessages
from sessions.lifecycle.commit import end_failed, end_response, start_response
from sessions.request_session import RequestSession
from sessions.session import Session
from sessions.values.csrf import CSRF
from sessions.values.values import Values, decode

_PERMANENT = "_permanent"
"""The key under which ``SessionMixin.permanent`` is stored."""


FRESH = "_fresh"
"""The key under which Flask-Login keeps whether the user has logged in, and was not remembered."""


class FlaskSession(Session, SessionMixin):
    """A ``sessions.Session`` with the members that Flask expects.

    Messages of ``flask.flash`` are returned as the same pairs, Markup included. Any other value is
    JSON; one that JSON would change is refused when it is set.

    Args:
        request_session: the request's.
        user_key: the key that names the user; see SessionInterface.
    """

    _shown_names = Session._shown_names | {
        "accessed",
        "end_failed",
        "end_response",
        "modified",
        "new",
        "permanent",
        "start_response",
    }

    def __init__(self, request_session: RequestSession, *, user_key: str | None) -> None:
        super().__init__(request_session)
        request_session.follow_user = self._follow_user
        self._was_permanent: bool | None = None  # until it is read
        self._user_key = user_key
        self._flashes = FlashedMessages()
        self._assigned_keys: set[str] = set()

    def __getitem__(self, key: str) -> Any:
        if key == FLASHES:
            return self._flashes.list_in(self._used())
        return super().__getitem__(key)

    def __setitem__(self, key: str, value: Any) -> None:
        if key == FLASHES:
            self._flashes.assign(self._used(), value)
        else:
            super().__setitem__(key, value)
        self._assigned_keys.add(key)

    def __delitem__(self, key: str) -> None:
        if key == FLASHES:
            self._flashes.remove(self._used())
        else:
            super().__delitem__(key)

    def __iter__(self) -> Iterator[str]:
        yield from super().__iter__()
        if FLASHES in self:
            yield FLASHES

    def __contains__(self, key: object) -> bool:
        if key == FLASHES:
            return self._flashes.exist(self._used())
        return super().__contains__(key)

    # The attributes that Flask uses of each session: no key hides them.

    @property
    def accessed(self) -> bool:
        """Whether the application used it."""
        return self._request_session.accessed

    @accessed.setter
    def accessed(self, value: bool) -> None:
        self._request_session.accessed = value

    @property
    def new(self) -> bool:  # type: ignore[override]
        """Whether it has no row yet."""
        return self._used_state().row is None

    def _has_changed(self) -> bool:
        self._flashes.store(self._request_session.state.data)
        return super()._has_changed()

    @property
    def permanent(self) -> bool:
        """Whether the cookie outlives the browser's own session.

        If it was never set, the login's ``persistent`` decides, or else the option.
        """
        state = self._used_state()  # loads the row, which has what the login chose
        return bool(self.get(_PERMANENT, self._request_session.client_token.is_persistent(state)))

    @permanent.setter
    def permanent(self, value: bool) -> None:
        self[_PERMANENT] = bool(value)

    def login(
        self,
        user_id: str,
        *,
        device: str | None = None,
        idle: int | None = None,
        lifetime: int | None = None,
        persistent: bool | None = None,
    ) -> None:
        """Make it the session of a user; see ``Session.login``.

        ``persistent`` takes the place of a ``permanent`` that was set before.
        """
        super().login(user_id, device=device, idle=idle, lifetime=lifetime, persistent=persistent)
        if persistent is not None:
            self.pop(_PERMANENT, None)

    def clear(self) -> None:
        """End it, as ``logout`` does: a value that is set later begins another session."""
        super().clear()
        self._forget_assignments()

    def logout(self) -> None:
        """End it: delete its row and clear the cookie; see ``Session.logout``."""
        super().logout()
        self._forget_assignments()

    def require_fresh(self, seconds: int) -> None:
        """Check that the user authenticated recently enough; see ``Session.require_fresh``.

        Raises:
            ReauthenticationRequired: they did not. Flask answers 401, unless the application has an
                error handler for it.
        """
        with answered_by_flask():
            super().require_fresh(seconds)

    def require_user(self) -> str:
        """The user who is logged in; see ``Session.require_user``.

        Raises:
            AuthenticationRequired: nobody is logged in. Flask answers 401, unless the application
                has an error handler for it.
        """
        with answered_by_flask():
            return super().require_user()

    def issue_token(self) -> str:
        """Save, and return the token for a client without cookies; see ``Session.issue_token``."""
        self._apply_flask_changes()
        return super().issue_token()

    async def issue_token_async(self) -> str:
        """Save, and return the token, in an event loop; see ``issue_token``."""
        self._apply_flask_changes()
        return await super().issue_token_async()

    def save(self) -> None:
        """Save changes now: for streams, whose response has started; see ``Session.save``."""
        self._apply_flask_changes()
        super().save()

    async def save_async(self) -> None:
        """Save changes now, in an event loop; see ``save``."""
        self._apply_flask_changes()
        await super().save_async()

    def reload(self) -> None:
        """Read it again; see ``Session.reload``."""
        self._apply_flask_changes()
        super().reload()
        self._forget_assignments()

    async def reload_async(self) -> None:
        """Read it again, in an event loop; see ``reload``."""
        self._apply_flask_changes()
        await super().reload_async()
        self._forget_assignments()

    def start_response(self) -> Headers:
        """Commit it, and return the header fields to add to the response."""
        request_session = self._request_session
        self._apply_flask_changes()
        if request_session.state.is_loaded:
            request_session.client_token.persistent = self.permanent
        values = request_session.state.data
        headers = request_session.driver.run(start_response(request_session))
        if request_session.state.data is not values:
            self._forget_assignments()
        return headers

    def end_response(self) -> None:
        """Check that no change is lost when the response is over; see RequestSession."""
        self._flashes.store(self._request_session.state.data)
        self._request_session.driver.run(end_response(self._request_session))

    def end_failed(self) -> None:
        """Commit a logout, also an extension's, though the application failed."""
        if self._request_session.state.is_loaded:
            with suppress(TypeError, ValueError):  # the application's own error is raised
                self._follow_user()
        self._request_session.driver.run(end_failed(self._request_session))

    def _apply_flask_changes(self) -> None:
        """Before a commit, apply what Flask and its extensions mean by values that they set."""
        state = self._request_session.state
        if not state.is_loaded:
            return
        self._flashes.store(self._request_session.state.data)
        self._follow_user()
        if state.row is None and state.login_user_id is None and list(state.data) == [_PERMANENT]:
            # Many apps set it before each request: that must not make a row for every robot.
            del state.data[_PERMANENT]
        permanent = self.permanent
        if permanent != self._was_permanent:
            is_cookie = self._request_session.client_token.is_cookie
            if state.row is not None and is_cookie and not state.response_started:
                state.rotate()  # to have the cookie set again
            self._was_permanent = permanent

    def _forget_assignments(self) -> None:
        self._flashes.forget()
        self._assigned_keys = set()

    def _follow_user(self) -> None:
        """Log in or out with the user that an extension names in the session's data."""
        key, state = self._user_key, self._request_session.state
        if key is None:
            return
        if not state.data.has_changed(key):
            self._follow_confirmation()
            return
        named = state.data.get(key)
        user_id = None if named is None else str(named)
        owner_id = state.user_id
        if user_id == owner_id:
            self._follow_confirmation()
            return
        # The other user's values are dropped; those that this request set are kept.
        stays: set[str] = set()
        if owner_id is not None:
            stays = (self._assigned_keys | set(state.data.changes().changed)) - {CSRF}
        values = {name: state.data[name] for name in state.data if name in stays}
        if user_id is None:
            self._request_session.logout()
        else:
            state.login(user_id, None)
        for name, value in values.items():
            state.data[name] = value
        if user_id is not None and state.data.get(FRESH) is False:
            state.authenticates = False  # Flask-Login remembered the user, who did not authenticate
        self._assigned_keys.discard(FRESH)  # handled: it must not count as a later confirmation

    def _follow_confirmation(self) -> None:
        """Note that the same user has logged in again, or confirmed it, by an extension."""
        state = self._request_session.state
        was_set = FRESH in self._assigned_keys and state.data.get(FRESH) is True
        if was_set and state.row is not None and state.user_id and not state.response_started:
            state.confirm_login(state.user_id)
            self._assigned_keys.discard(FRESH)

    def _used(self) -> Values:
        values = super()._used()
        if self._was_permanent is None:
            request_session = self._request_session
            persistent = request_session.client_token.is_persistent(request_session.state)
            text = values.saved.get(_PERMANENT)
            self._was_permanent = persistent if text is None else bool(decode(_PERMANENT, text))
        return values
