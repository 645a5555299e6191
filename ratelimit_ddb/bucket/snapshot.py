"""What a coalesced take decides by: a time, and what is known of the bucket at that time."""

from __future__ import annotations

from ratelimit_ddb.operations.operation import Take
from ratelimit_ddb.operations.store import Clock

_NEVER_NS = -1


class Snapshot:
    """What a coalesced take knows of the bucket, and the time by which it decides.

    The process's clocks are read before the table's. So a lease that is dated by them ends no later
    than by the table's clock.

    Attributes:
        now_ns: the table's time.
        monotonic_ns, wall_ns: the process's monotonic and wall clock.
        full_at_ns: each limit's ``fullAt``, or a lower bound that selects the branch to try.
        bound_ns: a lower bound of each ``fullAt`` that is recent enough to deny.
        kept_until_seconds: the item's ``expiresAt``; 0 if it is not known.
        refused: the last write that was refused, if any.
        drops: how often the key's leases had been dropped before.
    """

    __slots__ = (
        "bound_ns",
        "drops",
        "full_at_ns",
        "kept_until_seconds",
        "monotonic_ns",
        "now_ns",
        "refused",
        "wall_ns",
    )

    def __init__(self, clock: Clock, limits: int, now_ns: int, drops: int, *, leases: bool) -> None:
        self.refused: Take | None = None
        self.drops = drops
        self.start(clock, limits, now_ns, leases=leases)

    def start(self, clock: Clock, limits: int, now_ns: int, *, leases: bool) -> None:
        """Start again at ``now_ns``, or a little later for a lease, with nothing known."""
        self.monotonic_ns = clock.monotonic_ns()
        self.wall_ns = clock.wall_ns()
        self.now_ns = clock.now_ns() if leases else now_ns
        self.full_at_ns = self.bound_ns = (_NEVER_NS,) * limits
        self.kept_until_seconds = 0
