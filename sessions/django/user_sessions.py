"""Lists and ends the sessions of one of Django's users."""

# Django has no types of its own.
# mypy: disable-error-code="import-untyped"

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from django.utils.asyncio import async_unsafe

from sessions.django.settings import site_config

if TYPE_CHECKING:
    from sessions.django.store import SessionStore
    from sessions.lifecycle.user_sessions import SessionInfo


F = TypeVar("F", bound=Callable[..., Any])


def _in_no_event_loop(name: str) -> Callable[[F], F]:
    """Have a function raise SynchronousOnlyOperation in an event loop, as Django's queries do."""
    refusing: Callable[[F], F] = async_unsafe(
        f"{name}() would stop the event loop until the store answers: await a{name}(), or use "
        "sync_to_async"
    )
    return refusing


@_in_no_event_loop("sessions_of")
def sessions_of(user: Any) -> list[SessionInfo]:
    """A user's sessions that are not over, the newest login first."""
    sessions: list[SessionInfo] = _store().sessions_of(_id_of(user), namespace=_namespace())
    return sessions


async def asessions_of(user: Any) -> list[SessionInfo]:
    """The same in an event loop."""
    sessions: list[SessionInfo] = await _store().sessions_of_async(
        _id_of(user), namespace=_namespace()
    )
    return sessions


@_in_no_event_loop("revoke")
def revoke(user: Any, session_id: str) -> bool:
    """End one session of a user, by its ``id`` in ``sessions_of``; whether there was one."""
    ended: bool = _store().revoke(_id_of(user), session_id, namespace=_namespace())
    return ended


async def arevoke(user: Any, session_id: str) -> bool:
    """The same in an event loop."""
    ended: bool = await _store().revoke_async(_id_of(user), session_id, namespace=_namespace())
    return ended


@_in_no_event_loop("revoke_user")
def revoke_user(user: Any, *, except_: SessionStore | None = None) -> int:
    """End all sessions of a user but ``except_``, such as ``request.session``; returns how many.

    Raises:
        RevocationIncomplete: the store failed in between; call it again to end the rest.
    """
    except_id = None if except_ is None else except_.id
    ended: int = _store().revoke_user(_id_of(user), except_=except_id, namespace=_namespace())
    return ended


async def arevoke_user(user: Any, *, except_: SessionStore | None = None) -> int:
    """The same in an event loop."""
    except_id = None if except_ is None else await except_.aid()
    ended: int = await _store().revoke_user_async(
        _id_of(user), except_=except_id, namespace=_namespace()
    )
    return ended


def _store() -> Any:
    # A Store that lists sessions too, which the protocol leaves open.
    return site_config().sessions.store


def _namespace() -> str:
    namespace: str = site_config().sessions.namespace
    return namespace


def _id_of(user: Any) -> str:
    return str(user._meta.pk.value_to_string(user))
