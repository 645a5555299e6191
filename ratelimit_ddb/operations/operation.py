"""The operations that a store carries out, and what each returns.

The bucket's flows yield operations and are sent the results; a store, or a simulator, carries them
out. Each is one atomic step: nothing else happens to the item meanwhile. A ``fullAt`` of ``None``
means that the item or the attribute is missing: a full bucket.

The operations on slots of a concurrency limit are in slot_operation.py, and the one that reads a
whole table, which decisions never do, in scan_operation.py. Wait is carried out by the driver and
sends nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any, NamedTuple, Protocol, TypeVar

from ratelimit_ddb.errors import StoreUnavailable
from ratelimit_ddb.operations.scan_operation import ScanPage
from ratelimit_ddb.operations.slot_operation import SlotOperation

T = TypeVar("T")


class ReadClock(NamedTuple):
    """Read the table's time. Returns: int, nanoseconds since the epoch."""


class Take(NamedTuple):
    """Move each ``fullAt`` later by its cost, if every one's condition holds.

    Returns: OperationResult.

    There are two branches. For a limit that is taken to be idle the condition is ``fullAt < base``,
    and ``fullAt`` becomes ``base + cost``. For an active one it is
    ``base <= fullAt <= base + room``, and the cost is added. A missing attribute satisfies both
    conditions, and counts as ``base``.

    Attributes:
        key: the item.
        names: the limits' names, in their order; the tuples below follow it.
        idle: for each limit, whether it is taken to be idle.
        now_ns: the decision's one reading of the clock.
        base_ns: the instant from which each limit counts: now, or the end of a lease
            (hot_keys/lease.py).
        cost_ns: the time in which the tokens flow back.
        room_ns: how far beyond its base an active ``fullAt`` may lie.
        expires_at_seconds: the epoch second when every limit is certainly full again (TTL).
        extends: True to move the item's ``expiresAt`` there, on the condition that it is not later;
            False on the condition that it is at least as late, and leave it. So ``expiresAt`` never
            moves back, since another limiter with a longer window may need the item.
        leased_until_ns: the end of the lease that this take is, which the item stores; 0 for none.
        writes, active_ns: what is added to the item's counters of that name (hot_keys/pace.py).
    """

    key: str
    names: tuple[str, ...]
    idle: tuple[bool, ...]
    now_ns: int
    base_ns: tuple[int, ...]
    cost_ns: tuple[int, ...]
    room_ns: tuple[int, ...]
    expires_at_seconds: int
    extends: bool
    leased_until_ns: int = 0
    writes: int = 1
    active_ns: int = 0


BLOCKED = ":blocked"
"""The name of the number that says when a key's last block ends (bucket/debt.py). No limit can have
this name."""


class GiveBack(NamedTuple):
    """Move each ``fullAt`` earlier by its amount, if every one's condition holds.

    Returns: OperationResult.

    The conditions are ``least <= fullAt <= most``, ``refunded = refunded_before``, and that no
    lease and no block ended at ``unleased_since`` or later. Then ``refunded`` becomes
    ``refunded_after``; a missing one counts as 0, and is not written if it stays 0.

    Attributes:
        key: the item.
        names: the limits' names, in their order; the tuples below follow it.
        amount_ns: what is given back; 0 for a limit whose tokens have all flowed back, and whose
            conditions must hold nevertheless.
        least_ns, most_ns: the bounds of ``fullAt``.
        refunded_before_ns, refunded_after_ns: what was given back out of turn (bucket/refund.py).
        now_ns: the flow's one reading of the clock.
        unleased_since_ns: see above; None for no condition on leases and blocks.
    """

    key: str
    names: tuple[str, ...]
    amount_ns: tuple[int, ...]
    least_ns: tuple[int, ...]
    most_ns: tuple[int, ...]
    refunded_before_ns: tuple[int, ...]
    refunded_after_ns: tuple[int, ...]
    now_ns: int
    unleased_since_ns: int | None


class Read(NamedTuple):
    """Read every ``fullAt``, consistently. Returns: OperationResult, always applied."""

    key: str
    names: tuple[str, ...]


class Delete(NamedTuple):
    """Delete the item, there or not. Returns: OperationResult, always applied, of nothing."""

    key: str


class ReadLimits(NamedTuple):
    """Read stored limits, eventually consistently. Returns: LimitsResult.

    Attributes:
        key: the item, which is no bucket's (stored_limits/stored.py).
    """

    key: str


class WriteLimits(NamedTuple):
    """Write stored limits, replacing earlier ones. Returns: OperationResult, always applied.

    Attributes:
        key: the item, which is no bucket's (stored_limits/stored.py).
        texts: the limits, each in its notation.
        changed_at_seconds: now, as an epoch second, for the list of limits.
    """

    key: str
    texts: tuple[str, ...]
    changed_at_seconds: int


class Awaited(Protocol):
    """What a flow waits for: another flow of this process serves it."""

    @property
    def served(self) -> bool:
        """Whether it was served."""

    def attach(self, wake: Callable[[], None]) -> None:
        """Call ``wake`` when it is served, from any thread. It may be served already."""


class Wait(NamedTuple):
    """Wait until something is served. Returns: whether the deadline has not passed yet.

    The driver waits, or ``Store.send_all`` while it sends the operations of other flows. It may
    return early.

    Attributes:
        awaited: what is waited for.
        most_ns: the longest wait; None for up to the deadline.
    """

    awaited: Awaited
    most_ns: int | None


Operation = (
    ReadClock
    | Take
    | GiveBack
    | Read
    | Delete
    | ReadLimits
    | WriteLimits
    | SlotOperation
    | ScanPage
)
"""What a store carries out."""
Flow = Generator[Operation | Wait, Any, T]
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


JointFlow = Generator[Operation | Wait | Together, Any, T]
"""A flow that may run other flows side by side."""

OperationSequence = Generator[Operation | Wait, Any, None]
"""A generator that yields operations, and is sent what each returns or the StoreError it raised."""


class ClockMoved(StoreUnavailable):
    """Raised in a flow instead of a result: the operation's ``now`` is not the table's time.

    The clock was corrected meanwhile, or the process was suspended. A flow makes its operation
    again, or treats this as the outage that it is otherwise.
    """


class NotAsked(StoreUnavailable):
    """Raised in a flow instead of a result: the store's breaker is open (breaker.py)."""


class OperationResult(NamedTuple):
    """What a store returns for most operations.

    Attributes:
        applied: whether the condition held.
        full_at_ns: each ``fullAt``: the new ones, or those that did not satisfy the condition.
        capacity_units: what the table billed; None if it was not asked to report it.
        expires_at_seconds: the item's ``expiresAt``; None if it has none, as in a MemoryStore.
        refunded_ns: each limit's ``refunded``; 0 for none.
        writes: the item's counter of writes; 0 in a MemoryStore.
        leased_until_ns: when the last lease or the last block of the key ends; 0 if there was
            neither.
        active_ns: the item's counter of the time of all processes that write it.
    """

    applied: bool
    full_at_ns: tuple[int | None, ...]
    capacity_units: float | None = None
    expires_at_seconds: int | None = None
    refunded_ns: tuple[int, ...] = ()
    writes: int = 0
    leased_until_ns: int = 0
    active_ns: int = 0


class LimitsResult(NamedTuple):
    """What a store returns for ReadLimits.

    Attributes:
        texts: the limits, each in its notation; None if none are stored.
        capacity_units: as in OperationResult.
    """

    texts: tuple[str, ...] | None
    capacity_units: float | None = None
