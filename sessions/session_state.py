"""What was read of a request's session, and what the request did to it.

``lifecycle/commit.py`` writes as little as possible: nothing, a touch, a save of the keys that
changed, a new row, a rotation, a deletion.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from functools import wraps
from operator import attrgetter
from threading import RLock
from time import monotonic
from typing import Any, Concatenate, ParamSpec, TypeVar

from sessions.arguments import RESERVED_PREFIX, device_name, require_user_id
from sessions.config.timeouts import Timeouts
from sessions.end_reason import REPLACED, EndReason
from sessions.errors import SessionNotSaved, StoreUnavailable
from sessions.given_id import GivenId
from sessions.loaded_session import LoadedSession, Replaced
from sessions.operations.login_lifetime import AS_CONFIGURED, LoginLifetime
from sessions.operations.row import Row
from sessions.values.csrf import CSRF, secret_of
from sessions.values.values import Changes, Values

P = ParamSpec("P")
R = TypeVar("R")


class IdChange(Enum):
    """How a commit changes the session's id."""

    NONE = auto()
    ROTATE = auto()
    """The old id leads to the new one for a while."""
    REPLACE = auto()
    """As ROTATE, but the old id gives access to nothing at once, as after a login."""
    LOGIN = auto()


def _atomic(
    method: Callable[Concatenate[SessionState, P], R],
) -> Callable[Concatenate[SessionState, P], R]:
    """A method that is one step to the request's other threads, as one that saves meanwhile."""

    @wraps(method)
    def locked(state: SessionState, /, *args: P.args, **kwargs: P.kwargs) -> R:
        with state.lock:
            return method(state, *args, **kwargs)

    return locked


@dataclass(slots=True, eq=False)
class SessionState:
    """One request's session: what was read, and what is to be written. It does no I/O.

    Attributes:
        is_loaded: whether the session was read.
        loaded_at: the epoch second when it was read, such as 1_800_000_000.
        load_error: why it could not be read; None if it was read, or not tried.
        response_started: whether the response has started, so that no cookie can be set any more.
        row: the row that was read; None if there is no session yet.
        data: all values, including those under reserved keys.
        id_change: how the commit changes its id.
        deleted_row: the row that the commit deletes, after a logout.
        login_user_id: the user whom a login of this request named; None without a login.
        device: the device that the login named.
        login_lifetime: the timeouts that the login chose.
        next_token: the token of its next id, if the application knows it already; else None.
        unanswered: the new id of an attempt that the store did not answer: it may have the row. A
            later attempt of the request looks, so that its client gets the token of that row.
        replaced: the request's id, if another session replaced it meanwhile. Then changes are
            dropped and no cookie is set or cleared, unless the request logs in itself.
        end_reason: why it was ended elsewhere, for its user; None if that is not known.
        authenticates: whether the user authenticated in this request, to be noted with the next
            save.
        fresh_key: a key of its data that an extension sets to False while its user has not
            authenticated; None for no such key.
        first_loaded_monotonic: when it was read first, by ``time.monotonic()``.
        is_use: whether the request counts as a use of the session, which restarts its idle time.
        token: the token that leads to its row, or to the row that it was rotated from; None if that
            is not known.
        has_ended: whether it was found to have ended, or the request ended it.
        last_id: the id under which it was found last, if that is not its row's.
        lock: the lock of each step; its copies have the same. Nothing waits for the store with it.
    """

    data: Values
    row: Row | None = None
    is_loaded: bool = False
    loaded_at: int = 0
    load_error: StoreUnavailable | None = None
    response_started: bool = False
    deleted_row: Row | None = None
    id_change: IdChange = IdChange.NONE
    login_user_id: str | None = None
    device: str | None = None
    login_lifetime: LoginLifetime = AS_CONFIGURED
    next_token: str | None = None
    unanswered: GivenId | None = None
    replaced: Replaced | None = None
    end_reason: EndReason | None = None
    authenticates: bool = False
    fresh_key: str | None = None
    first_loaded_monotonic: float = 0.0
    is_use: bool = True
    has_ended: bool = False
    last_id: str | None = None
    token: str | None = None
    lock: RLock = field(default_factory=RLock)

    @property
    def user_id(self) -> str | None:
        """The user who is logged in; None for an anonymous session."""
        if self.login_user_id is not None:
            return self.login_user_id
        return self.row.owner_id if self.row else None

    @property
    def lifetime(self) -> LoginLifetime:
        """The timeouts that its login chose: this request's login, or that of its row."""
        if self.login_user_id is not None:
            return self.login_lifetime
        return self.row.lifetime if self.row else AS_CONFIGURED

    def touch_is_due(self, timeouts: Timeouts, now: int) -> bool:
        """Whether the request is a use of the session that must be noted."""
        row = self.row
        return row is not None and self.is_use and timeouts.touch_is_due(row, now)

    def seconds_left(self, timeouts: Timeouts) -> int | None:
        """The seconds that it lives if this request is the last; None if it has no row."""
        row = self.row
        if row is None:
            return None
        now = max(self.loaded_at, row.last_seen_at)
        is_noted = self.touch_is_due(timeouts, now)
        ends_at = timeouts.end_after_use(row, now) if is_noted else timeouts.end_of(row)
        return max(0, ends_at - now)

    @_atomic
    def login(
        self, user_id: str, device: str | None, lifetime: LoginLifetime = AS_CONFIGURED
    ) -> None:
        """Make it the session of a user; see ``Session.login``."""
        require_user_id(user_id)
        device = device_name(device)
        self._require_response_not_started("login")
        owner_id = self.row.owner_id if self.row else None
        if self.login_user_id not in (None, user_id) or owner_id not in (None, user_id):
            self.logout()
        self.data.pop(CSRF, None)
        self.unanswered = None
        self.id_change, self.login_user_id, self.device = IdChange.LOGIN, user_id, device
        self.login_lifetime, self.authenticates = lifetime, True

    @_atomic
    def withdraw_login(self) -> None:
        """Undo a login that was refused."""
        self._forget_login()
        self.data.restore(CSRF)

    @_atomic
    def confirm_login(self, user_id: str) -> None:
        """Note that its user authenticated again; see ``Session.confirm_login``."""
        require_user_id(user_id)
        if user_id != self.user_id:
            who = "nobody" if self.user_id is None else "another user"
            raise ValueError(
                f"session.confirm_login(user_id): {who} is logged in; use session.login(user_id)"
            )
        self.rotate()
        self.authenticates = True

    @_atomic
    def rotate(self) -> None:
        """Give it a new id; see ``Session.rotate``."""
        self._require_response_not_started("rotate")
        if self.id_change is IdChange.NONE and self.row is not None:
            self.id_change = IdChange.ROTATE

    @_atomic
    def logout(self) -> None:
        """End it; see ``Session.logout``."""
        self.deleted_row = self.row or self.deleted_row
        self.has_ended = self.has_ended or self.row is not None
        self.row = None
        self._forget_login()
        self.data = Values({})

    @_atomic
    def set_values(self, values: Mapping[str, Any]) -> None:
        """Replace all values but those under reserved keys.

        Raises:
            TypeError, ValueError: a key or a value can't be stored.
        """
        for key in list(self.data):
            if key not in values and not key.startswith(RESERVED_PREFIX):
                del self.data[key]
        for key, value in values.items():
            self.data.put(key, value)

    def csrf_secret(self) -> str | None:
        """The secret of its CSRF tokens; None if there is none yet."""
        secret: str | None = self.data.get(CSRF)
        if secret is None and self.row is not None and self.login_user_id is None and self.token:
            return secret_of(self.token)
        return secret

    @_atomic
    def set_loaded(self, loaded: LoadedSession) -> None:
        """Take over what was read."""
        if not self.is_loaded:
            self.first_loaded_monotonic = monotonic()
        self.row, self.loaded_at, self.replaced = loaded.row, loaded.loaded_at, loaded.replaced
        self.data = Values(loaded.encoded)
        self.end_reason = REPLACED if loaded.replaced is not None else loaded.end_reason
        self.has_ended, self.last_id = self.end_reason is not None, None
        self.is_loaded = True  # last: another thread uses the values from now on, without the lock

    @_atomic
    def reset(self) -> None:
        """Become an empty session, since its row was ended elsewhere or replaced."""
        self.set_loaded(LoadedSession(replaced=self.replaced, end_reason=self.end_reason))
        self.has_ended = True
        self._forget_login()
        self.deleted_row = None

    @_atomic
    def drop_unsaved(self) -> None:
        """Be again as it was saved last, but for a logout: that leaves it empty."""
        self.withdraw_login()
        self.deleted_row = None
        self.data = Values(self.data.saved)

    def begin_commit(self) -> tuple[SessionState, Changes]:
        """A copy of it, and the changes of its values, for a commit.

        Raises:
            TypeError, ValueError: something was put inside a value that can't be stored.
        """
        begun = self.copy()
        return begun, begun.data.changes()

    @_atomic
    def copy(self) -> SessionState:
        """A copy of it as it is now; both share the values."""
        return SessionState(*attributes_of(self))

    def is_ended_or_begun_since(self, begun: SessionState) -> bool:
        """Whether it was logged out, or a user logged in, since ``begun`` was copied."""
        return self.data is not begun.data or self.login_user_id != begun.login_user_id

    def require_readable(self, what: str) -> None:
        """Check that no attempt to read it has failed.

        Args:
            what: what needs it, for the message.

        Raises:
            StoreUnavailable: it could not be read.
        """
        if self.load_error is not None:
            raise StoreUnavailable(
                f"{what}: the session could not be read: {self.load_error}"
            ) from self.load_error

    def _forget_login(self) -> None:
        """Forget a login, its confirmation or a rotation that was not saved."""
        self.id_change, self.login_user_id, self.device = IdChange.NONE, None, None
        self.login_lifetime, self.authenticates = AS_CONFIGURED, False
        self.unanswered = None

    def _require_response_not_started(self, method: str) -> None:
        if self.response_started:
            raise SessionNotSaved(
                f"session.{method}(): the response has started, so the session's cookie can't be "
                "set any more; call it before"
            )


attributes_of: Callable[[SessionState], tuple[Any, ...]] = attrgetter(*SessionState.__slots__)
"""The values of all attributes, in order: ``SessionState(*attributes_of(state))`` is a copy, which
shares the session's values."""
