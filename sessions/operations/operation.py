"""The operations that a session store carries out, and the result of each.

Flows yield them and are sent the results. Each is one atomic step, but for the batches, which are
one step for each row. Only ``ByOwner`` may lag behind, as an index does: it shows what was true a
moment ago.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from sessions.operations.count import CountChange
from sessions.operations.row import Row, StoredValue

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ReadClock:
    """Read the store's time. Result: epoch seconds (an int)."""


@dataclass(frozen=True, slots=True)
class Find:
    """Read the rows of a session's id, consistently. Result: a list of up to two Rows."""

    session_id: str


@dataclass(frozen=True, slots=True)
class Get:
    """Read one row, consistently, without its data. Result: the Row, or None."""

    session_id: str
    user_id: str


RowKey = tuple[str, str]
"""What names a row: its ``session_id`` and ``user_id``."""


@dataclass(frozen=True, slots=True)
class BatchGet:
    """Read rows, each consistently, without their data. Result: the Rows that are there."""

    keys: Sequence[RowKey]


@dataclass(frozen=True, slots=True)
class Create:
    """Put a row, if its session's id is free. Result: whether it is there now.

    An id is 256 random bits: one that exists was put by this same operation, sent again.

    Attributes:
        row: the row to put.
        count: what changes with it of its user's count, both or neither. Then the result is whether
            it was done.
    """

    row: Row
    count: CountChange = None


@dataclass(frozen=True, slots=True)
class Save:
    """Change some keys of a row, if it is there and not over yet. Result: whether it was.

    One that was rotated or replaced is not changed, nor is one whose use was noted later: then this
    save was overtaken by another one.

    Attributes:
        session_id, user_id: the row.
        now: epoch seconds.
        changed: values to set.
        removed: keys to drop.
        last_seen_at, expires_at: noted with it.
        version: if not None, the version it must have too.
    """

    session_id: str
    user_id: str
    now: int
    last_seen_at: int
    expires_at: int
    changed: Mapping[str, StoredValue]
    removed: frozenset[str]
    version: int | None = None


@dataclass(frozen=True, slots=True)
class Replace:
    """Put a new row in an old one's place, both or neither. Result: whether it was done.

    It is done if the new id is free, and the old row is there, not over, of this version, and
    neither rotated nor replaced before. The old row loses its data.

    Attributes:
        old: what was read.
        new: the row to put.
        now: epoch seconds.
        old_until: until when the old row is kept.
        is_rotation: whether the old row leads to the new one till then (``successor``); otherwise
            it only says that it was replaced (``replaced_by``).
        count: what changes with them of the new row's user's count; it may refuse all.
    """

    old: Row
    new: Row
    now: int
    old_until: int
    is_rotation: bool
    count: CountChange = None


@dataclass(frozen=True, slots=True)
class ReadCount:
    """Read what is counted of a user, consistently. Result: a Counted, or None if nothing is."""

    user_id: str
    namespace: str


@dataclass(frozen=True, slots=True)
class Delete:
    """Delete a row, there or not. Result: the Row that it was, or None.

    A tombstone stays, for requests that come yet; the result is that Row.
    """

    session_id: str
    user_id: str


@dataclass(frozen=True, slots=True)
class BatchDelete:
    """Delete rows, each as ``Delete`` does. Result: the Rows that there were, without their data.

    If it raises, some of them may be deleted.
    """

    keys: Sequence[RowKey]


@dataclass(frozen=True, slots=True)
class ByOwner:
    """The keys of a user's rows, newest first, by the index. Result: a list of session ids."""

    user_id: str


@dataclass(frozen=True, slots=True)
class Registered:
    """The ids of a user's sessions, without an index's lag. Result: a list of them.

    Only for a store whose ``is_exact_by_owner`` is True.
    """

    user_id: str


@dataclass(frozen=True, slots=True)
class Unregister:
    """Forget ids of a user's sessions that are no more. Result: None."""

    user_id: str
    session_ids: frozenset[str]


Operation = (
    ReadClock
    | Find
    | Get
    | Create
    | Save
    | Replace
    | Delete
    | BatchGet
    | BatchDelete
    | ByOwner
    | Registered
    | Unregister
    | ReadCount
)
Flow = Generator[Operation, Any, T]
"""Yields operations, is sent the result of each, and returns a T."""
