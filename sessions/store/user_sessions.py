"""The methods of a store that list and end a user's sessions: the same in every store.

They are functions of the store, which takes them as its methods: ``sessions_of = sessions_of``.
"""

from __future__ import annotations

from typing import Protocol

from sessions.lifecycle import user_sessions
from sessions.lifecycle.user_sessions import SessionInfo
from sessions.operations.driver import run, run_async
from sessions.operations.store import Store


class ListingStore(Store, Protocol):
    """A store that lists a user's sessions.

    Attributes:
        deadline_seconds: how long each step of it may take; see ``deadline`` of a
            DynamoDBSessionStore.
    """

    deadline_seconds: float


def sessions_of(
    self: ListingStore, user_id: str, *, namespace: str | None = None
) -> list[SessionInfo]:
    """A user's sessions that are not over, the newest login first.

    Args:
        self: the store.
        user_id: the user, such as ``"user-456"``.
        namespace: of the application whose sessions are meant, as its option ``namespace=`` says;
            None for those of all applications that share the store.

    Raises:
        TypeError, ValueError: the user's id is invalid.
        StoreUnavailable, TableNotFound, AccessDenied, StoreError: see there.
    """
    flow = user_sessions.sessions_of(user_id, self.is_exact_by_owner, namespace)
    return run(flow, self, self.deadline_seconds, for_each=True)


async def sessions_of_async(
    self: ListingStore, user_id: str, *, namespace: str | None = None
) -> list[SessionInfo]:
    """The same in an event loop."""
    flow = user_sessions.sessions_of(user_id, self.is_exact_by_owner, namespace)
    return await run_async(flow, self, self.deadline_seconds, for_each=True)


def revoke(
    self: ListingStore, user_id: str, session_id: str, *, namespace: str | None = None
) -> bool:
    """End one session of a user, by ``SessionInfo.id``; whether it was there.

    With a ``namespace``, see ``sessions_of``, it ends none of another application.
    """
    flow = user_sessions.revoke(user_id, session_id, namespace)
    return run(flow, self, self.deadline_seconds)


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
    """End all sessions of a user, but for the one with the id ``except_``; how many.

    What that one was rotated to by another request meanwhile is kept too, and the session of a
    login that took its place. With a ``namespace``, see ``sessions_of``, it ends none of another
    application.

    By a table's index, a login of the last second may be missed; with ``strict_revocation`` none
    is. How many sessions there are only matters to how long it takes.

    Raises:
        RevocationIncomplete: the table could not be reached any more. What was ended stays ended;
            call it again, and it goes on with the rest.
        TypeError, ValueError, StoreUnavailable, TableNotFound, AccessDenied, StoreError: as
            ``sessions_of``.
    """
    flow = user_sessions.revoke_user(user_id, self.is_exact_by_owner, except_, namespace)
    return run(flow, self, self.deadline_seconds, for_each=True)


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
