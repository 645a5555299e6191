"""Sessions in the memory of one process, with the semantics of the table."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, NoReturn, Self

from ddbwire.arguments import require_clock
from ddbwire.clocks.local_clock import LocalClock
from sessions.arguments import require_deadline_seconds, require_positive_int
from sessions.end_reason import LOGIN_ELSEWHERE
from sessions.operations.count import Count, CountChange, Counted, Recount
from sessions.operations.operation import (
    BatchDelete,
    BatchGet,
    ByOwner,
    Create,
    Delete,
    Find,
    Found,
    Get,
    Operation,
    ReadClock,
    ReadCount,
    Registered,
    Replace,
    RowKey,
    Save,
    Unregister,
)
from sessions.operations.row import Row
from sessions.store import user_sessions
from sessions.store.memory_rows import MemoryRows

_SECOND_NS = 1_000_000_000


class MemorySessionStore:
    """A store for one process: tests, development, or a site that runs as one process.

    It keeps at most ``max_sessions``. For a further one, it drops sessions that are over, or else
    the one that was not used for the longest time. ``copy`` returns the store itself. It can't be
    pickled: its sessions are in this process.

    Args:
        max_sessions: how many sessions to keep.
        clock: a function that returns nanoseconds since the epoch, for tests that set the time;
            None for the monotonic clock, so that a step of the wall clock does not change when
            sessions end.

    Raises:
        ValueError: ``max_sessions`` is not an int of at least 1.
    """

    is_exact_by_owner = False  # its index has no lag
    in_process = True
    ready = True  # there is nothing to prepare
    deadline_seconds = 1.0  # it never takes so long

    def __init__(
        self, *, max_sessions: int = 100_000, clock: Callable[[], int] | None = None
    ) -> None:
        from ddbwire.concurrency.fork import at_fork  # here, for it brings the wire with it

        if clock is not None:
            require_clock(clock)
        self.clock = LocalClock(clock)
        self._max_sessions = require_positive_int("max_sessions", max_sessions)
        self._rows = MemoryRows(max_sessions)
        # Reentrant: a finalizer or a signal handler may make a call in the midst of another. What
        # was read before it is read again then, which the number of writes shows.
        self._lock = threading.RLock()
        at_fork(self)

    sessions_of = user_sessions.sessions_of
    """A user's sessions that are not over, the newest login first."""
    sessions_of_async = user_sessions.sessions_of_async
    revoke = user_sessions.revoke
    """End one session of a user; whether there was one."""
    revoke_async = user_sessions.revoke_async
    revoke_user = user_sessions.revoke_user
    """End all sessions of a user but one; returns how many were ended."""
    revoke_user_async = user_sessions.revoke_user_async

    def after_fork_in_child(self) -> None:
        """Renew the lock: a thread of the parent process may have held it."""
        self._lock = threading.RLock()

    def prepare(self) -> None:
        """Does nothing; both stores have it."""

    async def prepare_async(self) -> None:
        """Does nothing; both stores have it."""

    def warm_up(self) -> None:
        """Does nothing; both stores have it."""

    async def warm_up_async(self) -> None:
        """Does nothing; both stores have it."""

    def check(self, *, deadline: float = 5.0) -> None:
        """Checks nothing but the deadline; both stores have it."""
        require_deadline_seconds(deadline)

    async def check_async(self, *, deadline: float = 5.0) -> None:
        """Checks nothing but the deadline; both stores have it."""
        self.check(deadline=deadline)

    def close(self) -> None:
        """Does nothing; both stores have it."""

    async def aclose(self) -> None:
        """Does nothing; both stores have it."""

    def send(self, operation: Operation, deadline_ns: int) -> Any:  # noqa: ARG002 - never late
        """Carry out one operation, atomically among the process's threads."""
        with self._lock:
            return self._apply(operation)

    async def send_async(self, operation: Operation, deadline_ns: int) -> Any:
        """Carry out one operation; it never waits."""
        return self.send(operation, deadline_ns)

    def __len__(self) -> int:
        with self._lock:
            return sum(1 for row in self._rows.values() if not row.is_tombstone)

    def __bool__(self) -> bool:
        return True  # an empty store is a store

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    def __repr__(self) -> str:
        return f"{type(self).__name__}(max_sessions={self._max_sessions})"

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, _: object) -> Self:
        return self

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            f"a {type(self).__name__} can't be pickled: its sessions are in this process's memory; "
            "processes share those of a DynamoDBSessionStore"
        )

    def _apply(self, operation: Operation) -> Any:  # noqa: C901, PLR0911 - one case an operation
        match operation:
            case ReadClock():
                return self._now()
            case Find(session_id):
                now = self._now()
                row = self._rows.use(session_id, now)
                return Found([] if row is None else [row], now)
            case Get(session_id, user_id):
                rows = self._without_data([(session_id, user_id)])
                return rows[0] if rows else None
            case Create():
                return self._create(operation)
            case ReadCount(user_id, namespace):
                return Counted(self._counted(user_id, namespace))
            case Save():
                return self._save(operation)
            case Replace():
                return self._replace(operation)
            case Delete(session_id, user_id):
                return self._delete(session_id, user_id)
            case BatchGet(keys):
                return self._without_data(keys)
            case BatchDelete(keys):
                deleted = [self._delete(session_id, user_id) for session_id, user_id in keys]
                return [replace(row, data={}) for row in deleted if row is not None]
            case ByOwner(user_id):
                rows = self._rows.owned_by(user_id)
                return [row.session_id for row in rows if not row.is_tombstone]
            case Registered() | Unregister():
                raise AssertionError("is_exact_by_owner is False")
        raise TypeError(f"operation {operation!r} must be one of sessions.operations")

    def _create(self, create: Create) -> bool:
        while True:
            writes = self._rows.writes
            if not self._is_counted(create.count):
                return False
            if self._rows.get(create.row.session_id) is not None:
                return create.count is None
            if self._rows.put([create.row, *self._ended(create.count)], writes):
                self._rows.make_room(self._now())
                return True

    def _save(self, save: Save) -> bool:
        while True:
            writes, row = self._rows.writes, self._row(save.session_id, save.user_id)
            if row is None or not row.is_live(save.now) or row.last_seen_at > save.last_seen_at:
                return False
            if save.version is not None and row.version != save.version:
                return False
            remaining = {key: stored for key, stored in row.data.items() if key not in save.removed}
            saved = replace(
                row,
                data={**remaining, **save.changed},
                last_seen_at=save.last_seen_at,
                expires_at=save.expires_at,
                version=row.version + bool(save.changed or save.removed),
            )
            if self._rows.put([saved], writes):
                return True

    def _replace(self, replacement: Replace) -> bool:
        new_id, count = replacement.new.session_id, replacement.count
        while True:
            writes = self._rows.writes
            old = self._row(replacement.old.session_id, replacement.old.user_id)
            if old is None or not old.is_live(replacement.now):
                return False
            if old.version != replacement.old.version or not self._is_counted(count):
                return False
            left = replace(
                old,
                data={},
                expires_at=replacement.old_until,
                successor=new_id if replacement.is_rotation else None,
                replaced_by=None if replacement.is_rotation else new_id,
            )
            if self._rows.put([left, *self._ended(count), replacement.new], writes):
                self._rows.make_room(self._now())
                return True

    def _ended(self, count: CountChange) -> list[Row]:
        """The rows of the sessions that end with a change of the count."""
        ended = count.ended if isinstance(count, Recount) else ()
        rows = [self._rows.get(row.session_id) for row in ended]
        return [
            replace(row, data={}, end_reason=LOGIN_ELSEWHERE) for row in rows if row is not None
        ]

    def _is_counted(self, change: CountChange) -> bool:
        """Whether a count may be changed so. No count is stored: it is that of the rows."""
        if change is None:
            return True
        ids = self._counted(change.user_id, change.namespace)
        if isinstance(change, Count):
            many = len(ids - change.removed) + 1
            return change.removed <= ids and (change.most is None or many <= change.most)
        return (
            change.known is not None
            and change.known.ids == ids
            and ids.issuperset(row.session_id for row in change.ended)
        )

    def _counted(self, user_id: str, namespace: str) -> frozenset[str]:
        return frozenset(
            row.session_id
            for row in self._rows.owned_by(user_id)
            if row.namespace == namespace and row.successor is None and not row.is_tombstone
        )

    def _delete(self, session_id: str, user_id: str) -> Row | None:
        while True:
            writes, row = self._rows.writes, self._row(session_id, user_id)
            if row is None or row.is_tombstone or self._rows.remove(session_id, writes):
                return row

    def _row(self, session_id: str, user_id: str) -> Row | None:
        row = self._rows.get(session_id)
        return row if row is not None and row.user_id == user_id else None

    def _without_data(self, keys: Sequence[RowKey]) -> list[Row]:
        rows = [self._row(session_id, user_id) for session_id, user_id in keys]
        return [replace(row, data={}) for row in rows if row is not None]

    def _now(self) -> int:
        return self.clock.now_ns() // _SECOND_NS
