"""Decisions by the tokens that this process has leased, for which nothing is sent."""

from __future__ import annotations

from ratelimit_ddb.bucket.arithmetic import BucketArithmetic
from ratelimit_ddb.bucket.decision import Decision, Taken
from ratelimit_ddb.bucket.hot_key_policy import HotKeyPolicy
from ratelimit_ddb.bucket.observations import CacheGroup
from ratelimit_ddb.hot_keys.key_state import KeyState
from ratelimit_ddb.hot_keys.lease import Lease
from ratelimit_ddb.limit import AnyLimit


class LeasedTokens:
    """The leased tokens of one bucket's keys.

    Args:
        limits: the bucket's.
        arithmetic: the limits' arithmetic.
        group: the caches of its store.
        policy: gives the states of its keys.
    """

    __slots__ = ("_arithmetic", "_group", "_limits", "_policy")

    def __init__(
        self,
        limits: tuple[AnyLimit, ...],
        arithmetic: BucketArithmetic,
        group: CacheGroup,
        policy: HotKeyPolicy,
    ) -> None:
        self._limits = limits
        self._arithmetic = arithmetic
        self._group = group
        self._policy = policy

    def acquire(self, state: KeyState, cost: int, now_ns: int) -> Decision | None:
        """The decision by the tokens that are held of a key; None if they are too few."""
        clock = self._policy.clock
        monotonic_ns = clock.monotonic_ns()
        demand = state.demand
        demand.offered += cost
        demand.measure(monotonic_ns)
        if not state.leases:
            return None
        lease = state.spend(cost, monotonic_ns, clock.wall_ns)
        if lease is None:
            return None
        demand.admitted += cost
        return self.decision(state.key, cost, lease, now_ns)

    def spend(self, key: str, cost: int) -> tuple[int, tuple[int, ...]]:
        """Spend up to ``cost`` of the tokens that are held of a key.

        Returns:
            how many were spent, and each ``fullAt`` as if the rest were in the bucket.
        """
        state = self._policy.state_of(key)
        if state is None:
            return 0, ()
        clock = self._policy.clock
        spent, lease = state.spend_at_most(cost, clock.monotonic_ns(), clock.wall_ns)
        state.demand.offered += spent
        state.demand.admitted += spent
        return spent, () if lease is None else self._arithmetic.less(lease.full_at_ns, lease.left)

    def are_held(self, key: str) -> bool:
        """Whether this process holds any of a key."""
        state = self._policy.state_of(key)
        return state is not None and any(lease.left for lease in state.leases)

    def give_back(self, taken: Taken, lease: Lease, cost: int) -> bool:
        """Give tokens back to their lease; False if it has ended, and they with it."""
        state, clock = self._policy.state_of(taken.key), self._policy.clock
        if state is None:
            return False
        return state.give_back(lease, cost, clock.monotonic_ns(), clock.wall_ns)

    def decision(self, key: str, cost: int, lease: Lease, now_ns: int) -> Decision:
        """The admission, with ``remaining`` as if the rest of the lease were in the bucket."""
        full_at_ns = self._arithmetic.less(lease.full_at_ns, lease.left)
        taken = Taken(
            key, cost, self._limits, full_at_ns, lease.refunded_ns, cost, self._group, lease
        )
        return self._arithmetic.admitted(full_at_ns, now_ns, taken, "lease")
