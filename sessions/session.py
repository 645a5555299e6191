"""The session: a mapping of JSON values, with what a request did to it.

It does no I/O. ``lifecycle/commit.py`` writes the least that is needed: nothing, a touch, a save of
the keys that changed, a new row, a rotation, a deletion.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, MutableMapping
from enum import Enum, auto
from typing import Any, NamedTuple

from sessions.arguments import RESERVED_PREFIX, require_device, require_key, require_user_id
from sessions.errors import SessionNotSaved
from sessions.operations.row import Row
from sessions.values import csrf
from sessions.values.changes import Changes, Values
from sessions.values.flash import FLASH, Flash


class LoadedSession(NamedTuple):
    """What a cookie led to: a row that is not over, and the JSON of its values; or nothing.

    Attributes:
        row: the row, or None.
        encoded: the JSON of each value, by its key.
        loaded_at: the epoch second when it was read.
    """

    row: Row | None = None
    encoded: dict[str, str] = {}  # noqa: RUF012 - never changed
    loaded_at: int = 0


NO_SESSION = LoadedSession()


class IdChange(Enum):
    """What a commit is to do with the session's id."""

    NONE = auto()
    ROTATE = auto()
    LOGIN = auto()


class Session(MutableMapping[str, Any]):
    """One user's session in one request.

    A MutableMapping of JSON values by str keys; changes inside lists and dicts are noticed.
    Any use of it, reading too, sets ``accessed``, and the response says ``Vary: Cookie``.

        session["cart"] = [17]
        session["cart"].append(18)  # saved too
        session.login("user-456", device="Firefox on Linux")

    Attributes:
        accessed: whether the application used it.
        is_loaded: whether it was read.
        loaded_at: the epoch second of that, such as 1_800_000_000.
        response_started: whether the response has started, so that no cookie can be set any more.
        row: what was read; None if there is no session yet.
        data: all values, the reserved keys among them.
        id_change: what the commit is to do with its id.
        deleted_row: the row that the commit is to delete, after a logout.
        login_user_id: the user that a login of this request named, and ``device`` theirs.
    """

    __slots__ = (
        "accessed",
        "data",
        "deleted_row",
        "device",
        "id_change",
        "is_loaded",
        "loaded_at",
        "login_user_id",
        "response_started",
        "row",
    )

    def __init__(self) -> None:
        self.data = _NO_VALUES
        self.row: Row | None = None
        self.is_loaded = False
        self.loaded_at = 0
        self.accessed = False
        self.response_started = False
        self.deleted_row: Row | None = None
        self.id_change = IdChange.NONE
        self.login_user_id: str | None = None
        self.device: str | None = None

    # The mapping

    def __getitem__(self, key: str) -> Any:
        return self._used()[_unreserved(key)]

    def __setitem__(self, key: str, value: Any) -> None:
        self._used()[require_key(key)] = value

    def __delitem__(self, key: str) -> None:
        del self._used()[_unreserved(key)]

    def __iter__(self) -> Iterator[str]:
        return (key for key in self._used() if not key.startswith(RESERVED_PREFIX))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __contains__(self, key: object) -> bool:
        values = self._used()
        return isinstance(key, str) and not key.startswith(RESERVED_PREFIX) and key in values

    def popitem(self) -> tuple[str, Any]:
        """Remove the last key and its value, as a dict does; KeyError if it is empty."""
        keys = list(self)
        if not keys:
            raise KeyError("popitem(): the session is empty")
        return keys[-1], self.pop(keys[-1])

    def __repr__(self) -> str:
        return f"<Session of {self.row.owner_id or 'nobody'}>" if self.row else "<Session, new>"

    # Whose it is

    @property
    def user_id(self) -> str | None:
        """The user who is logged in; None for an anonymous session."""
        self._used()
        if self.login_user_id is not None:
            return self.login_user_id
        return self.row.owner_id if self.row else None

    @property
    def id(self) -> str | None:
        """Its id in ``sessions_of``, of 43 characters; None if it has no row. No secret."""
        self._used()
        return self.row.session_id if self.row else None

    @property
    def is_new(self) -> bool:
        """Whether it has no row yet."""
        self._used()
        return self.row is None

    # Login, rotation, logout, save

    def login(self, user_id: str, *, device: str | None = None) -> None:
        """Make it the session of a user, under a new id; the old id is invalid at once.

        The values of an anonymous session are kept, those of another user's are dropped.

        Args:
            user_id: the user whom the application has authenticated, such as ``"user-456"``.
            device: the device's name in ``sessions_of``, such as ``"Firefox on Linux"``.

        Raises:
            TypeError, ValueError: the user's id or the device is invalid.
            SessionNotSaved: the response has started.
        """
        require_user_id(user_id)
        require_device(device)
        self._require_response_not_started("login")
        self._used()
        owner_id = self.row.owner_id if self.row else None
        if self.login_user_id not in (None, user_id) or owner_id not in (None, user_id):
            self.logout()
        self.data.pop(csrf.CSRF, None)
        self.id_change, self.login_user_id, self.device = IdChange.LOGIN, user_id, device

    def rotate(self) -> None:
        """Give it a new id; the old one leads to it for 20 more seconds, for requests under way.

        A session that has no row yet gets a new id with it.

        Raises:
            SessionNotSaved: the response has started.
        """
        self._require_response_not_started("rotate")
        self._used()
        if self.id_change is IdChange.NONE and self.row is not None:
            self.id_change = IdChange.ROTATE

    def logout(self) -> None:
        """End it: its row is deleted and the cookie cleared. What is set later begins another."""
        self._used()
        self.deleted_row = self.row or self.deleted_row
        self.row, self.login_user_id, self.device = None, None, None
        self.id_change = IdChange.NONE
        self.data = Values({})

    @abstractmethod
    def save(self) -> None:
        """Save changes now: for streams and websockets, whose response has started.

        Raises:
            SessionNotSaved: what changed needs a cookie, and the response has started.
            SessionRevoked, SessionConflict, SessionTooLarge, StoreUnavailable: it was not saved.
        """

    @abstractmethod
    async def save_async(self) -> None:
        """Save changes now, in an event loop; see ``save``."""

    # Flash messages and CSRF tokens

    def flash(self, message: str, category: str = "info") -> None:
        """Leave a message for the next page: ``session.flash("Saved", "info")``."""
        values = self._used()
        values[FLASH] = [*values.get(FLASH, []), [message, category]]

    def flashes(self) -> list[Flash]:
        """The messages that were left; each is returned once."""
        return [Flash(*pair) for pair in self._used().pop(FLASH, [])]

    def csrf_token(self) -> str:
        """A token for a form, different each time; a login makes all tokens before it invalid."""
        values = self._used()
        if csrf.CSRF not in values:
            values[csrf.CSRF] = csrf.new_secret()
        return csrf.masked(values[csrf.CSRF])

    def is_csrf_token(self, token: object) -> bool:
        """Whether a form's token is one of this session's."""
        secret = self._used().get(csrf.CSRF)
        return secret is not None and csrf.is_of(secret, token)

    # For those who load and commit it

    @abstractmethod
    def load(self) -> None:
        """Read it, unless that is done."""

    def set_loaded(self, loaded: LoadedSession) -> None:
        """Take over what was read."""
        self.is_loaded = True
        self.row, self.loaded_at = loaded.row, loaded.loaded_at
        self.data = Values(loaded.encoded)

    def reset(self) -> None:
        """Be an empty session: its row was ended elsewhere."""
        self.set_loaded(NO_SESSION)
        self.id_change, self.login_user_id, self.device = IdChange.NONE, None, None
        self.deleted_row = None

    def changes(self) -> Changes:
        """What the request did to its values.

        Raises:
            TypeError, ValueError: something was put inside a value that can't be stored.
        """
        return self.data.changes()

    def has_changed(self) -> bool:
        """Whether there is anything to save, a touch apart. Raises as ``changes`` does."""
        return bool(
            self.deleted_row is not None or self.id_change is not IdChange.NONE or self.changes()
        )

    def _used(self) -> Values:
        self.accessed = True
        if not self.is_loaded:
            self.load()
        return self.data

    def _require_response_not_started(self, method: str) -> None:
        if self.response_started:
            raise SessionNotSaved(
                f"session.{method}(): the response has started, so its cookie can't be set any more"
            )


def _unreserved(key: str) -> str:
    if isinstance(key, str) and key.startswith(RESERVED_PREFIX):
        raise KeyError(key)
    return key


_NO_VALUES = Values({})
"""Of a session that is not loaded: nothing is set in it before ``load``."""
