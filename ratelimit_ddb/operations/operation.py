"""The operations that a store must be able to carry out, and what each returns.

The bucket's flows yield them and are sent the results; a store, or a simulator, turns the one into
the other. Each is one atomic step: nothing else happens to the item meanwhile.
``fullAt`` of a limit is ``None`` where the item or the attribute is missing: a full bucket.

Those on the slots of a concurrency limit are in slot_operation.py, and the one that reads through a
whole table, which decisions never do, in scan_operation.py. One more, Wait, is carried out
by the driver: it sends nothing.
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

    For a limit guessed idle the condition is ``fullAt < base`` and it becomes ``base + cost``; for
    one guessed active it is ``base <= fullAt <= base + room`` and the cost is added. A missing
    attribute satisfies both, and counts as ``base``.

    Attributes:
        key: the item.
        names: the limits' names, in their order; the tuples below follow it.
        idle: which branch each limit takes.
        now_ns: the decision's one reading of the clock.
        base_ns: from when on each limit counts: now, or the end of a lease (hot_keys/lease.py).
        cost_ns: the time that the wanted tokens are worth.
        room_ns: how far beyond its base an active ``fullAt`` may lie.
        expires_at_seconds: the epoch second when every limit is surely full again (TTL).
        extends: whether the write moves the item's ``expiresAt`` there, which it refuses if the
            item is kept longer; False where the item is known to be kept at least as long, which
            the write then refuses to do without. Either way ``expiresAt`` never moves back, for
            another limiter with a longer window may need it.
        leased_until_ns: the end of the lease that this take is, which the item then tells; 0 where
            it is none.
        writes, active_ns: what the item's counters of that name grow by (hot_keys/pace.py).
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
"""The name of the number that tells when a key's last block ends (bucket/debt.py). No limit can be
called so."""


class GiveBack(NamedTuple):
    """Move each ``fullAt`` earlier by its amount, if every one's condition holds.

    Returns: OperationResult.

    The condition is ``least <= fullAt <= most`` and ``refunded = refunded_before``, and that no
    lease and no block ended at ``unleased_since`` or later. Then ``refunded`` becomes
    ``refunded_after``; a missing one counts as 0, and stays missing at 0.

    Attributes:
        key: the item.
        names: the limits' names, in their order; the tuples below follow it.
        amount_ns: what is given back; 0 for a limit of which all has flowed back by itself, whose
            condition holds all the same.
        least_ns, most_ns: where ``fullAt`` must be.
        refunded_before_ns, refunded_after_ns: what was given back out of turn (bucket/refund.py).
        now_ns: the flow's one reading of the clock.
        unleased_since_ns: see above; None where leases and blocks don't matter.
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
    """Read the limits that an item holds, as text. Returns: LimitsResult; they may be a second old.

    Attributes:
        key: the item, which is no bucket's (stored_limits/stored.py).
    """

    key: str


class WriteLimits(NamedTuple):
    """Store limits as text, in the place of others. Returns: OperationResult, always applied.

    Attributes:
        key: the item, which is no bucket's (stored_limits/stored.py).
        texts: the limits, each in its notation.
        changed_at_seconds: the epoch second of now, for who lists them.
    """

    key: str
    texts: tuple[str, ...]
    changed_at_seconds: int


class Awaited(Protocol):
    """What a flow waits for: that some other flow of this process serves it."""

    @property
    def served(self) -> bool:
        """Whether that has happened."""

    def attach(self, wake: Callable[[], None]) -> None:
        """Call ``wake`` when it happens, from whatever thread. It may have happened already."""


class Wait(NamedTuple):
    """Wait until something is served. Returns: whether the deadline has not passed yet.

    The driver does it, or ``Store.send_all`` while it sends what other flows ask. It may return
    early.

    Attributes:
        awaited: what is waited for.
        most_ns: for how long at most; None for the deadline alone.
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
        writes: how many writes the item has counted; 0 where nobody counts.
        leased_until_ns: when the last lease of the key ends, or its last block, if that is later; 0
            where there was neither.
        active_ns: for how long processes have been writing, counted for each of them.
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
        texts: the limits, each in its notation; None where none are stored.
        capacity_units: as in OperationResult.
    """

    texts: tuple[str, ...] | None
    capacity_units: float | None = None
