"""What a commit did, for the response's cookie and the events."""

from __future__ import annotations

from typing import NamedTuple

from sessions.event import EventName


class CommitResult(NamedTuple):
    """What a commit did.

    Attributes:
        token: the token of a new id, for the cookie; None if the id stays.
        cookie_cleared: whether the cookie is to be cleared.
        event: ``"created"`` or ``"renewed"``; None for a save or a touch.
    """

    token: str | None = None
    cookie_cleared: bool = False
    event: EventName | None = None


SAVED = CommitResult()
"""Of a commit that concerns neither the cookie nor the events."""
