"""Freshness: how long ago the user of a session authenticated.

    session.login("user-456")           now
    session.rotate()                    unchanged
    session.confirm_login("user-456")   now: a new id, the same session
    session.require_fresh(300)          raises ReauthenticationRequired unless it is less than 300
                                        seconds ago

The time is stored in the session's own values, under a reserved key, in epoch seconds by the
table's clock, when the login is saved. So every change of the id keeps it, and a request under way
can't undo it. A session without it (older than this feature, or taken over from another store) is
not fresh.

The age is the time from the authentication to the reading of the session, by the table's clock,
plus the time since then, by the process's monotonic clock: an open websocket does not stay fresh.
As for timeouts, whole seconds count: a login may be too old up to one second early, never late.

Source: RFC 9470, "OAuth 2.0 Step Up Authentication Challenge Protocol"; OWASP Session Management
Cheat Sheet, "Reauthentication after risk events".
"""

from __future__ import annotations

from collections.abc import Mapping
from time import monotonic
from typing import TYPE_CHECKING

from sessions.arguments import RESERVED_PREFIX, require_positive_int
from sessions.errors import ReauthenticationRequired

if TYPE_CHECKING:
    from sessions.session_state import SessionState

AUTHENTICATED_AT = RESERVED_PREFIX + "authenticated_at"

_MAX_AHEAD_SECONDS = 60
"""How far in the future it may lie: the clocks of two processes differ a little."""


def authenticated_at(session: SessionState) -> int | None:
    """The epoch second of its user's last saved authentication; None if there is none."""
    if session.user_id is None:
        return None
    key = session.fresh_key
    if key is not None and session.data.get(key) is False:
        return None
    at = session.data.get(AUTHENTICATED_AT)
    return at if type(at) is int else None


def require_fresh(session: SessionState, seconds: object) -> None:
    """Check that the user authenticated less than ``seconds`` ago.

    Raises:
        TypeError, ValueError: ``seconds`` is not an int of at least 1.
        ReauthenticationRequired: they did not, or nobody is logged in.
    """
    limit = require_positive_int("seconds", seconds)
    if session.user_id is not None and session.authenticates:
        return  # the user authenticated in this request
    at = authenticated_at(session)
    if at is None or not -_MAX_AHEAD_SECONDS <= _now(session) - at < limit:
        raise ReauthenticationRequired(limit, at)


def with_proof(session: SessionState, encoded: Mapping[str, str], now: int) -> dict[str, str]:
    """The values to save, with the time if the user authenticated in this request."""
    return {**encoded, AUTHENTICATED_AT: str(now)} if session.authenticates else dict(encoded)


def _now(session: SessionState) -> int:
    seen_at = 0 if session.row is None else session.row.last_seen_at
    return max(session.loaded_at, seen_at) + int(monotonic() - session.first_loaded_monotonic)
