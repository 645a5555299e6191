"""Django's session, with the methods that its middleware, its tests and its auth use.

``stored_session.py`` reads and writes it.
"""

# Django has no types of its own.
# mypy: disable-error-code="import-untyped"

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from sessions import freshness
from sessions.arguments import require_positive_int
from sessions.django.expiry import EXPIRY, require_within
from sessions.django.stored_session import StoredSession
from sessions.django.values import require_encodable
from sessions.end_reason import EndReason
from sessions.errors import ReauthenticationRequired
from sessions.session_state import SessionState


class SessionStore(StoredSession):
    """Django's session in a row, of which a save writes only the keys that changed.

    Values are those of Django's JSONSerializer; one that can't be stored is refused, with its key,
    when it is set. Changes inside lists and dicts are saved without ``modified = True``.

    ``django.contrib.auth`` needs no changes: at the save after ``login`` the session becomes the
    user's, in one transaction with ``cycle_key``, so that ``sessions_of(user)`` lists it and
    ``revoke_user(user)`` ends it. If the user is removed from the data without ``logout`` or
    ``flush``, for example by ``clear``, the session is logged out too, and gets another key.

    A save of a session that was ended meanwhile raises UpdateError, which Django's middleware
    answers with 400; it never restores a row. A request that was under way during a login, with the
    old key, has an empty session: its changes are dropped, with the event ``"dropped"``, and its
    response sets no cookie.

    Args:
        session_key: the cookie's value: the token, and its MAC if there is a SECRET. A malformed
            key becomes None, and costs no read.

    Attributes:
        device: the name of the user's device in ``sessions_of``, such as "Firefox on Linux", if
            set before the save that follows a login.
        is_of_request: whether ``sessions.django.SessionMiddleware`` made it, which saves it and
            gives it a cookie that lasts. For any other, such as that of Django's own middleware,
            the cookie is set again whenever the use is noted, and a new key is written at once.

    Raises:
        ImproperlyConfigured: a setting is missing, unknown or invalid.
    """

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
    def id(self) -> str | None:
        """Its id in ``sessions_of``, not a secret; None if it has no row yet."""
        self._noted(self._keyed.run(self._keyed.open()))
        row = self._keyed.record.row
        return None if row is None else row.session_id

    async def aid(self) -> str | None:
        """Its id in ``sessions_of``, in an event loop."""
        self._noted(await self._keyed.run_async(self._keyed.open()))
        return self.id

    @property
    def end_reason(self) -> EndReason | None:
        """Why the session of the request's key was ended elsewhere; see ``Session.end_reason``."""
        self._noted(self._keyed.run(self._keyed.open()))
        return self._keyed.record.end_reason

    async def aend_reason(self) -> EndReason | None:
        """Why it was ended elsewhere, in an event loop."""
        self._noted(await self._keyed.run_async(self._keyed.open()))
        return self.end_reason

    @property
    def seconds_left(self) -> int | None:
        """The seconds until it is over if it is not used again; see ``Session.seconds_left``."""
        self._opened_state()
        return self._keyed.record.seconds_left

    async def aseconds_left(self) -> int | None:
        """The seconds until it is over if it is not used again, in an event loop."""
        self._noted(await self._keyed.run_async(self._keyed.open()))
        return self.seconds_left

    def leave_idle(self) -> None:
        """Do not count this request as a use: the idle timeout keeps running.

        Call it before anything reads the session, ``request.user`` included, since that notes its
        use. A request that changes the session is always a use.

        Raises:
            RuntimeError: it was read already.
        """
        if self._keyed.record.is_open:
            raise RuntimeError(
                "leave_idle: the session was read already, which notes its use; call it before "
                "anything reads request.session or request.user"
            )
        self._keyed.record.is_use = False

    @property
    def authenticated_at(self) -> int | None:
        """The epoch second of its user's last login or confirmation; None if there is none."""
        return freshness.authenticated_at(self._opened_state())

    def confirm_login(self, user_id: str) -> None:
        """Note with the save that its user has authenticated again.

        ``sessions.django.confirm_login(request, user)`` changes its key too.
        """
        state = self._opened_state()
        self._keyed.require_readable("session.confirm_login()")
        if user_id != state.user_id or not self._names(user_id):
            raise ValueError("confirm_login: another user, or nobody, is logged in; use auth.login")
        self._keyed.record.confirm_login(user_id)
        self._modified = True

    def require_fresh(self, seconds: int) -> None:
        """Check that its user authenticated less than ``seconds`` ago.

        Raises:
            ReauthenticationRequired: they did not, or nobody is logged in; the middleware answers
                401.
        """
        require_positive_int("seconds", seconds)
        state = self._opened_state()
        if self._keyed.record.is_confirmed(self._get_session()):
            return  # the user authenticated in this request
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
        """Set its own expiry, as in Django's documentation; the server enforces it too.

        Raises:
            ValueError: it is later than SESSIONS['LIFETIME'] allows.
        """
        self._require_within(value)
        super().set_expiry(value)

    async def aset_expiry(self, value: Any) -> None:
        """Set its own expiry, in an event loop; see ``set_expiry``."""
        self._require_within(value)
        await super().aset_expiry(value)

    @property
    def lifetime(self) -> int:
        """Seconds after its start when it is over, used or not.

        Set it with a login, before the save, for another lifetime than SESSIONS['LIFETIME'], at
        most SESSIONS['MAX_LIFETIME'].
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
        """The Max-Age of the cookie in seconds; None for no Max-Age.

        It lasts until the end of the session's lifetime, or until the date of ``set_expiry``. The
        server enforces the idle timeout, so the cookie need not be renewed.
        """
        if self.get_expire_at_browser_close():
            return None
        expiry_age = self.get_expiry_age()
        if isinstance(self.get(EXPIRY), str) or expiry_age <= 0:
            return expiry_age
        return self._remaining_seconds()

    def _require_within(self, value: Any) -> None:
        if isinstance(value, timedelta):
            seconds = value.total_seconds()
        else:
            seconds = super().get_expiry_age(expiry=value) if value else 0
        require_within(self._config.timeouts, self.lifetime, seconds)

    def _remaining_seconds(self) -> int:
        # Without reading it, as Django documents for a given expiry.
        return self._keyed.record.remaining_seconds(getattr(self, "_session_cache", {}))

    def _last_date(self, modification: datetime | None = None, **_given: Any) -> datetime:
        now: datetime = timezone.now() if modification is None else modification
        return now + timedelta(seconds=self._remaining_seconds())


def _encodable(values: Any) -> dict[str, Any]:
    given = dict(values)
    for key, value in given.items():
        require_encodable(key, value)
    return given
