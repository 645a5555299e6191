"""What happens to sessions, for logs: begun, renewed, ended, and cookies that led to none.

An event holds no token and no id of the table: what it calls a session is a salted digest, so that
events of one session can be told together and a log is worth nothing to whoever steals it (OWASP
Session Management Cheat Sheet, "Logging Sessions Life Cycle").
"""

from __future__ import annotations

import hashlib
import secrets
from typing import Literal, NamedTuple

What = Literal["created", "renewed", "destroyed", "revoked", "invalid"]


class SessionEvent(NamedTuple):
    """One of them.

    Attributes:
        what: ``"created"``, ``"renewed"`` (login or rotation), ``"destroyed"`` (logout),
            ``"revoked"`` (ended elsewhere while it was used), ``"invalid"`` (a cookie that led to
            no session).
        session: the session, as a salted digest; None where a cookie was malformed.
        user_id: who was logged in; None for nobody.
        why: of ``"invalid"``: ``"malformed"``, ``"unknown"``, ``"over"``, ``"ambiguous"`` or
            ``"unreadable"``; else None.
    """

    what: What
    session: str | None
    user_id: str | None
    why: str | None = None


class Salt:
    """Makes digests of ids: the same for as long as the process runs, unless it is given."""

    __slots__ = ("_salt",)

    def __init__(self, given: bytes | None = None) -> None:
        if given is not None and not isinstance(given, bytes):
            raise TypeError(f"event_salt: bytes are needed, not {type(given).__name__}")
        self._salt = secrets.token_bytes(16) if given is None else given

    def digest(self, session_id: str) -> str:
        """What events call a session."""
        return hashlib.sha256(self._salt + session_id.encode()).hexdigest()[:32]
