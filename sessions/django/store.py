"""Django's session, as its middleware, its tests and its auth use one.

How it is read and written is in ``stored_session.py``.
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
    def seconds_left(self) -> int | None:
        """For how many seconds it lives if it is not used again; see ``Session.seconds_left``."""
        self._opened_state()
        return self._keyed.record.seconds_left

    async def aseconds_left(self) -> int | None:
        """For how many seconds it lives if it is not used again, in an event loop."""
        self._noted(await self._keyed.run_async(self._keyed.open()))
        return self.seconds_left

    def leave_idle(self) -> None:
        """Let this request be no use of it, so that its idle time runs on.

        Call it before anything reads the session, ``request.user`` included, since that notes its
        use. A change of it is a use all the same.

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
        """Note, at the save, that its user has proved again who they are.

        ``sessions.django.confirm_login(request, user)`` gives it a new key too.
        """
        state = self._opened_state()
        self._keyed.require_readable("session.confirm_login()")
        if user_id != state.user_id or not self._names(user_id):
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


def _encodable(values: Any) -> dict[str, Any]:
    given = dict(values)
    for key, value in given.items():
        require_encodable(key, value)
    return given
