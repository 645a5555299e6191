"""The methods that list and end a user's sessions, which both stores have.

They are functions whose first parameter is the store: ``sessions_of = user_sessions.sessions_of``.
"""

from __future__ import annotations

import warnings
from typing import Protocol

from ddbwire.concurrency.in_event_loop import in_event_loop
from sessions.lifecycle import user_sessions
from sessions.lifecycle.user_sessions import SessionInfo
from sessions.operations.driver import run, run_async
from sessions.operations.operation import Flow, T
from sessions.operations.store import Store


class ListingStore(Store, Protocol):
    """A store that lists a user's sessions.

    Attributes:
        deadline_seconds: how long each step may take; see ``deadline`` of DynamoDBSessionStore.
        in_process: whether its sessions are in this process, so that it never waits.
    """

    deadline_seconds: float
    in_process: bool


def sessions_of(
    self: ListingStore, user_id: str, *, namespace: str | None = None
) -> list[SessionInfo]:
    """A user's sessions that are not over, the newest login first.

    Args:
        self: the store.
        user_id: the user, such as ``"user-456"``.
        namespace: the option ``namespace=`` of one application, for only its sessions; None for the
            sessions of all applications that share the store.

    Raises:
        TypeError, ValueError: the user's id or the namespace is invalid.
        StoreUnavailable, TableNotFound, AccessDenied, StoreError: the store failed.
    """
    flow = user_sessions.sessions_of(user_id, self.is_exact_by_owner, namespace)
    return _run("sessions_of", flow, self, for_each=True)


async def sessions_of_async(
    self: ListingStore, user_id: str, *, namespace: str | None = None
) -> list[SessionInfo]:
    """The same in an event loop."""
    flow = user_sessions.sessions_of(user_id, self.is_exact_by_owner, namespace)
    return await run_async(flow, self, self.deadline_seconds, for_each=True)


def revoke(
    self: ListingStore, user_id: str, session_id: str, *, namespace: str | None = None
) -> bool:
    """End one session of a user, by ``SessionInfo.id``; whether there was one.

    With a ``namespace`` (see ``sessions_of``), a session of another application is not ended.
    """
    flow = user_sessions.revoke(user_id, session_id, namespace)
    return _run("revoke", flow, self)


async def revoke_async(
    self: ListingStore, user_id: str, session_id: str, *, namespace: str | None = None
) -> bool:
    """The same in an event loop."""
    flow = user_sessions.revoke(user_id, session_id, namespace)
    return await run_async(flow, self, self.deadline_seconds)


def revoke_user(
    self: ListingStore,
    user_id: str,
    *,
    except_: str | None = None,
    namespace: str | None = None,
) -> int:
    """End all sessions of a user but the one with the id ``except_``; returns how many were ended.

    If another request has rotated the excepted session meanwhile, or a login has replaced it, the
    new session is kept too. With a ``namespace`` (see ``sessions_of``), sessions of other
    applications are not ended.

    The index may miss a login of the last second; with ``strict_revocation`` none is missed. It
    ends any number of sessions; more of them take longer.

    Raises:
        RevocationIncomplete: the table became unavailable. Sessions that were ended stay ended;
            call it again to end the rest.
        TypeError, ValueError, StoreUnavailable, TableNotFound, AccessDenied, StoreError: as
            ``sessions_of``.
    """
    flow = user_sessions.revoke_user(user_id, self.is_exact_by_owner, except_, namespace)
    return _run("revoke_user", flow, self, for_each=True)


async def revoke_user_async(
    self: ListingStore,
    user_id: str,
    *,
    except_: str | None = None,
    namespace: str | None = None,
) -> int:
    """The same in an event loop."""
    flow = user_sessions.revoke_user(user_id, self.is_exact_by_owner, except_, namespace)
    return await run_async(flow, self, self.deadline_seconds, for_each=True)


def _run(method: str, flow: Flow[T], store: ListingStore, *, for_each: bool = False) -> T:
    if not store.in_process and in_event_loop():
        warnings.warn(
            f"store.{method}() was called in an event loop, which can't run other tasks until the "
            f"table answers: await store.{method}_async(), or call it in a thread",
            RuntimeWarning,
            stacklevel=3,
        )
    return run(flow, store, store.deadline_seconds, for_each=for_each)
