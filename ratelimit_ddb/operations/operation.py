"""The five operations that a store must be able to carry out, and what each returns.

The bucket's flows yield them and are sent the results; a store, or a simulator, turns the one into
the other. Each is one atomic step: nothing else happens to the item meanwhile.
``fullAt`` of a limit is ``None`` where the item or the attribute is missing: a full bucket.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, NamedTuple, TypeVar

from ratelimit_ddb.errors import StoreUnavailable

T = TypeVar("T")


class ReadClock(NamedTuple):
    """Read the table's time. Returns: int, nanoseconds since the epoch."""


class Take(NamedTuple):
    """Move each ``fullAt`` later by its cost, if every one's condition holds.

    Returns: OperationResult.

    For a limit guessed idle the condition is ``fullAt < now`` and it becomes ``now + cost``; for
    one guessed active it is ``now <= fullAt <= now + room`` and the cost is added. A missing
    attribute satisfies both, and counts as ``now``.

    Attributes:
        key: the item.
        names: the limits' names, in their order; the tuples below follow it.
        idle: which branch each limit takes.
        now_ns: the decision's one reading of the clock.
        cost_ns: the time that the wanted tokens are worth.
        room_ns: how far beyond now an active ``fullAt`` may lie.
        expires_at_seconds: the epoch second when every limit is surely full again (TTL).
        extends: whether the write moves the item's ``expiresAt`` there, which it refuses if the
            item is kept longer; False where the item is known to be kept at least as long, which
            the write then refuses to do without. Either way ``expiresAt`` never moves back, for
            another limiter with a longer window may need it.
    """

    key: str
    names: tuple[str, ...]
    idle: tuple[bool, ...]
    now_ns: int
    cost_ns: tuple[int, ...]
    room_ns: tuple[int, ...]
    expires_at_seconds: int
    extends: bool


class GiveBack(NamedTuple):
    """Move each ``fullAt`` earlier by its amount, if every one's condition holds.

    Returns: OperationResult.

    The condition is ``least <= fullAt <= most`` and ``refunded = refunded_before``. Then
    ``refunded`` becomes ``refunded_after``; a missing one counts as 0, and stays missing at 0.

    Attributes:
        key: the item.
        names: the limits' names, in their order; the tuples below follow it.
        amount_ns: what is given back; 0 for a limit of which all has flowed back by itself, whose
            condition holds all the same.
        least_ns, most_ns: where ``fullAt`` must be.
        refunded_before_ns, refunded_after_ns: what was given back out of turn (bucket/bucket.py).
        now_ns: the flow's one reading of the clock.
    """

    key: str
    names: tuple[str, ...]
    amount_ns: tuple[int, ...]
    least_ns: tuple[int, ...]
    most_ns: tuple[int, ...]
    refunded_before_ns: tuple[int, ...]
    refunded_after_ns: tuple[int, ...]
    now_ns: int


class Read(NamedTuple):
    """Read every ``fullAt``, consistently. Returns: OperationResult, always applied."""

    key: str
    names: tuple[str, ...]


class Delete(NamedTuple):
    """Delete the item, there or not. Returns: OperationResult, always applied, of nothing."""

    key: str


Operation = ReadClock | Take | GiveBack | Read | Delete
Flow = Generator[Operation, Any, T]
"""A generator that yields operations, is sent what each returns, and returns a T."""


class Together(NamedTuple):
    """Run several flows side by side; for the driver, not for a store.

    Returns: for each of them, in their order, what it returned or the StoreError that ended it.

    Attributes:
        flows: what to run.
        leaves_time: whether a quarter of the deadline is left for what comes after it.
    """

    flows: tuple[Flow[Any], ...]
    leaves_time: bool = False


JointFlow = Generator[Operation | Together, Any, T]
"""A flow that may run other flows side by side."""

OperationSequence = Generator[Operation, Any, None]
"""A generator that yields operations, and is sent what each returns or the StoreError it raised."""


class ClockMoved(StoreUnavailable):
    """Raised into a flow in the place of an answer: the operation's ``now`` is not the table's.

    The clock was corrected while it was under way, or the process was suspended. A flow makes its
    operation anew, or takes it for the outage that it is otherwise.
    """


class NotAsked(StoreUnavailable):
    """Raised into a flow in the place of an answer: the store's breaker is open (breaker.py)."""


class OperationResult(NamedTuple):
    """What a store returns for an operation but ReadClock.

    Attributes:
        applied: whether the condition held.
        full_at_ns: each ``fullAt``: the new ones, or those that refused it.
        capacity_units: what the table billed for it; None where it was not asked.
        expires_at_seconds: the item's ``expiresAt``; None where it has none, or for a memory that
            expires nothing.
        refunded_ns: each limit's ``refunded``: 0 where there is none.
    """

    applied: bool
    full_at_ns: tuple[int | None, ...]
    capacity_units: float | None = None
    expires_at_seconds: int | None = None
    refunded_ns: tuple[int, ...] = ()
