"""From a token to its session, or to nothing: unknown, over, ambiguous and unreadable are alike.

No id is ever adopted: what is not in the table has no session, and gets another id if it needs one.
"""

from __future__ import annotations

from enum import Enum

from sessions.cipher import Unreadable
from sessions.operation import Find, Flow, ReadClock
from sessions.row import Row, Stored
from sessions.session import Opened
from sessions.terms import Terms

_MOST_ROTATIONS = 4
"""How many rotations within their grace are followed from an old id."""


class Invalid(Enum):
    """Why a token has no session."""

    UNKNOWN = "unknown"
    OVER = "over"
    AMBIGUOUS = "ambiguous"
    UNREADABLE = "unreadable"


def load(terms: Terms, token: str) -> Flow[Opened | Invalid]:
    """The session of a token, or why there is none. One read; two within a rotation's grace."""
    session_id = terms.tokens.session_id(token)
    for _ in range(_MOST_ROTATIONS):
        rows: list[Row] = yield Find(session_id)
        # Afterwards, for a first reply also tells the time.
        now: int = yield ReadClock()
        found = _in_force(terms, rows, now)
        if isinstance(found, Invalid):
            return found
        if found.successor is None:
            return opened(terms, found, now)
        session_id = found.successor
    return Invalid.OVER


def find(terms: Terms, session_id: str) -> Flow[Row | Invalid]:
    """The row of an id, if it has one and it is not over."""
    rows: list[Row] = yield Find(session_id)
    now: int = yield ReadClock()
    return _in_force(terms, rows, now)


def _in_force(terms: Terms, rows: list[Row], now: int) -> Row | Invalid:
    if not rows:
        return Invalid.UNKNOWN
    if len(rows) > 1:
        return Invalid.AMBIGUOUS
    row = rows[0]
    # Both: what was written, and what holds now if the terms have become shorter since.
    # One that was rotated only points, for its grace; where it points to is asked the same.
    ends_at = row.expires_at
    if row.successor is None:
        ends_at = min(ends_at, terms.life.expires_at(row.created_at, row.last_seen_at))
    return row if now < ends_at else Invalid.OVER


def opened(terms: Terms, row: Row, now: int) -> Opened | Invalid:
    """A row and the JSON of its values, decrypted where they are encrypted."""
    try:
        texts = {key: _text(terms, row, key, stored) for key, stored in row.data.items()}
    except Unreadable:
        return Invalid.UNREADABLE
    return Opened(row, texts, now)


def _text(terms: Terms, row: Row, key: str, stored: Stored) -> str:
    if terms.cipher is not None:
        return terms.cipher.opened(row.session_id, key, stored)
    if isinstance(stored, bytes):
        raise Unreadable(f"session[{key!r}] is encrypted, and no key is given")
    return stored
