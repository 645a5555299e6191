"""Lists and ends a user's sessions, by the index or (``strict_revocation``) by the register."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

from sessions.arguments import require_user_and_namespace
from sessions.cookie.token import is_session_id
from sessions.errors import RevocationIncomplete, StoreUnavailable
from sessions.lifecycle.end import Ending, end
from sessions.operations.operation import (
    BatchDelete,
    BatchGet,
    ByOwner,
    Flow,
    Get,
    ReadClock,
    Registered,
    RowKey,
    Unregister,
)
from sessions.operations.row import Row

_BATCH = 500
"""How many rows one operation reads or deletes. Each operation has the whole deadline, so any
number of sessions can be ended: who knows a password can log in ten thousand times."""


@dataclass(frozen=True, slots=True)
class SessionInfo:
    """One of a user's sessions, for a page of their devices. Times are epoch seconds.

    Attributes:
        id: the argument of ``revoke``, and ``session.id`` of the session itself: 43 characters,
            no secret.
        user_id: the user, such as ``"user-456"``.
        created_at: when the user logged in, such as 1_800_000_000.
        last_seen_at: when its use was noted last, such as 1_800_000_360.
        expires_at: when it is over if it is not used again, such as 1_800_003_960.
        device: the ``device`` of the login, such as ``"Firefox on Linux"``; None without one.
        namespace: the ``namespace=`` of its application.
    """

    id: str
    user_id: str
    created_at: int
    last_seen_at: int
    expires_at: int
    device: str | None
    namespace: str = ""


def sessions_of(user_id: str, exact: bool, namespace: str | None = None) -> Flow[list[SessionInfo]]:
    """The sessions of a user that are not over, the newest login first."""
    require_user_and_namespace(user_id, namespace)
    listed, registered = yield from ids_of(user_id, exact)
    rows = yield from rows_of([(session_id, user_id) for session_id in listed])
    now: int = yield ReadClock()
    # Only deleted ones: a process whose clock is behind may still prolong one that is over here.
    gone = registered.difference(row.session_id for row in rows if not row.is_tombstone)
    if gone:
        with suppress(StoreUnavailable):  # it is tried again the next time
            yield Unregister(user_id, gone)
    live = [row for row in rows if row.is_live(now) and _is_in(row, namespace)]
    newest_first = sorted(live, key=lambda row: (row.created_at, row.last_seen_at), reverse=True)
    return [_info(row) for row in newest_first]


def revoke(user_id: str, session_id: str, namespace: str | None = None) -> Flow[bool]:
    """End one session of a user; whether there was one.

    The id may come from a request: a malformed one, or one of another user's session, ends nothing.
    """
    require_user_and_namespace(user_id, namespace)
    if not is_session_id(session_id):
        return False
    if namespace is not None:
        row: Row | None = yield Get(session_id, user_id)
        if row is None or not _is_in(row, namespace):
            return False
    return (yield from end(session_id, user_id)) is Ending.ENDED


def revoke_user(
    user_id: str, exact: bool, except_id: str | None, namespace: str | None = None
) -> Flow[int]:
    """End all sessions of a user but one; returns how many were ended.

    Raises:
        RevocationIncomplete: the store failed in between; its ``ended`` says how many were ended.
    """
    require_user_and_namespace(user_id, namespace)
    listed, _ = yield from ids_of(user_id, exact)
    # Read after the list, which may have the id that the session was rotated to meanwhile.
    spared = yield from _successors(user_id, except_id)
    keys = [(session_id, user_id) for session_id in listed if session_id not in spared]
    if namespace is not None or spared:
        rows = [row for row in (yield from rows_of(keys)) if _is_in(row, namespace)]
        spared |= _leading_to(spared, rows)
        keys = [(row.session_id, user_id) for row in rows if row.session_id not in spared]
    known = {session_id for session_id, _ in keys} | spared
    ended, tried = 0, 0
    while tried < len(keys):
        batch = keys[tried : tried + _BATCH]
        try:
            rows = yield BatchDelete(batch)
            now: int = yield ReadClock()
        except StoreUnavailable as outage:
            remaining = len(keys) - tried
            raise RevocationIncomplete(
                f"revoke_user: {ended} sessions are ended and up to {remaining} are left; call it "
                f"again to end the rest: {outage}",
                ended,
                remaining,
            ) from outage
        tried += len(batch)
        ended += sum(row.is_live(now) for row in rows)
        # It may have been rotated since the ids were read.
        successors = {row.successor for row in rows if row.successor is not None} - known
        known |= successors
        keys += [(session_id, user_id) for session_id in successors]
    return ended


def ids_of(user_id: str, exact: bool) -> Flow[tuple[list[str], frozenset[str]]]:
    """The ids of a user's sessions, the newest first, and which of them are in the register.

    Both are read: the register has only the sessions that began after it was switched on, and those
    that only the register has are newer than what the index shows.
    """
    registered: list[str] = (yield Registered(user_id)) if exact else []
    indexed: list[str] = yield ByOwner(user_id)
    shown = set(indexed)
    newest = [session_id for session_id in registered if session_id not in shown]
    return [*newest, *indexed], frozenset(registered)


def rows_of(keys: Sequence[RowKey]) -> Flow[list[Row]]:
    """The rows that these keys have, without their data."""
    rows: list[Row] = []
    for batch in _batches(keys):
        rows += yield BatchGet(batch)
    return rows


def _successors(user_id: str, session_id: str | None) -> Flow[frozenset[str]]:
    """A session's id, and the ids that replaced it by a rotation or a login of this user."""
    found: list[str] = []
    # The id may come from a request, and rows that this package did not write may form a circle.
    while session_id is not None and is_session_id(session_id) and session_id not in found:
        found.append(session_id)
        row: Row | None = yield Get(session_id, user_id)
        session_id = None if row is None else row.successor or row.replaced_by
    return frozenset(found)


def _leading_to(ids: frozenset[str], rows: Sequence[Row]) -> frozenset[str]:
    """The ids that were rotated to these; requests under way with one have the same session."""
    found: set[str] = set()
    leading = {row.successor: row.session_id for row in rows if row.successor is not None}
    for session_id in ids:
        before = leading.get(session_id)
        while before is not None and before not in found:
            found.add(before)
            before = leading.get(before)
    return frozenset(found)


def _is_in(row: Row, namespace: str | None) -> bool:
    return namespace is None or row.namespace == namespace


def _batches(keys: Sequence[RowKey]) -> Iterator[Sequence[RowKey]]:
    return (keys[start : start + _BATCH] for start in range(0, len(keys), _BATCH))


def _info(row: Row) -> SessionInfo:
    return SessionInfo(
        row.session_id,
        row.user_id,
        row.created_at,
        row.last_seen_at,
        row.expires_at,
        row.device,
        row.namespace,
    )
