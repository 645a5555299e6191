"""The rows of a store in memory: found by id and by owner, and dropped in the right order.

The rows are indexed by last use, by expiry and by owner, so no operation scans all rows. With
100,000 rows a change takes microseconds, even in a full store, which must drop a row.

A finalizer or a signal handler may make a call in the midst of another one of its thread, wherever
that returns from a function. So a change is one call of ``dict.update`` or ``pop``, made only if
nothing was written since its caller looked. An index may name a row that is not there, never the
other way round for an owner's.
"""

from __future__ import annotations

from collections.abc import Collection
from heapq import heapify, heappop, heappush
from itertools import count

from sessions.operations.row import Row

_EXPIRED_AT_ONCE = 64
"""How many rows that are over are dropped for a new one: a few in advance, in a short time."""


class MemoryRows:
    """A limited number of rows.

    Args:
        max_rows: how many are kept. For a further one, some rows that are over are dropped, the
            earliest expiry first; if none is over, the one that was not used for the longest time.

    Attributes:
        writes: counts the changes.
        get: the row of an id, or None. Does not count as a use.
    """

    __slots__ = ("_by_expiry", "_by_owner", "_by_use", "_max_rows", "_rows", "get", "writes")

    def __init__(self, max_rows: int) -> None:
        self._max_rows = max_rows
        self._rows: dict[str, Row] = {}
        self.get = self._rows.get
        self.writes = 0
        self._by_use = _IdsBySecond()
        self._by_expiry = _IdsBySecond()
        self._by_owner: dict[str, dict[str, None]] = {}

    def use(self, session_id: str, now: int) -> Row | None:
        """A row. Counts as a use at ``now``, in epoch seconds."""
        row = self.get(session_id)
        if row is not None:
            self._by_use.put(session_id, now)
        return row

    def owned_by(self, user_id: str) -> list[Row]:
        """The rows of a user, the newest first."""
        owned = list(self._by_owner.get(user_id, ()))
        rows = [self.get(session_id) for session_id in reversed(owned)]
        return [row for row in rows if row is not None]

    def put(self, rows: Collection[Row], writes: int) -> bool:
        """Put rows, each new or in the place of the one with its id and owner, in one step.

        Args:
            rows: the rows, last used at their ``last_seen_at``.
            writes: the number of writes when the caller looked.

        Returns:
            whether it was done; not if something was written since.
        """
        changed = {row.session_id: row for row in rows}
        before = [self.get(session_id) for session_id in changed]
        new = [row for row, old in zip(rows, before, strict=True) if old is None]
        for row in new:
            self._add_to_owner(row)
        if self.writes != writes:
            for row in new:
                self._take_from_owner(row)
            return False
        self.writes = writes + 1
        self._rows.update(changed)
        for row, old in zip(changed.values(), before, strict=True):
            self._by_use.put(row.session_id, row.last_seen_at)
            if old is None or row.expires_at != old.expires_at:
                self._by_expiry.put(row.session_id, row.expires_at)
        return True

    def remove(self, session_id: str, writes: int) -> bool:
        """Drop a row; whether it was done, as for ``put``."""
        if self.writes != writes:
            return False
        self._drop(session_id)
        return True

    def values(self) -> list[Row]:
        """All rows, over or not."""
        return list(self._rows.values())

    def __len__(self) -> int:
        return len(self._rows)

    def make_room(self, now: int) -> None:
        """Drop rows if there are too many: those that are over at ``now`` first."""
        if len(self._rows) <= self._max_rows:
            return
        for _ in range(_EXPIRED_AT_ONCE):
            first = self._by_expiry.first()
            if first is None or first[0] > now:
                break
            self._drop(first[1])
        while len(self._rows) > self._max_rows:
            oldest = self._by_use.first()
            if oldest is None:  # those that are left are put by calls around this one
                return
            self._drop(oldest[1])

    def _drop(self, session_id: str) -> None:
        self.writes += 1
        row = self._rows.pop(session_id, None)
        self._by_use.discard(session_id)
        self._by_expiry.discard(session_id)
        if row is not None:
            self._take_from_owner(row)

    # Without a call between a look and a change, so that nothing comes between them.

    def _add_to_owner(self, row: Row) -> None:
        user_id, session_id = row.owner_id, row.session_id
        owned: dict[str, None] = {session_id: None}
        if user_id is None:
            return
        if user_id in self._by_owner:
            self._by_owner[user_id][session_id] = None
        else:
            self._by_owner[user_id] = owned

    def _take_from_owner(self, row: Row) -> None:
        user_id, session_id = row.owner_id, row.session_id
        if user_id is None or user_id not in self._by_owner or session_id in self._rows:
            return
        owned = self._by_owner[user_id]
        if session_id in owned:
            del owned[session_id]
        if not owned:
            del self._by_owner[user_id]


class _IdsBySecond:
    """Ids in the order of their seconds, and within a second in the order in which they were put.

    A heap of entries; those that are out of date are skipped, and cleared when they are many.
    """

    __slots__ = ("_current", "_entries", "_numbers")

    def __init__(self) -> None:
        self._current: dict[str, tuple[int, int, str]] = {}
        self._entries: list[tuple[int, int, str]] = []
        self._numbers = count()

    def put(self, session_id: str, second: int) -> None:
        entry = (second, next(self._numbers), session_id)
        self._current[session_id] = entry
        heappush(self._entries, entry)
        if len(self._entries) > 2 * len(self._current) + _EXPIRED_AT_ONCE:
            self._clear()

    def discard(self, session_id: str) -> None:
        self._current.pop(session_id, None)

    def first(self) -> tuple[int, str] | None:
        while self._entries:
            entry = heappop(self._entries)
            if self._is_current(entry):
                heappush(self._entries, entry)
                return entry[0], entry[2]
        return None

    def _clear(self) -> None:
        self._entries = []  # for what a call in the midst of this one puts
        entries = list(self._current.values())
        heapify(entries)
        self._entries, meanwhile = entries, self._entries
        for entry in meanwhile:
            heappush(self._entries, entry)

    def _is_current(self, entry: tuple[int, int, str]) -> bool:
        return self._current.get(entry[2]) is entry
