"""The states of one bucket's keys in this process: how many tokens to lease, when to write again.

How much is leased. A hot key is asked for more than is waited for, as a lease (hot_keys/lease.py):
this process's admitted rate, and half of it more, over the lease's time, less 1.5 standard
deviations of so many random arrivals, so that nearly all of it is spent. It follows what was
admitted, not what was asked, so that shares stay fair when more is asked than there is. Under 6
tokens it is not worth a lease.

Which branch to try. What this process saw last tells it, unless others take meanwhile: how often
they did, of the times when it left the bucket idle, is kept for each limit.

A key that the table throttled, or that all processes together write too often, is paced
(hot_keys/pace.py): who can't wait for the next write is denied.
"""

from __future__ import annotations

from ratelimit_ddb.bucket.arithmetic import known
from ratelimit_ddb.bucket.decision import Decision, Source
from ratelimit_ddb.bucket.observations import ObservationCache
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
"""Which part of the deadline a request may spend in a queue."""
_PATIENCE_WITH_LEADER = 0.55
"""Which part of it one write may take before another request makes its own. The table takes far
less, and what is left suffices for that, also where a quarter of it is kept for giving back."""


class KeyStates:
    """The states of one bucket's keys.

    Args:
        limits: the bucket's.
        names: what their numbers are called.
        cache: what was observed of its keys.
        hot_keys: the states of the store's keys.
        times: how long leases and calls may last.

    Attributes:
        hot_keys: see above.
        name: what tells this bucket's keys from those of other limits there. Requests with other
            deadlines or leases have states of their own.
        clock: the store's.
        lease_ns: for how long a lease may last; 0 for never.
        most_wait_ns: for how long a request may wait in a queue.
        leader_ns: how long one that writes is expected to take at most.
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
        cache: ObservationCache,
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

    def get(self, key: str) -> KeyState | None:
        """What this process knows of a key that it is asked for just now."""
        return self.hot_keys.get(self.name, key)

    def ahead(self, state: KeyState) -> int:
        """How many tokens to lease beside those that are waited for."""
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
        """Note of each limit that was believed idle whether it still was."""
        shares = list(state.overtaken or (0.0,) * len(believed))
        for index, one_ns in enumerate(known(result.full_at_ns)):
            if believed[index]:
                was_idle = take.idle[index] if result.applied else one_ns < take.base_ns[index]
                shares[index] += _NEWEST * (float(not was_idle) - shares[index])
        state.overtaken = tuple(shares) if max(shares) > _HARDLY_EVER else ()

    def paced(self, state: KeyState, wait_ns: int, now_ns: int) -> Decision | None:
        """The denial of a request that can't wait for the next write; None where it may queue."""
        pace = state.pace
        gap_ns = pace.next_write_ns - self.clock.monotonic_ns()
        if gap_ns <= 0:
            return None
        if gap_ns > self.most_wait_ns or (pace.is_dry and not wait_ns):
            return self.denied_by_pace(state.key, state, gap_ns, now_ns)
        return None

    def throttled(self, key: str, state: KeyState, now_ns: int) -> Decision:
        """Deny all who wait: a key that is throttled is not asked again in a hurry.

        Returns:
            the denial of the request that met it.
        """
        monotonic_ns = self.clock.monotonic_ns()
        state.pace.throttled(monotonic_ns)
        denial = self.denied_by_pace(key, state, state.pace.next_write_ns - monotonic_ns, now_ns)
        for ticket in list(state.queue):
            state.serve(ticket, denial)
        return denial

    def denied_by_pace(self, key: str, state: KeyState, gap_ns: int, now_ns: int) -> Decision:
        """The denial of a request that may come again at the next write."""
        reset_ns = gap_ns
        observation = self._cache.get(key)
        if observation is not None and observation.names is self._names:
            reset_ns = max(gap_ns, max(observation.full_at_ns) - now_ns)
        source: Source = "seen" if state.pace.is_dry else "throttled"
        return Decision(False, 0, gap_ns, reset_ns, self._limit, 0, source)
