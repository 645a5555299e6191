"""Django's session in the store: read, write and end it by its key.

Its values and its expiry are in ``store.py``.
"""

# Django has no types of its own.
# mypy: disable-error-code="import-untyped"

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum, auto
from typing import Any, Self

from django.contrib.sessions.backends.base import SessionBase, UpdateError
from django.contrib.sessions.exceptions import SessionInterrupted

from sessions.cookie.token import MAX_COOKIES
from sessions.django.keyed_session import KeyedSession
from sessions.django.record import user_id_in
from sessions.django.settings import site_config
from sessions.operations.operation import Flow


class _NoFailure(Enum):
    NONE = auto()


class StoredSession(SessionBase):  # type: ignore[misc]  # Django has no types
    """A session that is kept under a key; see ``SessionStore``.

    Args:
        session_key: the cookie's value.
    """

    def __init__(self, session_key: str | None = None) -> None:
        self.device: str | None = None
        self._failed_save_of: str | _NoFailure | None = _NoFailure.NONE
        self._config = site_config()
        self._keyed = KeyedSession(self._config, session_key)
        super().__init__(self._keyed.key)

    @classmethod
    def of_cookie_field(cls, field: str) -> Self:
        """The session that a request's Cookie field leads to.

        Of up to three well-formed keys, the first that has a session counts. If none is
        well-formed, they may be keys of SESSIONS["PREVIOUS_ENGINE"].
        """
        sessions = site_config().sessions
        values = sessions.cookie.values_in(field)
        keys = list(sessions.tokens.of_cookies(values))
        if not keys:
            keys = [value for value in dict.fromkeys(values) if value][:MAX_COOKIES]
        store = cls(keys[0] if keys else None)
        store._keyed.add_keys(keys[1:])
        return store

    @property
    def session_key(self) -> str | None:
        """The cookie's value; None if there is no session that it could lead to."""
        return self._keyed.key

    @property
    def _session_key(self) -> str | None:
        return self._keyed.key

    @_session_key.setter
    def _session_key(self, key: str | None) -> None:
        self._keyed.key = key if self._keyed.is_well_formed(key) else None

    # What was set

    def clear(self) -> None:
        """Empty it, its user included: a logout, when it is saved.

        Raises:
            StoreUnavailable: it could not be read, so it can't be ended.
        """
        self._keyed.require_readable("session.clear()")
        super().clear()

    @property
    def modified(self) -> bool:
        """Whether there is anything to save: a value was set, or changed inside."""
        return self._modified or (
            hasattr(self, "_session_cache") and self._keyed.record.differs_from(self._session_cache)
        )

    @modified.setter
    def modified(self, value: bool) -> None:
        self._modified = value
        if not value and hasattr(self, "_session_cache"):
            self._keyed.record.overlook(self._session_cache)

    # For the middleware

    @property
    def is_of_request(self) -> bool:
        """Whether ``sessions.django.SessionMiddleware`` made it; see above."""
        return self._keyed.is_of_request

    @is_of_request.setter
    def is_of_request(self, value: bool) -> None:
        self._keyed.is_of_request = value

    @property
    def has_ended(self) -> bool:
        """Whether the request's key is invalid: it was malformed, or ``flush`` ended it."""
        return self._keyed.has_ended

    def has_other_cookie(self) -> bool:
        """Whether the browser's cookie must be set again: its key or its expiry has changed."""
        return self._keyed.has_other_cookie

    def is_logout(self) -> bool:
        """Whether its user may have been removed from its data, which is a logout."""
        if not hasattr(self, "_session_cache"):
            return False
        if self._keyed.record.is_open:
            return self._keyed.record.is_logout(self._session_cache)
        return self.session_key is not None  # ``clear`` does not read it

    def has_unsaved(self) -> bool:
        """Whether a save would write anything."""
        if not hasattr(self, "_session_cache"):
            return False
        record = self._keyed.record
        if self._keyed.is_deleted or (self._modified and not record.is_open):
            return True
        if record.has_next_key or record.is_confirmed(self._session_cache):
            return True
        return record.differs_from(self._session_cache)

    @property
    def is_known_to_fail(self) -> bool:
        """Whether the last ``save`` raised, and nobody has logged in or out since.

        The application knows of that; see ``sessions.failed_save``.
        """
        return self._failed_save_of == self._user_named()

    def drop_unsaved(self) -> None:
        """Emit the event of changes that were not saved, and can't be any more."""
        self._keyed.emit_dropped("not_saved")

    # Read, written, ended: blocking, and in an event loop

    def load(self) -> dict[str, Any]:
        """Read it. If the key has no session, it becomes None."""
        is_again = hasattr(self, "_session_cache")
        self._noted(self._keyed.run(self._keyed.open(again=is_again)))
        return self._keyed.record.data()

    async def aload(self) -> dict[str, Any]:
        """Read it in an event loop."""
        is_again = hasattr(self, "_session_cache")
        self._noted(await self._keyed.run_async(self._keyed.open(again=is_again)))
        if not is_again and hasattr(
            self, "_session_cache"
        ):  # another task of the request was first
            return self._session_cache
        return self._keyed.record.data()

    def exists(self, session_key: str | None) -> bool:
        """Whether a key has a session that is not over."""
        return self._keyed.run(self._keyed.find(session_key)) is not None

    async def aexists(self, session_key: str | None) -> bool:
        """The same in an event loop."""
        return await self._keyed.run_async(self._keyed.find(session_key)) is not None

    def create(self) -> None:
        """Begin another session, which has a row at once."""
        self._keyed.start_new()
        self.save(must_create=True)

    async def acreate(self) -> None:
        """The same in an event loop."""
        self._keyed.start_new()
        await self.asave(must_create=True)

    def save(self, must_create: bool = False) -> None:
        """Write the changes; begin a session if there is none.

        Raises:
            UpdateError: it was ended meanwhile.
            CreateError: ``must_create``, and it has a row already.
            SessionConflict, SessionTooLarge, StoreUnavailable: it was not saved.
            TooManySessions: a login was refused; call ``logout(request)``.
        """
        self._failed_save_of = self._user_named()  # until it has succeeded
        self._saved(self._keyed.run(self._saving(must_create)))

    async def asave(self, must_create: bool = False) -> None:
        """The same in an event loop."""
        self._failed_save_of = self._user_named()
        self._saved(await self._keyed.run_async(self._saving(must_create)))

    def delete(self, session_key: str | None = None) -> None:
        """Delete the row of a key, or its own."""
        self._keyed.run(self._keyed.delete(session_key))

    async def adelete(self, session_key: str | None = None) -> None:
        """The same in an event loop."""
        await self._keyed.run_async(self._keyed.delete(session_key))

    def flush(self) -> None:
        """Delete its row at once, and be another, empty session."""
        self.clear()
        self._keyed.run(self._keyed.end())

    async def aflush(self) -> None:
        """The same in an event loop."""
        self.clear()
        await self._keyed.run_async(self._keyed.end())

    def cycle_key(self) -> None:
        """Change the key, and keep the data; the old key is invalid from then on.

        It takes effect at once, except for an anonymous session of a request: that gets the new key
        when the middleware saves it, so that a login is one transaction.

        Raises:
            SessionInterrupted: it was ended meanwhile; Django answers 400.
        """
        self._get_session()
        with _interrupting():
            self._keyed.run(self._cycling())
        self._modified = True

    async def acycle_key(self) -> None:
        """The same in an event loop."""
        await self._aget_session()
        with _interrupting():
            await self._keyed.run_async(self._cycling())
        self._modified = True

    @classmethod
    def clear_expired(cls) -> None:
        """Do nothing: the table deletes expired sessions (TTL)."""

    @classmethod
    async def aclear_expired(cls) -> None:
        """Do nothing; see ``clear_expired``."""

    # Shared by the blocking and the async methods

    def _saving(self, must_create: bool) -> Flow[dict[str, Any]]:
        data = getattr(self, "_session_cache", None)
        return self._keyed.save(data, self.device, must_create=must_create)

    def _cycling(self) -> Flow[None]:
        return self._keyed.cycle(self._session_cache, self.device)

    def _user_named(self) -> str | None:
        return user_id_in(getattr(self, "_session_cache", {}))

    def _saved(self, data: dict[str, Any]) -> None:
        self._failed_save_of = _NoFailure.NONE
        self._session_cache = data
        self._noted(is_touched=False)

    def _noted(self, is_touched: bool) -> None:
        """Make Django's own middleware set the cookie, if that is needed."""
        if self._keyed.has_other_cookie or (is_touched and not self.is_of_request):
            self._modified = True


@contextmanager
def _interrupting() -> Iterator[None]:
    """Raise UpdateError as SessionInterrupted: to the former, Django answers 500 in views."""
    try:
        yield
    except UpdateError as error:
        raise SessionInterrupted(str(error)) from error
