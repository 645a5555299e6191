"""What a visit goes by: a time, and what is known of the bucket at that time."""

from __future__ import annotations

from ratelimit_ddb.operations.operation import Take
from ratelimit_ddb.operations.store import Clock

_NEVER_NS = -1


class Found:
    """What a visit goes by: the time that it was begun at, and what it knows of the bucket.

    The lease that it may bring ends by this process's clocks when it does by the table's, or
    earlier, for they are read first.

    Attributes:
        now_ns: the table's time.
        monotonic_ns, wall_ns: the process's.
        full_at_ns: what the bucket holds, or a lower bound of it that tells the branch to try.
        bound_ns: a lower bound that may deny.
        kept_until_seconds: the item's ``expiresAt``; 0 where it is not known.
        refused: the last write, if any.
        drops: how often the key's leases had been dropped.
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
        """Begin at ``now_ns``, or a little later for a lease, with nothing known."""
        self.monotonic_ns = clock.monotonic_ns()
        self.wall_ns = clock.wall_ns()
        self.now_ns = clock.now_ns() if leases else now_ns
        self.full_at_ns = self.bound_ns = (_NEVER_NS,) * limits
        self.kept_until_seconds = 0
