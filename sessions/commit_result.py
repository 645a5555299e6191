"""The result of a commit, for the response's cookie and the events."""

from __future__ import annotations

from typing import NamedTuple

from sessions.event import EventName


class CommitResult(NamedTuple):
    """The result of a commit.

    Attributes:
        token: the token of a new id, for the cookie; None if the id is the same.
        cookie_cleared: whether the cookie must be cleared.
        event: ``"created"`` or ``"renewed"``; None for a save or a touch.
    """

    token: str | None = None
    cookie_cleared: bool = False
    event: EventName | None = None


SAVED = CommitResult()
"""The result of a commit that changes no cookie and has no event."""
