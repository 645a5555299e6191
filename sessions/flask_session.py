"""The session as Flask's own code and its extensions use one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask.sessions import SessionMixin
from markupsafe import Markup

from sessions.csrf import CSRF
from sessions.session import Opened, Session
from sessions.value import decoded

if TYPE_CHECKING:
    from sessions.visit import Visit

_FLASHES = "_flashes"
"""Where ``flask.flash`` leaves its messages."""
_PERMANENT = "_permanent"
"""Where ``SessionMixin.permanent`` is kept."""


class FlaskSession(Session, SessionMixin):
    """A ``sessions.Session`` with the members that Flask expects.

    Messages of ``flask.flash`` come back as the pairs that they were, Markup too. Any other value
    is JSON; what would come back as something else is refused where it is set.

    Attributes:
        visit: the request's visit to the desk.
    """

    def __init__(self, visit: Visit, *, persistent: bool, user_key: str | None) -> None:
        super().__init__(visit)
        self.visit = visit
        self._persistent = persistent
        self._was_permanent = persistent
        self._user_key = user_key
        self._flashes: list[Any] | None = None
        self._set: set[str] = set()

    def __getitem__(self, key: str) -> Any:
        stored = super().__getitem__(key)
        if key != _FLASHES:
            return stored
        if self._flashes is None:
            self._flashes = [_flash_of(one) for one in stored]
        return self._flashes

    def __setitem__(self, key: str, value: Any) -> None:
        if key == _FLASHES:
            super().__setitem__(key, [_stored(flash) for flash in value])
            self._flashes = value
        else:
            super().__setitem__(key, value)
        self._set.add(key)

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
                "session.modified = False: what has changed is saved; take the change back instead"
            )

    @property
    def permanent(self) -> bool:
        """Whether the cookie outlives the browser's own session; else as ``persistent`` says."""
        return bool(self.get(_PERMANENT, self._persistent))

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
        self._set = set()

    def save(self) -> None:
        """Save changes now: for streams, whose response has begun; see ``Session.save``."""
        self.settle()
        super().save()

    async def save_async(self) -> None:
        """Save changes now, in an event loop; see ``save``."""
        self.settle()
        await super().save_async()

    def adopt(self, opened: Opened) -> None:
        """Be what was read."""
        super().adopt(opened)
        text = opened.texts.get(_PERMANENT)
        self._was_permanent = self._persistent if text is None else bool(decoded(text))
        self._flashes = None

    def has_changed(self) -> bool:
        """Whether there is anything to save, a touch apart."""
        self._keep_flashes()
        return super().has_changed()

    def settle(self) -> None:
        """Make what was done in Flask's ways the session's own, before it is committed."""
        if not self.is_opened():
            return
        self._keep_flashes()
        self._follow_user()
        if self.row is None and self.login_as is None and list(self.values_) == [_PERMANENT]:
            # Set before each request, as many apps do, it would make a row for every robot.
            del self.values_[_PERMANENT]
        if self.permanent != self._was_permanent:
            if self.row is not None:
                self.rotate()  # to have the cookie set again
            self._was_permanent = self.permanent

    def _keep_flashes(self) -> None:
        if self._flashes is not None and _FLASHES in self.values_:
            self.values_[_FLASHES] = [_stored(flash) for flash in self._flashes]

    def _follow_user(self) -> None:
        """Log in or out with the user that an extension names in the session's data."""
        key = self._user_key
        changes = self.values_.changes()
        if key is None or (key not in changes.changed and key not in changes.removed):
            return
        named = self.values_.get(key)
        user_id = None if named is None else str(named)
        owner_id = self.user_id
        if user_id == owner_id:
            return
        # What was the other user's goes; what this request did, and be it to set the same, stays.
        mine = {name: text for name, text in self.values_.texts().items() if name in self._set}
        mine |= {name: text for name, text in changes.changed.items() if name != CSRF}
        if user_id is None:
            self.logout()
        else:
            self.login(user_id)
        if owner_id is not None:
            for name, text in mine.items():
                self.values_[name] = decoded(text)


def _stored(flash: Any) -> list[Any]:
    category, message = flash
    if callable(html := getattr(message, "__html__", None)):
        return [category, str(html()), True]
    return [category, message]


def _flash_of(stored: list[Any]) -> tuple[str, Any]:
    category, message, *is_markup = stored
    return category, Markup(message) if is_markup else message  # noqa: S704 - it was one before
