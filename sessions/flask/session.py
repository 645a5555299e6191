"""The session as Flask's own code and its extensions use one."""

from __future__ import annotations

from typing import Any

from flask.sessions import SessionMixin
from markupsafe import Markup

from sessions.config.session_config import SessionConfig
from sessions.request_session import RequestSession
from sessions.session import LoadedSession
from sessions.values.changes import Changes
from sessions.values.csrf import CSRF
from sessions.values.json_value import decode

_FLASHES = "_flashes"
"""Where ``flask.flash`` leaves its messages."""
_PERMANENT = "_permanent"
"""Where ``SessionMixin.permanent`` is stored."""


class FlaskSession(RequestSession, SessionMixin):
    """A ``sessions.Session`` with the members that Flask expects.

    Messages of ``flask.flash`` come back as the pairs that they were, Markup too. Any other value
    is JSON; what would come back as something else is refused where it is set.

    Args:
        config: the application's.
        cookie_header: the request's Cookie field; None if it has none.
        user_key: the key that names the user; see SessionInterface.
    """

    def __init__(
        self, config: SessionConfig, cookie_header: str | None, *, user_key: str | None
    ) -> None:
        super().__init__(config, cookie_header)
        self._was_permanent = config.cookie.persistent
        self._user_key = user_key
        self._flashes: list[Any] | None = None
        self._assigned_keys: set[str] = set()

    def __getitem__(self, key: str) -> Any:
        stored = super().__getitem__(key)
        if key != _FLASHES:
            return stored
        if self._flashes is None:
            self._flashes = [_decode_flash(one) for one in stored]
        return self._flashes

    def __setitem__(self, key: str, value: Any) -> None:
        if key == _FLASHES:
            super().__setitem__(key, [_encode_flash(flash) for flash in value])
            self._flashes = value
        else:
            super().__setitem__(key, value)
        self._assigned_keys.add(key)

    @property
    def new(self) -> bool:  # type: ignore[override]
        """Whether it has no row yet."""
        return self.is_new

    @property
    def modified(self) -> bool:
        """Whether there is anything to save. Changes inside lists and dicts count by themselves."""
        return self.has_changed()

    @modified.setter
    def modified(self, value: bool) -> None:
        if not value and self.has_changed():
            raise ValueError(
                "session.modified = False: a change is always saved; undo the change instead"
            )

    @property
    def permanent(self) -> bool:
        """Whether the cookie outlives the browser's own session; else as ``persistent`` says."""
        return bool(self.get(_PERMANENT, self.config.cookie.persistent))

    @permanent.setter
    def permanent(self, value: bool) -> None:
        self[_PERMANENT] = bool(value)

    def clear(self) -> None:
        """End it, as Flask's own does: what is set later begins another session."""
        self.logout()

    def logout(self) -> None:
        """End it: its row is deleted and the cookie cleared. What is set later begins another."""
        super().logout()
        self._flashes = None
        self._assigned_keys = set()

    def save(self) -> None:
        """Save changes now: for streams, whose response has started; see ``Session.save``."""
        self.apply_flask_changes()
        super().save()

    async def save_async(self) -> None:
        """Save changes now, in an event loop; see ``save``."""
        self.apply_flask_changes()
        await super().save_async()

    def set_loaded(self, loaded: LoadedSession) -> None:
        """Take over what was read."""
        super().set_loaded(loaded)
        text = loaded.encoded.get(_PERMANENT)
        self._was_permanent = self.config.cookie.persistent if text is None else bool(decode(text))
        self._flashes = None

    def changes(self) -> Changes:
        """What the request did to its values, the messages of ``flask.flash`` among them."""
        self._store_flashes()
        return super().changes()

    def apply_flask_changes(self) -> None:
        """Apply what Flask and its extensions do by setting values, before a commit."""
        if not self.is_loaded:
            return
        self._store_flashes()
        self._follow_user()
        if self.row is None and self.login_user_id is None and list(self.data) == [_PERMANENT]:
            # Set before each request, as many apps do, it would make a row for every robot.
            del self.data[_PERMANENT]
        if self.permanent != self._was_permanent:
            if self.row is not None:
                self.rotate()  # to have the cookie set again
            self._was_permanent = self.permanent

    def _store_flashes(self) -> None:
        if self._flashes is not None and _FLASHES in self.data:
            self.data[_FLASHES] = [_encode_flash(flash) for flash in self._flashes]

    def _follow_user(self) -> None:
        """Log in or out with the user that an extension names in the session's data."""
        key = self._user_key
        if key is None or not self.data.has_changed(key):
            return
        named = self.data.get(key)
        user_id = None if named is None else str(named)
        owner_id = self.user_id
        if user_id == owner_id:
            return
        # What was the other user's goes; what this request set, to the same value too, stays.
        stays: set[str] = set()
        if owner_id is not None:
            stays = (self._assigned_keys | set(self.data.changes().changed)) - {CSRF}
        values = {name: self.data[name] for name in self.data if name in stays}
        if user_id is None:
            self.logout()
        else:
            self.login(user_id)
        for name, value in values.items():
            self.data[name] = value


def _encode_flash(flash: Any) -> list[Any]:
    category, message = flash
    if callable(html := getattr(message, "__html__", None)):
        return [category, str(html()), True]
    return [category, message]


def _decode_flash(stored: list[Any]) -> tuple[str, Any]:
    category, message, *is_markup = stored
    return category, Markup(message) if is_markup else message  # noqa: S704 - it was one before
