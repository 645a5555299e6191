"""Django's session, as its middleware, its tests and its auth use one."""

# Django has no types of its own.
# mypy: disable-error-code="import-untyped"

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.contrib.sessions.backends.base import CreateError, SessionBase, UpdateError
from django.contrib.sessions.exceptions import SessionInterrupted
from django.utils import timezone

from sessions.django.expiry import EXPIRY, require_within
from sessions.django.flow import delete_row, find_session
from sessions.django.previous import PreviousKey
from sessions.django.record import Record
from sessions.django.settings import site_config
from sessions.django.values import require_encodable
from sessions.lifecycle.take_over import TakenOver
from sessions.operations.driver import run, run_async
from sessions.operations.operation import Flow, T
from sessions.session_state import LoadedSession

if TYPE_CHECKING:
    from sessions.operations.row import Row


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
        has_ended: whether the key that it was made of is worth nothing any more: it was malformed,
            or ``flush`` has ended its session.

    Raises:
        ImproperlyConfigured: a setting is missing, unknown or invalid.
    """

    _session_key: str | None

    def __init__(self, session_key: str | None = None) -> None:
        self.device: str | None = None
        self.is_of_request = False
        self.has_ended = False
        self._is_deleted = False
        self._other_keys: list[str] = []  # of other cookies of the same name
        self._previous: PreviousKey | None = None
        self._cookie_is_due = False  # of a session that was taken over
        self._config = site_config()
        self._record = Record(self._config)
        super().__init__(session_key)
        engine = self._config.previous_engine
        if session_key and self.session_key is None and engine is not None:
            self._previous = PreviousKey(self._config, engine, session_key)
            self._session_key = self._config.sessions.tokens.in_cookie(self._previous.token)
        self._cookie_key = self.session_key
        if session_key and self.session_key is None:
            self.has_ended = True
            self._config.sessions.events.emit("invalid", None, None, "malformed")

    @classmethod
    def of_cookie_field(cls, field: str) -> SessionStore:
        """The session that a request's Cookie field leads to.

        Of several well-formed keys, up to three, it is that of the first that has a session.
        """
        sessions = site_config().sessions
        values = sessions.cookie.values_in(field)
        keys = list(sessions.tokens.of_cookies(values)) or values[:1]
        store = cls(keys[0] if keys else None)
        store._other_keys = keys[1:]
        return store

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

    @property
    def modified(self) -> bool:
        """Whether there is anything to save: something was set, or changed inside a value."""
        return self._modified or (
            hasattr(self, "_session_cache") and self._record.differs_from(self._session_cache)
        )

    @modified.setter
    def modified(self, value: bool) -> None:
        self._modified = value
        if not value and hasattr(self, "_session_cache"):
            self._record.overlook(self._session_cache)

    @property
    def id(self) -> str | None:
        """What ``sessions_of`` calls the session; None where it has no row yet. No secret."""
        self._run(self._opening())
        row = self._record.row
        return None if row is None else row.session_id

    async def aid(self) -> str | None:
        """What ``sessions_of`` calls the session, in an event loop."""
        await self._run_async(self._opening())
        return self.id

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

    def has_other_cookie(self) -> bool:
        """Whether the browser's cookie is another one now: its key, or until when it is kept."""
        if self._record.row is None or self._record.has_next_key:
            return False  # there is nothing yet that it could lead to
        is_other = self.session_key != self._cookie_key or self._record.has_other_cookie_end
        return is_other or self._cookie_is_due

    def is_logout(self) -> bool:
        """Whether its user may have been taken out of its data, which is a logout."""
        if not hasattr(self, "_session_cache"):
            return False
        if self._record.is_open:
            return self._record.is_logout(self._session_cache)
        return self.session_key is not None  # ``clear`` does not read it

    def has_unsaved(self) -> bool:
        """Whether a save would write anything."""
        if not hasattr(self, "_session_cache"):
            return False
        if self._is_deleted or (self._modified and not self._record.is_open):
            return True
        return self._record.has_next_key or self._record.differs_from(self._session_cache)

    # Read, written, ended: blocking, and in an event loop

    def load(self) -> dict[str, Any]:
        """Read it. A key that has no session is None from then on."""
        self._run(self._opening(again=True))
        return self._record.data()

    async def aload(self) -> dict[str, Any]:
        """Read it in an event loop."""
        await self._run_async(self._opening(again=True))
        return self._record.data()

    def exists(self, session_key: str) -> bool:
        """Whether a key has a session that is not over."""
        return self._run(self._finding(session_key)) is not None

    async def aexists(self, session_key: str) -> bool:
        """The same in an event loop."""
        return await self._run_async(self._finding(session_key)) is not None

    def create(self) -> None:
        """Begin another session, which has a row at once."""
        self._start_new()
        self.save(must_create=True)

    async def acreate(self) -> None:
        """The same in an event loop."""
        self._start_new()
        await self.asave(must_create=True)

    def save(self, must_create: bool = False) -> None:
        """Write what changed; begin a session if there is none.

        Raises:
            UpdateError: it was ended meanwhile.
            CreateError: ``must_create``, and it has a row already.
            SessionConflict, SessionTooLarge, StoreUnavailable: it was not saved.
        """
        self._run(self._saving(must_create))

    async def asave(self, must_create: bool = False) -> None:
        """The same in an event loop."""
        await self._run_async(self._saving(must_create))

    def delete(self, session_key: str | None = None) -> None:
        """Delete the row of a key, or its own."""
        self._run(self._deleting(session_key))

    async def adelete(self, session_key: str | None = None) -> None:
        """The same in an event loop."""
        await self._run_async(self._deleting(session_key))

    def flush(self) -> None:
        """Delete its row at once, and be another, empty session."""
        self.clear()
        self._run(self._flushing())

    async def aflush(self) -> None:
        """The same in an event loop."""
        self.clear()
        await self._run_async(self._flushing())

    def cycle_key(self) -> None:
        """Have another key, and keep the data; the old key is worth nothing from then on.

        It takes effect at once, but for an anonymous session of a request: that has the new key
        when the middleware saves it, so that a login is one transaction.

        Raises:
            SessionInterrupted: it was ended meanwhile; Django answers 400.
        """
        self._get_session()
        with _interrupting():
            self._run(self._cycling())

    async def acycle_key(self) -> None:
        """The same in an event loop."""
        await self._aget_session()
        with _interrupting():
            await self._run_async(self._cycling())

    @classmethod
    def clear_expired(cls) -> None:
        """Nothing to do: the table deletes what is over (TTL)."""

    @classmethod
    async def aclear_expired(cls) -> None:
        """Nothing to do either."""

    # Flows, and what they share

    def _validate_session_key(self, key: object) -> bool:
        return isinstance(key, str) and self._token_of(key) is not None

    def _token_of(self, key: str) -> str | None:
        return self._config.sessions.tokens.of_cookie(key)

    def _run(self, flow: Flow[T]) -> T:
        if self._previous is not None:
            previous, self._previous = self._previous, None
            self._take(previous.take_over())
        config = self._config.sessions
        return run(flow, config.store, config.deadline_seconds)

    async def _run_async(self, flow: Flow[T]) -> T:
        if self._previous is not None:
            previous, self._previous = self._previous, None
            self._take(await previous.atake_over())
        return await run_async(
            flow, self._config.sessions.store, self._config.sessions.deadline_seconds
        )

    def _take(self, taken: TakenOver | None) -> None:
        """Note whether the engine of before had a session of the key."""
        if taken is None or (taken.loaded.row is None and taken.loaded.replaced is None):
            self.has_ended = True
        elif taken.cookie_is_due:
            self._cookie_is_due = True
            self._modified = True  # for Django's own middleware to set the cookie

    def _start_new(self) -> None:
        self._session_key, self._is_deleted = None, False
        self._record.start_new()

    def _require_within(self, value: Any) -> None:
        if isinstance(value, timedelta):
            require_within(self._config.timeouts, value.total_seconds())
        elif value:
            require_within(self._config.timeouts, super().get_expiry_age(expiry=value))

    def _remaining_seconds(self) -> int:
        # Without reading it, as Django promises where an expiry is given.
        return self._record.remaining_seconds(getattr(self, "_session_cache", {}))

    def _last_date(self, modification: datetime | None = None, **_given: Any) -> datetime:
        now: datetime = timezone.now() if modification is None else modification
        return now + timedelta(seconds=self._remaining_seconds())

    def _opening(self, *, again: bool = False) -> Flow[None]:
        if self._record.is_open and not again:
            return
        is_touched = False
        for key in (self.session_key, *self._other_keys):
            is_touched = yield from self._record.open(None if key is None else self._token_of(key))
            if self._record.row is not None or self._record.is_replaced:
                self._session_key = self._cookie_key = key
                break
        else:
            self._session_key = None
        if is_touched and not self.is_of_request:
            self._modified = True  # for Django's middleware to set the cookie

    def _finding(self, key: str | None) -> Flow[Row | None]:
        token = None if key is None else self._token_of(key)
        if token is None:
            return None
        found = yield from find_session(self._config, token)
        return found.row if isinstance(found, LoadedSession) else None

    def _deleting(self, key: str | None) -> Flow[None]:
        if key is None and self._record.is_open:
            row = self._record.row
        else:
            row = yield from self._finding(key or self.session_key)
        if row is not None:
            yield from delete_row(self._config, row)
        if key is None:
            self._is_deleted = True
            yield from self._deleting_others()

    def _deleting_others(self) -> Flow[None]:
        for key in self._other_keys:  # or the user would be logged in by them
            row = yield from self._finding(key)
            if row is not None:
                yield from delete_row(self._config, row)

    def _flushing(self) -> Flow[None]:
        yield from self._opening()
        yield from self._record.end()
        yield from self._deleting_others()
        if not self._record.is_replaced:
            # Or the key stays, so that no middleware deletes the cookie, which is a login's by now.
            self._session_key, self._is_deleted = None, False
            self.has_ended = True

    def _cycling(self) -> Flow[None]:
        yield from self._opening()
        self._session_key = self._record.choose_key()
        self._modified = True
        if self._record.row is not None and (self._record.is_of_a_user or not self.is_of_request):
            yield from self._saving(must_create=False)

    def _saving(self, must_create: bool) -> Flow[None]:
        is_just_read = not self._record.is_open
        if not must_create:
            yield from self._opening()
        elif self._record.row is not None:
            raise CreateError
        else:
            self._record.start_new()
        if not hasattr(self, "_session_cache"):
            self._session_cache = self._record.data()
        key = yield from self._record.save(
            self._session_cache, self.device, is_just_read=is_just_read
        )
        if key is not None:
            self._session_key = key
            self._modified = True  # for the middleware to set the cookie


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
