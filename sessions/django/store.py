"""Django's session, as its middleware, its tests and its auth use one."""

# Django has no types of its own.
# mypy: disable-error-code="import-untyped"

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from django.contrib.sessions.backends.base import SessionBase, UpdateError
from django.contrib.sessions.exceptions import SessionInterrupted
from django.utils import timezone

from sessions import freshness
from sessions.arguments import require_positive_int
from sessions.django.expiry import EXPIRY, require_within
from sessions.django.keyed_session import KeyedSession
from sessions.django.settings import site_config
from sessions.django.values import require_encodable
from sessions.end_reason import EndReason
from sessions.errors import ReauthenticationRequired
from sessions.operations.operation import Flow
from sessions.session_state import SessionState


class SessionStore(SessionBase):  # type: ignore[misc]  # Django has no types
    """Django's session, kept in a row of which only the keys that changed are written.

    Values are those of Django's JSONSerializer; one that can't be stored is refused, with its key,
    where it is set. Changes inside lists and dicts are saved without ``modified = True``.

    ``django.contrib.auth`` needs nothing more: at the save after ``login`` the session becomes the
    user's, in one transaction with ``cycle_key``, so that ``sessions_of(user)`` lists it and
    ``revoke_user(user)`` ends it. A session whose user is removed from its data in another way than
    ``logout`` or ``flush``, such as ``clear``, is logged out too, and gets another key.

    A save of a session that was ended meanwhile raises UpdateError, which Django's middleware
    answers with 400; it never brings a row back. A request that was under way during a login, with
    the key of before, has an empty session: what it changes is dropped, with the event
    ``"dropped"``, and its response sets no cookie.

    Args:
        session_key: the cookie's value: the token, and its MAC if there is a SECRET. A malformed
            one becomes None, and costs no read.

    Attributes:
        device: the name of the user's device in ``sessions_of``, such as "Firefox on Linux", if
            set before the save that follows a login.
        is_of_request: whether ``sessions.django.SessionMiddleware`` made it, which will save it and
            give it a cookie that lasts. Of any other, such as that of Django's own middleware, a
            cookie is set again whenever its use is noted, and a new key is written at once.

    Raises:
        ImproperlyConfigured: a setting is missing, unknown or invalid.
    """

    def __init__(self, session_key: str | None = None) -> None:
        self.device: str | None = None
        self._config = site_config()
        self._keyed = KeyedSession(self._config, session_key)
        super().__init__(self._keyed.key)

    @classmethod
    def of_cookie_field(cls, field: str) -> SessionStore:
        """The session that a request's Cookie field leads to.

        Of several well-formed keys, up to three, it is that of the first that has a session.
        """
        sessions = site_config().sessions
        values = sessions.cookie.values_in(field)
        keys = list(sessions.tokens.of_cookies(values)) or values[:1]
        store = cls(keys[0] if keys else None)
        store._keyed.other_keys = keys[1:]
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

    # Values and expiry

    def __setitem__(self, key: str, value: Any) -> None:
        require_encodable(key, value)  # refused here, where the app can tell which line it was
        super().__setitem__(key, value)

    async def aset(self, key: str, value: Any) -> None:
        """Set a value; refused as by ``session[key] = value``."""
        require_encodable(key, value)
        await super().aset(key, value)

    def update(self, dict_: Any) -> None:
        """Set several values; refused as by ``session[key] = value``, and then none is set."""
        super().update(_encodable(dict_))

    async def aupdate(self, dict_: Any) -> None:
        """Set several values in an event loop; see ``update``."""
        await super().aupdate(_encodable(dict_))

    def clear(self) -> None:
        """Empty it, which takes the user out of it too: a logout, at the save.

        Raises:
            StoreUnavailable: it could not be read, so it can't be ended.
        """
        self._keyed.require_readable("session.clear()")
        super().clear()

    @property
    def modified(self) -> bool:
        """Whether there is anything to save: something was set, or changed inside a value."""
        return self._modified or (
            hasattr(self, "_session_cache") and self._keyed.record.differs_from(self._session_cache)
        )

    @modified.setter
    def modified(self, value: bool) -> None:
        self._modified = value
        if not value and hasattr(self, "_session_cache"):
            self._keyed.record.overlook(self._session_cache)

    @property
    def id(self) -> str | None:
        """What ``sessions_of`` calls the session; None where it has no row yet. No secret."""
        self._noted(self._keyed.run(self._keyed.open()))
        row = self._keyed.record.row
        return None if row is None else row.session_id

    async def aid(self) -> str | None:
        """What ``sessions_of`` calls the session, in an event loop."""
        self._noted(await self._keyed.run_async(self._keyed.open()))
        return self.id

    @property
    def end_reason(self) -> EndReason | None:
        """Why the session of the key that came was ended elsewhere; see ``Session.end_reason``."""
        self._noted(self._keyed.run(self._keyed.open()))
        return self._keyed.record.end_reason

    async def aend_reason(self) -> EndReason | None:
        """Why it was ended elsewhere, in an event loop."""
        self._noted(await self._keyed.run_async(self._keyed.open()))
        return self.end_reason

    @property
    def authenticated_at(self) -> int | None:
        """The epoch second of its user's last login or confirmation; None if there is none."""
        return freshness.authenticated_at(self._opened_state())

    def confirm_login(self, user_id: str) -> None:
        """Note, at the save, that its user has proved again who they are.

        ``sessions.django.confirm_login(request, user)`` gives it a new key too.
        """
        if user_id != self._opened_state().user_id or not self._names(user_id):
            raise ValueError(f"confirm_login: not the session of {user_id!r}; use auth.login")
        self._keyed.record.confirm_login(user_id)
        self._modified = True

    def require_fresh(self, seconds: int) -> None:
        """Check that its user's last login or confirmation was less than so many seconds ago.

        Raises:
            ReauthenticationRequired: it was not, or nobody is logged in; the middleware answers
                with 401.
        """
        require_positive_int("seconds", seconds)
        state = self._opened_state()
        if self._keyed.record.is_confirmed(self._get_session()):
            return  # by this very request
        if not self._names(state.user_id):
            raise ReauthenticationRequired(seconds, None)
        freshness.require_fresh(state, seconds)

    def _opened_state(self) -> SessionState:
        self.accessed = True
        self._noted(self._keyed.run(self._keyed.open()))
        return self._keyed.record.state

    def _names(self, user_id: str | None) -> bool:
        """Whether its data still names the user of its row: a logout may not be saved yet."""
        return user_id is not None and self._keyed.record.is_user_of(self._get_session(), user_id)

    def set_expiry(self, value: Any) -> None:
        """Give it an expiry of its own, as in Django's documentation; enforced on the server too.

        Raises:
            ValueError: it is further off than SESSIONS['LIFETIME'].
        """
        self._require_within(value)
        super().set_expiry(value)

    async def aset_expiry(self, value: Any) -> None:
        """Give it an expiry of its own; see ``set_expiry``."""
        self._require_within(value)
        await super().aset_expiry(value)

    @property
    def lifetime(self) -> int:
        """Seconds after its start when it is over in any case.

        Set it with a login, before the save, for a session that lives longer or shorter than
        SESSIONS['LIFETIME'] says: at most SESSIONS['MAX_LIFETIME'].
        """
        return self._keyed.record.lifetime_seconds

    @lifetime.setter
    def lifetime(self, seconds: int) -> None:
        self._keyed.record.login_lifetime = self._config.timeouts.chosen(None, seconds, None)

    def get_session_cookie_age(self) -> int:
        """The site's idle timeout in seconds, from which Django computes the expiry."""
        return self._config.timeouts.idle_seconds

    def get_expiry_age(self, **given: Any) -> int:
        """Seconds until the session is over, if it is not used again; never past its lifetime."""
        age: int = super().get_expiry_age(**given)
        return min(age, self._remaining_seconds())

    async def aget_expiry_age(self, **given: Any) -> int:
        """The same in an event loop."""
        age: int = await super().aget_expiry_age(**given)
        return min(age, self._remaining_seconds())

    def get_expiry_date(self, **given: Any) -> datetime:
        """When the session is over, if it is not used again; never past its lifetime."""
        date: datetime = super().get_expiry_date(**given)
        return min(date, self._last_date(**given))

    async def aget_expiry_date(self, **given: Any) -> datetime:
        """The same in an event loop."""
        date: datetime = await super().aget_expiry_date(**given)
        return min(date, self._last_date(**given))

    def get_cookie_max_age(self) -> int | None:
        """Seconds for which the middleware has the browser keep the cookie; None for no Max-Age.

        To the end of the session's lifetime, or to the date that ``set_expiry`` was given: the
        server enforces the idle timeout, and so the cookie need not be renewed.
        """
        if self.get_expire_at_browser_close():
            return None
        expiry_age = self.get_expiry_age()
        if isinstance(self.get(EXPIRY), str) or expiry_age <= 0:
            return expiry_age
        return self._remaining_seconds()

    # What the middleware says and asks

    @property
    def is_of_request(self) -> bool:
        """Whether ``sessions.django.SessionMiddleware`` made it; see above."""
        return self._keyed.is_of_request

    @is_of_request.setter
    def is_of_request(self, value: bool) -> None:
        self._keyed.is_of_request = value

    @property
    def has_ended(self) -> bool:
        """Whether the key that came is worth nothing: it was malformed, or ``flush`` ended it."""
        return self._keyed.has_ended

    def has_other_cookie(self) -> bool:
        """Whether the browser's cookie is another one now: its key, or until when it is kept."""
        return self._keyed.has_other_cookie

    def is_logout(self) -> bool:
        """Whether its user may have been taken out of its data, which is a logout."""
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

    # Read, written, ended: blocking, and in an event loop

    def load(self) -> dict[str, Any]:
        """Read it. A key that has no session is None from then on."""
        self._noted(self._keyed.run(self._keyed.open(again=True)))
        return self._keyed.record.data()

    async def aload(self) -> dict[str, Any]:
        """Read it in an event loop."""
        self._noted(await self._keyed.run_async(self._keyed.open(again=True)))
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
        """Write what changed; begin a session if there is none.

        Raises:
            UpdateError: it was ended meanwhile.
            CreateError: ``must_create``, and it has a row already.
            SessionConflict, SessionTooLarge, StoreUnavailable: it was not saved.
            TooManySessions: a login was refused; call ``logout(request)``.
        """
        self._saved(self._keyed.run(self._saving(must_create)))

    async def asave(self, must_create: bool = False) -> None:
        """The same in an event loop."""
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
        """Have another key, and keep the data; the old key is worth nothing from then on.

        It takes effect at once, but for an anonymous session of a request: that has the new key
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
        """Nothing to do: the table deletes what is over (TTL)."""

    @classmethod
    async def aclear_expired(cls) -> None:
        """Nothing to do either."""

    # What they share

    def _saving(self, must_create: bool) -> Flow[dict[str, Any]]:
        data = getattr(self, "_session_cache", None)
        return self._keyed.save(data, self.device, must_create=must_create)

    def _cycling(self) -> Flow[None]:
        return self._keyed.cycle(self._session_cache, self.device)

    def _saved(self, data: dict[str, Any]) -> None:
        self._session_cache = data
        self._noted(is_touched=False)

    def _noted(self, is_touched: bool) -> None:
        """Have Django's own middleware set the cookie, where that is needed."""
        if self._keyed.has_other_cookie or (is_touched and not self.is_of_request):
            self._modified = True

    def _require_within(self, value: Any) -> None:
        if isinstance(value, timedelta):
            seconds = value.total_seconds()
        else:
            seconds = super().get_expiry_age(expiry=value) if value else 0
        require_within(self._config.timeouts, self.lifetime, seconds)

    def _remaining_seconds(self) -> int:
        # Without reading it, as Django promises where an expiry is given.
        return self._keyed.record.remaining_seconds(getattr(self, "_session_cache", {}))

    def _last_date(self, modification: datetime | None = None, **_given: Any) -> datetime:
        now: datetime = timezone.now() if modification is None else modification
        return now + timedelta(seconds=self._remaining_seconds())


@contextmanager
def _interrupting() -> Iterator[None]:
    """For views, where Django answers 500 to an UpdateError."""
    try:
        yield
    except UpdateError as error:
        raise SessionInterrupted(str(error)) from error


def _encodable(values: Any) -> dict[str, Any]:
    given = dict(values)
    for key, value in given.items():
        require_encodable(key, value)
    return given
