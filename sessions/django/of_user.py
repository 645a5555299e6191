"""The sessions of one of Django's users: listed and ended."""

# Django has no types of its own.
# mypy: disable-error-code="import-untyped"

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sessions.django.settings import site

if TYPE_CHECKING:
    from sessions.django.store import SessionStore
    from sessions.of_user import SessionInfo


def sessions_of(user: Any) -> list[SessionInfo]:
    """A user's sessions that are not over, the newest login first."""
    found: list[SessionInfo] = site().store.sessions_of(_id_of(user))
    return found


async def asessions_of(user: Any) -> list[SessionInfo]:
    """The same in an event loop."""
    found: list[SessionInfo] = await site().store.sessions_of_async(_id_of(user))
    return found


def revoke_user(user: Any, *, except_: SessionStore | None = None) -> int:
    """End all sessions of a user, but for ``request.session`` if it is given; how many."""
    but = None if except_ is None else except_.id
    ended: int = site().store.revoke_user(_id_of(user), except_=but)
    return ended


async def arevoke_user(user: Any, *, except_: SessionStore | None = None) -> int:
    """The same in an event loop."""
    but = None if except_ is None else await except_.aid()
    ended: int = await site().store.revoke_user_async(_id_of(user), except_=but)
    return ended


def _id_of(user: Any) -> str:
    return str(user._meta.pk.value_to_string(user))
