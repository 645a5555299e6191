"""What happens to sessions, for logs: created, renewed, ended, dropped changes, invalid cookies.

An event holds no token and no id of the table: it names a session by a salted digest, so that the
events of one session can be found together and a stolen log is worth nothing (OWASP Session
Management Cheat Sheet, "Logging Sessions Life Cycle").
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from typing import Literal, NamedTuple

EventName = Literal[
    "created",
    "renewed",
    "destroyed",
    "revoked",
    "dropped",
    "refused",
    "invalid",
    "unavailable",
    "bound",
    "unproven",
]


class SessionEvent(NamedTuple):
    """One thing that happened to a session.

    Attributes:
        what: ``"created"``, ``"renewed"`` (login or rotation), ``"destroyed"`` (logout, or a login
            elsewhere of a user who had the most sessions), ``"refused"`` (such a login),
            ``"revoked"`` (ended elsewhere while it was used), ``"dropped"`` (a request's changes
            were not saved, for the reason in ``why``), ``"invalid"`` (a cookie or a token
            that led to no session), ``"unavailable"`` (a session could not be read, or its use not
            be noted, since the table was out of reach), ``"bound"`` (to a device's key),
            ``"unproven"`` (a request without the device's proof).
        session: the session, as a salted digest of 32 hexadecimal digits; None for a malformed
            cookie or token.
        user_id: the user who was logged in, such as ``"user-456"``; None for nobody.
        why: of ``"invalid"``: ``"malformed"``, ``"unknown"``, ``"over"``, ``"replaced"`` (by a
            login, a moment ago), ``"login_elsewhere"``, ``"ambiguous"`` or ``"unreadable"``; of
            ``"destroyed"`` and ``"revoked"``: ``"login_elsewhere"`` if it was that; of
            ``"refused"``: ``"too_many_sessions"``; of ``"dropped"``:
            ``"replaced"``, ``"unavailable"``, ``"no_token"`` (of a client that has none that is
            valid, and is given none) or ``"unstorable"`` (values of a session that the site had
            before); of ``"unproven"``: ``"no_cookie"`` or ``"wrong_proof"``; else None.
    """

    what: EventName
    session: str | None
    user_id: str | None
    why: str | None = None


class Events:
    """Calls a function with each event.

    Args:
        on_event: the function; None if there is none.
        salt: of the digests that name sessions; random, and so of this process only, unless given.

    Raises:
        TypeError: ``on_event`` is not callable, or the salt is not bytes.
    """

    __slots__ = ("_on_event", "_salt")

    def __init__(
        self, on_event: Callable[[SessionEvent], None] | None, salt: bytes | None = None
    ) -> None:
        if on_event is not None and not callable(on_event):
            raise TypeError(f"on_event must be a function, not {on_event!r}")
        if salt is not None and not isinstance(salt, bytes):
            raise TypeError(f"event_salt must be bytes, not {type(salt).__name__}")
        self._on_event = on_event
        self._salt = secrets.token_bytes(16) if salt is None else salt

    def emit(
        self, what: EventName, session_id: str | None, user_id: str | None, why: str | None = None
    ) -> None:
        """Call the function with an event."""
        if self._on_event is not None:
            digest = None if session_id is None else self._digest(session_id)
            self._on_event(SessionEvent(what, digest, user_id, why))

    def _digest(self, session_id: str) -> str:
        return hashlib.sha256(self._salt + session_id.encode()).hexdigest()[:32]
