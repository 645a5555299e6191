"""The operations that a session store carries out, and the result of each.

Flows yield them and are sent the results. Each is one atomic step, except for the batches, which
are one step for each row. Only ``ByOwner`` may be eventually consistent, as an index is.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

from sessions.operations.count import CountChange
from sessions.operations.row import Row, StoredValue

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ReadClock:
    """Read the store's time. Result: epoch seconds (an int)."""


@dataclass(frozen=True, slots=True)
class Find:
    """Read the rows of a session's id, consistently. Result: what was Found."""

    session_id: str


class Found(NamedTuple):
    """The rows of a session's id.

    Attributes:
        rows: at most two; more than one is an error.
        now: the store's time when they were read, in epoch seconds.
    """

    rows: Sequence[Row]
    now: int


@dataclass(frozen=True, slots=True)
class Get:
    """Read one row, consistently, without its data. Result: the Row, or None."""

    session_id: str
    user_id: str


RowKey = tuple[str, str]
"""The key of a row: its ``session_id`` and ``user_id``."""


@dataclass(frozen=True, slots=True)
class BatchGet:
    """Read rows, each consistently, without their data. Result: the Rows that exist."""

    keys: Sequence[RowKey]


@dataclass(frozen=True, slots=True)
class Create:
    """Put a row, if its session's id is free. Result: whether the row exists now.

    An id is 256 random bits: if the row exists, this same operation has put it, and was sent again.

    Attributes:
        row: the row to put.
        count: the change of its user's count, in the same transaction. The result is then whether
            both were done.
    """

    row: Row
    count: CountChange = None


@dataclass(frozen=True, slots=True)
class Save:
    """Change some keys of a row, if it exists and is not over. Result: whether it was changed.

    A row that was rotated or replaced is not changed. Neither is one with a later ``last_seen_at``:
    another save has overtaken this one.

    Attributes:
        session_id, user_id: the row.
        now: epoch seconds.
        changed: values to set.
        removed: keys to remove.
        last_seen_at, expires_at: the times to set.
        version: the version that the row must have; None for any.
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
    """Put a new row and mark the old one, in one transaction. Result: whether it was done.

    It is done if the new id is free, and the old row exists, is not over, has the version that was
    read, and was neither rotated nor replaced. The old row loses its data.

    Attributes:
        old: the row that was read.
        new: the row to put.
        now: epoch seconds.
        old_until: until when the old row is kept.
        is_rotation: whether the old row leads to the new one until then (``successor``); otherwise
            it only says that it was replaced (``replaced_by``).
        count: the change of the count of the new row's user; if that is refused, so is the rest.
    """

    old: Row
    new: Row
    now: int
    old_until: int
    is_rotation: bool
    count: CountChange = None


@dataclass(frozen=True, slots=True)
class ReadCount:
    """Read a user's count, consistently. Result: a Counted; None if there is none."""

    user_id: str
    namespace: str


@dataclass(frozen=True, slots=True)
class Delete:
    """Delete a row, if it exists. Result: the Row that it was, or None.

    A tombstone is not deleted, for later requests; the result is that Row.
    """

    session_id: str
    user_id: str


@dataclass(frozen=True, slots=True)
class BatchDelete:
    """Delete rows, each as ``Delete`` does. Result: the Rows that they were, without their data.

    If it raises, some of them may have been deleted.
    """

    keys: Sequence[RowKey]


@dataclass(frozen=True, slots=True)
class ByOwner:
    """List the sessions of a user by the index, newest first. Result: a list of session ids."""

    user_id: str


@dataclass(frozen=True, slots=True)
class Registered:
    """List the sessions of a user by the register, consistently. Result: a list of session ids.

    Only for a store whose ``is_exact_by_owner`` is True.
    """

    user_id: str


@dataclass(frozen=True, slots=True)
class Unregister:
    """Remove ids of deleted sessions from a user's register. Result: None."""

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


@dataclass(frozen=True, slots=True)
class CallApplication:
    """Call a function of the application's, which the driver does itself; no store is asked.

    Result: what it returns. In an event loop it may be an async function, which is awaited.

    Attributes:
        name: its name in a message.
        function: it.
        argument: its argument.
    """

    name: str
    function: Callable[[str], Any]
    argument: str


Flow = Generator[Operation | CallApplication, Any, T]
"""Yields operations, is sent the result of each, and returns a T."""
