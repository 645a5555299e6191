"""What a request's credential led to: a session that was read, or why there is none."""

from __future__ import annotations

from typing import NamedTuple

from sessions.end_reason import EndReason
from sessions.operations.row import Row


class Replaced(NamedTuple):
    """An id that a login, or another new session, took the place of a moment ago.

    Attributes:
        session_id: the id.
        by: the id of the session that took its place.
    """

    session_id: str
    by: str


class LoadedSession(NamedTuple):
    """What a token led to: a row that is not over, and the JSON of its values; or nothing.

    Attributes:
        row: the row, or None.
        encoded: the JSON of each value, by its key.
        loaded_at: the epoch second when the row was read; 0 if there is none.
        replaced: why there is no row, if the token's id was replaced a moment ago.
        end_reason: why there is none, as its user can be told.
    """

    row: Row | None = None
    encoded: dict[str, str] = {}  # noqa: RUF012 - never changed
    loaded_at: int = 0
    replaced: Replaced | None = None
    end_reason: EndReason | None = None


NO_SESSION = LoadedSession()
