"""How one bucket treats its hot keys: how many tokens to lease, which branch to try, when to deny.

How many tokens to lease. A write to a hot key takes more than its queue wants, as a lease
(hot_keys/lease.py): one and a half times what this process admits in the lease's time, less 1.5
standard deviations of so many random arrivals, so that nearly all of it is spent. It follows the
admitted rate and not the offered one, so that shares stay fair if more is asked for than there is.
Fewer than 6 tokens are not worth a lease.

Which branch to try. The last observation tells it, unless other processes take meanwhile: for each
limit, a running mean says how often they did when this process had left the bucket idle.

When to deny. Writes to a key are paced (hot_keys/pace.py) if the table throttled it, or if all
processes together write to it too often: a request that can't wait for the next write is denied.
"""

from __future__ import annotations

from ratelimit_ddb.bucket.arithmetic import known
from ratelimit_ddb.bucket.decision import Decision, Source
from ratelimit_ddb.bucket.observations import Observation, ObservationCache
from ratelimit_ddb.bucket.times import BucketTimes
from ratelimit_ddb.hot_keys.hot_keys import HotKeys
from ratelimit_ddb.hot_keys.key_state import KeyState
from ratelimit_ddb.limit import SECOND_NS, AnyLimit, Limit
from ratelimit_ddb.operations.operation import OperationResult, Take

LEAST_LEASED = 6.0
"""Fewer tokens than this, expected within a lease's time, are not leased."""
_GROWTH = 1.5
_DEVIATIONS = 1.5
_UNBOUNDED = float("inf")
_HARDLY_EVER = 0.02
_NEWEST = 0.3
"""The weight of the latest one in a running mean."""
_PATIENCE = 0.8
"""The part of the deadline that a request may spend in a queue."""
_PATIENCE_WITH_LEADER = 0.55
"""The part of the deadline that one write may take before another request writes too. The table
takes far less, and the rest suffices for a second write, also where a quarter of the deadline is
kept for giving back."""


class HotKeyPolicy:
    """How one bucket treats its hot keys.

    Args:
        limits: the bucket's.
        names: the limits' names.
        cache: the observations of its keys.
        hot_keys: the states of the store's keys.
        times: how long leases and calls may last.

    Attributes:
        hot_keys: the states of the store's keys.
        name: separates the states of this bucket's keys from those of other limits, and of equal
            limits with another deadline or lease.
        clock: the store's.
        lease_ns: how long a lease may last; 0 for no leases.
        most_wait_ns: how long a request may wait in a queue.
        leader_ns: how long one write is expected to take at most.
    """

    __slots__ = (
        "_cache",
        "_limit",
        "_names",
        "_tokens_per_second",
        "clock",
        "hot_keys",
        "leader_ns",
        "lease_ns",
        "most_wait_ns",
        "name",
    )

    def __init__(
        self,
        limits: tuple[AnyLimit, ...],
        names: tuple[str, ...],
        cache: ObservationCache[Observation],
        hot_keys: HotKeys,
        times: BucketTimes,
    ) -> None:
        self.hot_keys = hot_keys
        self.clock = hot_keys.clock
        self._cache = cache
        self._limit = limits[0]
        self._names = names
        buckets = [limit for limit in limits if isinstance(limit, Limit)]
        self.lease_ns = min([times.lease_ns, *(limit.window_ns // 4 for limit in buckets)])
        self.most_wait_ns = int(times.deadline_ns * _PATIENCE)
        self.leader_ns = int(times.deadline_ns * _PATIENCE_WITH_LEADER)
        self._tokens_per_second = min(
            [SECOND_NS / limit.unit_ns for limit in buckets], default=_UNBOUNDED
        )
        described = [f"{limit.name} {limit}" for limit in limits]
        self.name = "\n".join([*described, f"{self.lease_ns} {times.deadline_ns}", ""])

    def state_of(self, key: str) -> KeyState | None:
        """The state of a key; None if the key is cold."""
        return self.hot_keys.get(self.name, key)

    def ahead(self, state: KeyState) -> int:
        """How many tokens to lease beyond what the queue wants."""
        demand = state.demand
        # What a full bucket gave at once is no rate: more than the limit's own can't go on.
        per_second = min(
            demand.offered_per_second,
            _GROWTH * demand.admitted_per_second,
            self._tokens_per_second,
        )
        expected = per_second * self.lease_ns / SECOND_NS
        if expected < LEAST_LEASED:
            return 0
        return int(expected - _DEVIATIONS * expected**0.5)

    def note_branch(
        self,
        state: KeyState,
        believed: tuple[bool, ...],
        take: Take,
        result: OperationResult,
    ) -> None:
        """Note for each limit that was believed idle whether it still was."""
        shares = list(state.overtaken or (0.0,) * len(believed))
        for index, one_ns in enumerate(known(result.full_at_ns)):
            if believed[index]:
                was_idle = take.idle[index] if result.applied else one_ns < take.base_ns[index]
                shares[index] += _NEWEST * (float(not was_idle) - shares[index])
        state.overtaken = tuple(shares) if max(shares) > _HARDLY_EVER else ()

    def paced(self, state: KeyState, wait_ns: int, now_ns: int) -> Decision | None:
        """The denial of a request that can't wait for the next write; None if it may queue."""
        pace = state.pace
        gap_ns = pace.next_write_ns - self.clock.monotonic_ns()
        if gap_ns <= 0:
            return None
        if gap_ns > self.most_wait_ns or (pace.is_dry and not wait_ns):
            return self.denied_by_pace(state.key, state, gap_ns, now_ns)
        return None

    def throttled(self, key: str, state: KeyState, now_ns: int) -> Decision:
        """Deny the whole queue: a key that the table throttles is not written again at once.

        Returns:
            the denial of the request whose write was throttled.
        """
        monotonic_ns = self.clock.monotonic_ns()
        state.pace.throttled(monotonic_ns)
        denial = self.denied_by_pace(key, state, state.pace.next_write_ns - monotonic_ns, now_ns)
        for waiter in list(state.queue):
            state.serve(waiter, denial)
        return denial

    def denied_by_pace(self, key: str, state: KeyState, gap_ns: int, now_ns: int) -> Decision:
        """The denial of a request that may be repeated at the next write."""
        reset_ns = gap_ns
        observation = self._cache.get(key)
        if observation is not None and observation.names is self._names:
            reset_ns = max(gap_ns, max(observation.full_at_ns) - now_ns)
        source: Source = "seen" if state.pace.is_dry else "throttled"
        return Decision(False, 0, gap_ns, reset_ns, self._limit, 0, source)
