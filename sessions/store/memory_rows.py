"""The rows of a store in memory: found by id and by owner, and given up in the right order.

Three orders of the same rows, each kept up with every change, so that nothing ever looks through
all of them: by id in the order of use, by expiry, and by owner. With 100,000 rows a change takes
microseconds, the removal of the right one from a full store among them.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import OrderedDict
from collections.abc import Collection
from itertools import islice

from sessions.operations.row import Row

_EXPIRED_AT_ONCE = 64
"""Rows that are dropped for one that comes: a few ahead, but not so many that it has to wait."""


class MemoryRows:
    """Rows, at most so many.

    Args:
        max_rows: how many are kept. For a further one, some that are over are dropped, those first
            that have been over the longest; if none is, the one that nobody used the longest.
    """

    __slots__ = ("_by_expiry", "_by_owner", "_by_use", "_max_rows")

    def __init__(self, max_rows: int) -> None:
        self._max_rows = max_rows
        self._by_use: OrderedDict[str, Row] = OrderedDict()  # what was used last is the last
        self._by_expiry: list[tuple[int, str]] = []  # sorted
        self._by_owner: dict[str, dict[str, None]] = {}

    def get(self, session_id: str) -> Row | None:
        """A row; not counted as its use."""
        return self._by_use.get(session_id)

    def use(self, session_id: str) -> Row | None:
        """A row that is used now."""
        row = self._by_use.get(session_id)
        if row is not None:
            self._by_use.move_to_end(session_id)
        return row

    def owned_by(self, user_id: str) -> list[Row]:
        """The rows of a user, the newest first."""
        owned = self._by_owner.get(user_id, {})
        return [self._by_use[session_id] for session_id in reversed(owned)]

    def add(self, row: Row, now: int) -> bool:
        """Add a row, which is used now, unless its id has one. Whether it was added.

        Args:
            row: the row.
            now: epoch seconds: what is over by then is dropped first.
        """
        if row.session_id in self._by_use:
            return False
        if len(self._by_use) >= self._max_rows:
            self._make_room(now)
        self._by_use[row.session_id] = row
        insort(self._by_expiry, (row.expires_at, row.session_id))
        if row.owner_id is not None:
            self._by_owner.setdefault(row.owner_id, {})[row.session_id] = None
        return True

    def change(self, row: Row) -> None:
        """Put a row in the place of the one that has its id and its owner."""
        old = self._by_use[row.session_id]
        self._by_use[row.session_id] = row
        if old.expires_at != row.expires_at:
            self._forget_expiry(old)
            insort(self._by_expiry, (row.expires_at, row.session_id))

    def remove(self, session_id: str) -> None:
        """Drop a row that is there."""
        row = self._by_use[session_id]
        self._forget_expiry(row)
        self._forget(row)

    def values(self) -> Collection[Row]:
        """All rows, over or not."""
        return self._by_use.values()

    def __len__(self) -> int:
        return len(self._by_use)

    def _make_room(self, now: int) -> None:
        over = bisect_left(self._by_expiry, (now + 1,), hi=min(_EXPIRED_AT_ONCE, len(self)))
        if over == 0:
            self.remove(next(iter(self._by_use)))
            return
        for _, session_id in islice(self._by_expiry, over):
            self._forget(self._by_use[session_id])
        del self._by_expiry[:over]

    def _forget_expiry(self, row: Row) -> None:
        del self._by_expiry[bisect_left(self._by_expiry, (row.expires_at, row.session_id))]

    def _forget(self, row: Row) -> None:
        del self._by_use[row.session_id]
        if row.owner_id is not None:
            owned = self._by_owner[row.owner_id]
            del owned[row.session_id]
            if not owned:
                del self._by_owner[row.owner_id]
