"""What happens to sessions, for logs: created, renewed, ended, dropped changes, invalid cookies.

An event has no token and no id of the table. It names a session by a salted digest, so that the
events of one session can be correlated and a stolen log gives no access (OWASP Session Management
Cheat Sheet, "Logging Sessions Life Cycle").
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from typing import Literal, NamedTuple

from ddbwire.arguments import require_plain_function

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
        what: ``"created"``; ``"renewed"`` (login or rotation); ``"destroyed"`` (logout, or the
            user logged in elsewhere and had reached ``max_sessions_per_user``); ``"refused"`` (a
            login, for the same reason); ``"revoked"`` (ended elsewhere while a request used it);
            ``"dropped"`` (a request's changes were not saved); ``"invalid"`` (a cookie or a token
            led to no session); ``"unavailable"`` (the table was out of reach, so a session was not
            read, or its use was not noted); ``"bound"`` (to a device's key); ``"unproven"`` (a
            request without the device's proof).
        session: the session, as a salted digest of 32 hexadecimal digits; None for a malformed
            cookie or token.
        user_id: the user who was logged in, such as ``"user-456"``; None if nobody was.
        why: the reason, which depends on ``what``:

            - ``"invalid"``: ``"malformed"``, ``"unknown"``, ``"over"``, ``"replaced"`` (by a login
              a moment ago), ``"login_elsewhere"``, ``"ambiguous"`` or ``"unreadable"``
            - ``"destroyed"``, ``"revoked"``: ``"login_elsewhere"``, or None
            - ``"refused"``: ``"too_many_sessions"``
            - ``"dropped"``: ``"replaced"``, ``"unavailable"``, ``"no_token"`` (the client has no
              valid token and gets none), ``"not_saved"`` (``save()`` raised, and the response could
              not save them either; or a stream in Django did not call it) or ``"unstorable"``
              (values of a session that was taken over from those that the site had before)
            - ``"unproven"``: ``"no_cookie"`` or ``"wrong_proof"``
            - all others: None
    """

    what: EventName
    session: str | None
    user_id: str | None
    why: str | None = None


class Events:
    """Calls a function with each event.

    Args:
        on_event: the function; None if there is none.
        salt: salts the digests that name sessions; None for a random salt of this process.

    Raises:
        TypeError: ``on_event`` is not callable, or to be awaited, which nobody does; or the salt is
            not bytes.
    """

    __slots__ = ("_on_event", "_salt")

    def __init__(
        self, on_event: Callable[[SessionEvent], None] | None, salt: bytes | None = None
    ) -> None:
        if on_event is not None:
            require_plain_function("on_event", on_event, "that is called with a SessionEvent")
        if salt is not None and not isinstance(salt, bytes):
            raise TypeError(f"event_salt must be bytes, not {type(salt).__name__}")
        self._on_event = on_event
        self._salt = secrets.token_bytes(16) if salt is None else salt

    def emit(
        self, what: EventName, session_id: str | None, user_id: str | None, why: str | None = None
    ) -> None:
        """Call the function with an event. What it raises is logged, and fails no request."""
        if self._on_event is not None:
            digest = None if session_id is None else self._digest(session_id)
            event = SessionEvent(what, digest, user_id, why)
            try:
                self._on_event(event)
            except Exception:  # it was done: without its cookie the user would be locked out
                import logging  # importing this package does not need it

                logging.getLogger("sessions").exception("on_event raised for %r", event)

    def _digest(self, session_id: str) -> str:
        return hashlib.sha256(self._salt + session_id.encode()).hexdigest()[:32]
