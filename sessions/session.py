"""The session: a mapping of JSON values, and what is to become of it when the response begins.

It does no I/O. It was read before (ASGI) or is read at its first use (WSGI), and notes what the
request does; a flow (commit.py) makes the least of that: nothing, a touch, a save of the keys that
changed, a new row, a rotation, a deletion.
"""

from __future__ import annotations

from collections.abc import Awaitable, Iterator, MutableMapping
from enum import Enum, auto
from typing import Any, NamedTuple, Protocol

from sessions import csrf
from sessions.changes import Values
from sessions.errors import SessionNotSaved
from sessions.flash import FLASH, Flash
from sessions.row import Row, require_device, require_user_id

OWN = "sessions."
"""Keys that begin so are the session's own: the mapping neither shows nor takes them."""


LONGEST_KEY = 1_024
"""Characters. A save names its keys, and DynamoDB bounds what names may add up to."""


class Opened(NamedTuple):
    """What a cookie led to: a row that is not over, and the JSON of its values; or nothing.

    Attributes:
        row: the row, or None.
        texts: its values' JSON.
        now: the epoch second when it was read.
    """

    row: Row | None = None
    texts: dict[str, str] = {}  # noqa: RUF012 - never changed
    now: int = 0


class Turn(Enum):
    """What is to become of the session's id."""

    STAY = auto()
    ROTATE = auto()
    LOGIN = auto()


class Keeper(Protocol):
    """Who reads and saves the session, on behalf of the middleware."""

    def open(self) -> Opened:
        """Read it, at its first use."""

    def save(self, session: Session) -> None:
        """Save it, blocking."""

    def save_async(self, session: Session) -> Awaitable[None]:
        """Save it in an event loop."""


class Session(MutableMapping[str, Any]):
    """One user's session in one request.

    A MutableMapping of JSON values under text keys; changes inside lists and dicts are noticed.
    Any use of it, reading too, sets ``accessed``, and the response says ``Vary: Cookie``.

    Attributes:
        accessed: whether the app used it.
        began: whether the response has begun, so that no cookie can be set any more.
        row: what was read; None where there is none.
        read_at: the epoch second of it.
        turn: what is to become of its id.
        ended: the row that a logout is to delete.
        login_as: the user that a login named in this request, and ``device`` theirs.
    """

    __slots__ = (
        "_keeper",
        "_opened",
        "_values",
        "accessed",
        "began",
        "device",
        "ended",
        "login_as",
        "read_at",
        "row",
        "turn",
    )

    def __init__(self, keeper: Keeper, opened: Opened | None = None) -> None:
        self._keeper = keeper
        self._opened = False
        self._values = Values({})
        self.row: Row | None = None
        self.read_at = 0
        self.accessed = False
        self.began = False
        self.ended: Row | None = None
        self.turn = Turn.STAY
        self.login_as: str | None = None
        self.device: str | None = None
        if opened is not None:
            self.adopt(opened)

    # The mapping

    def __getitem__(self, key: str) -> Any:
        return self._used()[_foreign(key)]

    def __setitem__(self, key: str, value: Any) -> None:
        if not isinstance(key, str) or not key:
            raise TypeError(f"session[{key!r}]: keys are texts of at least one character")
        if len(key) > LONGEST_KEY:
            raise ValueError(
                f"session[{key[:40]!r}...]: a key of {len(key)} characters; {LONGEST_KEY} at most"
            )
        if key.startswith(OWN):
            raise ValueError(
                f"session[{key!r}]: keys that begin with {OWN!r} are the session's own"
            )
        self._used()[key] = value

    def __delitem__(self, key: str) -> None:
        del self._used()[_foreign(key)]

    def __iter__(self) -> Iterator[str]:
        return (key for key in self._used() if not key.startswith(OWN))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __contains__(self, key: object) -> bool:
        values = self._used()
        return isinstance(key, str) and not key.startswith(OWN) and key in values

    def __repr__(self) -> str:
        return f"<Session of {self.row.owner_id or 'nobody'}>" if self.row else "<Session, new>"

    # Who and since when

    @property
    def user_id(self) -> str | None:
        """The user who is logged in; None for an anonymous session."""
        self._used()
        if self.login_as is not None:
            return self.login_as
        return self.row.owner_id if self.row else None

    @property
    def id(self) -> str | None:
        """What the session is called in ``sessions_of``; None where it has no row. No secret."""
        self._used()
        return self.row.session_id if self.row else None

    @property
    def is_new(self) -> bool:
        """Whether it has no row yet."""
        self._used()
        return self.row is None

    # Its life

    def login(self, user_id: str, *, device: str | None = None) -> None:
        """Make it the session of a user, under a new id; the old one is worth nothing from then on.

        What an anonymous session holds is kept; what another user's holds is dropped.

        Args:
            user_id: the user, as your app has authenticated them.
            device: what to call the user's device in ``sessions_of``.

        Raises:
            TypeError, ValueError: a user's id or a device that can't be.
            SessionNotSaved: the response has begun.
        """
        require_user_id(user_id)
        require_device(device)
        self._require_not_begun("login")
        self._used()
        owner_id = self.row.owner_id if self.row else None
        if self.login_as not in (None, user_id) or owner_id not in (None, user_id):
            self.logout()
        self._values.pop(csrf.CSRF, None)
        self.turn, self.login_as, self.device = Turn.LOGIN, user_id, device

    def rotate(self) -> None:
        """Give it a new id, with a short grace for requests under way with the old one.

        A session that has no row yet gets a new id with it.

        Raises:
            SessionNotSaved: the response has begun.
        """
        self._require_not_begun("rotate")
        self._used()
        if self.turn is Turn.STAY and self.row is not None:
            self.turn = Turn.ROTATE

    def logout(self) -> None:
        """End it: its row is deleted and the cookie cleared. What is set later begins another."""
        self._used()
        self.ended = self.row or self.ended
        self.row, self.login_as, self.device = None, None, None
        self.turn = Turn.STAY
        self._values = Values({})

    def save(self) -> None:
        """Save changes now: for streams and websockets, whose response has begun.

        Raises:
            SessionNotSaved: what changed needs a cookie, and the response has begun.
            SessionRevoked, SessionConflict, SessionTooLarge, StoreUnavailable: it was not saved.
        """
        self._keeper.save(self)

    async def save_async(self) -> None:
        """Save changes now, in an event loop; see ``save``."""
        await self._keeper.save_async(self)

    # What it carries along

    def flash(self, message: str, category: str = "info") -> None:
        """Leave a message for the next page that is shown."""
        values = self._used()
        values[FLASH] = [*values.get(FLASH, []), [message, category]]

    def flashes(self) -> list[Flash]:
        """The messages that were left, once."""
        return [Flash(*pair) for pair in self._used().pop(FLASH, [])]

    def csrf_token(self) -> str:
        """A token for a form of this session, other each time; renewed by a login."""
        values = self._used()
        if csrf.CSRF not in values:
            values[csrf.CSRF] = csrf.new_secret()
        return csrf.masked(values[csrf.CSRF])

    def is_csrf_token(self, token: object) -> bool:
        """Whether a form's token is one of this session's."""
        secret = self._used().get(csrf.CSRF)
        return secret is not None and csrf.is_of(secret, token)

    # For those who read and save it

    @property
    def values_(self) -> Values:
        """Its values, its own keys among them."""
        return self._values

    def adopt(self, opened: Opened) -> None:
        """Be what was read."""
        self._opened = True
        self.row = opened.row
        self.read_at = opened.now
        self._values = Values(opened.texts)

    def forget(self) -> None:
        """Be an empty session: its row was ended elsewhere."""
        self.adopt(Opened())
        self.turn, self.login_as, self.device, self.ended = Turn.STAY, None, None, None

    def has_changed(self) -> bool:
        """Whether there is anything to save, a touch apart."""
        if not self._opened:
            return False
        return bool(self.ended or self.turn is not Turn.STAY or self._values.changes())

    def is_opened(self) -> bool:
        """Whether it was read."""
        return self._opened

    def _used(self) -> Values:
        self.accessed = True
        if not self._opened:
            self.adopt(self._keeper.open())
        return self._values

    def _require_not_begun(self, what: str) -> None:
        if self.began:
            raise SessionNotSaved(
                f"session.{what}(): the response has begun, so its cookie can't be set any more"
            )


def _foreign(key: str) -> str:
    if isinstance(key, str) and key.startswith(OWN):
        raise KeyError(key)
    return key
