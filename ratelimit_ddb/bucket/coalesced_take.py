"""Coalesced takes: one write in flight for a key, which serves every request that waits for it.

    a request that finds leased tokens spends them, and sends nothing;
    one that this process knows to be denied is denied, and sends nothing;
    all others join the key's queue, in the order of their calls.

A request for a cold key without a queue takes its tokens alone (single_take.py); a request that
comes before its reply joins the queue. The first of the queue writes for the whole queue:

- For a cold key the write takes exactly what the queue wants. A queue of one request gives the same
  write as a single take.
- For a hot key the write takes more, as a lease (hot_keys/lease.py); hot_key_policy.py says how
  much.
- If the table holds fewer tokens, its refusal shows how many, and a second write takes exactly
  those. They go to the first of the queue, and to later ones for whom they suffice; the others are
  denied, by the same numbers.

Requests that wait for their tokens (``max_wait``) are served by the same write, each at its own
instant: the tokens of a queue are those of single takes in its order, at one instant.

Writes to a key are paced (hot_keys/pace.py) if the table throttled it, or if all processes together
write to it too often. A request then waits for the next write if that comes in time, and is denied
otherwise. A queue for a hot key is no outage.

An outage, or a mistake of set-up, is raised in every request that waits for the write that met it.
"""

from __future__ import annotations

from collections.abc import Sequence

from ddbwire.tuple_new import tuple_new
from ratelimit_ddb.bucket.arithmetic import BucketArithmetic, known
from ratelimit_ddb.bucket.batch import Batch, exact_batch, leased_batch
from ratelimit_ddb.bucket.decision import Decision, Source, Taken
from ratelimit_ddb.bucket.expiry import expires_at_seconds
from ratelimit_ddb.bucket.hot_key_policy import HotKeyPolicy
from ratelimit_ddb.bucket.leased_tokens import LeasedTokens
from ratelimit_ddb.bucket.observations import Observation, ObservationCache
from ratelimit_ddb.bucket.snapshot import Snapshot
from ratelimit_ddb.errors import KeyThrottled, StoreError
from ratelimit_ddb.hot_keys.key_state import KeyState
from ratelimit_ddb.hot_keys.lease import Lease
from ratelimit_ddb.hot_keys.waiter import Waiter
from ratelimit_ddb.limit import AnyLimit, Limit
from ratelimit_ddb.operations.operation import (
    ClockMoved,
    Flow,
    OperationResult,
    ReadClock,
    Take,
    Wait,
)

_MOST_WRITES_OF_HOT_KEY = 2
_RESTS_OF_LEASE = 7
"""A lease of fewer tokens than were wanted is followed by a rest of this part of its time."""
_LIKELY = 0.6
_RETRY_AFTER_QUEUE_NS = 100_000_000
"""The ``retry_after`` of a request that was not served in time, if no next write is scheduled."""


class CoalescedTakes:
    """The coalesced takes of one bucket's keys.

    Args:
        limits: the bucket's.
        names: the limits' names.
        arithmetic: the limits' arithmetic.
        cache: the observations of its keys.
        policy: how much of a hot key to lease, and when to write to it again.
        leased: spends the tokens that this process has leased.
        deny_cache_ns: for how long an observation may deny.
    """

    __slots__ = (
        "_arithmetic",
        "_cache",
        "_clock",
        "_deny_cache_ns",
        "_has_buckets",
        "_leased",
        "_limits",
        "_names",
        "_policy",
    )

    def __init__(
        self,
        limits: tuple[AnyLimit, ...],
        names: tuple[str, ...],
        arithmetic: BucketArithmetic,
        cache: ObservationCache[Observation],
        policy: HotKeyPolicy,
        leased: LeasedTokens,
        deny_cache_ns: int,
    ) -> None:
        self._limits = limits
        self._names = names
        self._arithmetic = arithmetic
        self._cache = cache
        self._policy = policy
        self._clock = policy.clock
        self._leased = leased
        self._deny_cache_ns = deny_cache_ns
        self._has_buckets = any(isinstance(limit, Limit) for limit in limits)

    def acquire(
        self,
        key: str,
        cost: int,
        wait_ns: int,
        now_ns: int | None,
        *,
        is_warm: bool,
        leases: bool,
    ) -> Flow[Decision]:
        """Wait in the key's queue for another request's write, or write for the whole queue.

        Args:
            key: the item's key.
            cost: tokens.
            wait_ns: how much later than now they may be due.
            now_ns: the table's time; None where it is not known yet.
            is_warm: whether the key was written a moment before.
            leases: whether the tokens may be leased ones.
        """
        clock, policy = self._clock, self._policy
        arrived_ns = clock.monotonic_ns()
        state = policy.hot_keys.enter(policy.name, key, arrived_ns)
        waiter: Waiter[Decision] = Waiter(cost, wait_ns, arrived_ns, state.claim, leases=leases)
        state.join(waiter, policy.leader_ns)
        try:
            while True:
                waiter.clear()
                if waiter.outcome is not None:
                    return waiter.result()
                monotonic_ns = clock.monotonic_ns()
                pause_ns = state.take_over(waiter, monotonic_ns, policy.leader_ns)
                if not pause_ns:
                    pause_ns = state.pace.next_write_ns - monotonic_ns
                    if pause_ns <= 0:
                        yield from self._take_for_queue(key, state, now_ns)
                        now_ns = None
                        continue
                in_time = yield Wait(waiter, pause_ns)
                now_ns = None
                if not in_time and waiter.outcome is None:
                    gap_ns = state.pace.next_write_ns - clock.monotonic_ns()
                    gap_ns = max(gap_ns, _RETRY_AFTER_QUEUE_NS)
                    return self._policy.denied_by_pace(key, state, gap_ns, clock.now_ns())
        finally:
            monotonic_ns = clock.monotonic_ns()
            state.leave(waiter, monotonic_ns, policy.leader_ns)
            if not is_warm:
                policy.hot_keys.forget(policy.name, state, monotonic_ns)

    def _take_for_queue(self, key: str, state: KeyState, now_ns: int | None) -> Flow[None]:
        """Take tokens for all requests that are in the queue now; at most two writes if hot."""
        with state.lock:
            waiters = list(state.queue)
        if not waiters:
            return  # a leader that was overdue has served them
        arithmetic = self._arithmetic
        most_ahead = self._policy.ahead(state) if all(waiter.leases for waiter in waiters) else 0
        snapshot = yield from self._look(key, state, now_ns, leases=bool(most_ahead))
        if snapshot is None:
            return
        ahead = arithmetic.most_leased(most_ahead, snapshot.full_at_ns, snapshot.now_ns)
        shares = bool(ahead) or state.pace.is_paced
        batch = self._batch(waiters, snapshot.bound_ns, snapshot.now_ns, ahead)
        writes, result = 0, None
        while batch is not None and not (shares and writes == _MOST_WRITES_OF_HOT_KEY):
            result = yield from self._write(key, state, batch, snapshot, is_first=not writes)
            if result is None:
                return
            writes += 1
            if result.applied:
                self._serve(key, state, batch, result, snapshot)
                break
            waiters = [one for one in waiters if one.outcome is None]
            if not waiters:
                return  # a leader that was overdue has served them
            ahead = arithmetic.most_leased(most_ahead, snapshot.full_at_ns, snapshot.now_ns)
            batch = self._batch(waiters, snapshot.full_at_ns, snapshot.now_ns, ahead)
        due_ns = self._deny(key, state, waiters, snapshot, "table" if writes else "seen")
        if writes:
            if batch is not None and batch.tokens < batch.served[-1][1] + ahead:
                state.pace.rest(
                    self._clock.monotonic_ns(), self._policy.lease_ns // _RESTS_OF_LEASE
                )
            state.pace.found(batch is not None, self._clock.monotonic_ns(), due_ns, shares=shares)

    def _look(
        self, key: str, state: KeyState, now_ns: int | None, *, leases: bool
    ) -> Flow[Snapshot | None]:
        """What is known before the first write; None if the queue was given an error."""
        if now_ns is None:
            try:
                now_ns = yield ReadClock()
            except StoreError as error:
                state.fail(error)
                return None
        snapshot = Snapshot(self._clock, len(self._names), now_ns, state.drops, leases=leases)
        observation = self._cache.get(key)
        if observation is not None and observation.names is self._names:
            snapshot.full_at_ns = observation.full_at_ns
            snapshot.kept_until_seconds = observation.expires_at_seconds
            # A lower bound: it always selects the branch, and denies while it is recent.
            age_ns = abs(snapshot.now_ns - observation.observed_at_ns)
            if age_ns <= self._deny_cache_ns and self._cache.group.may_deny:
                snapshot.bound_ns = observation.full_at_ns
        return snapshot

    def _write(
        self, key: str, state: KeyState, batch: Batch, snapshot: Snapshot, *, is_first: bool
    ) -> Flow[OperationResult | None]:
        """Write once, and note what the reply shows.

        Returns:
            the reply; None if the queue was given an error, or is denied by a throttle.
        """
        believed = idle = self._arithmetic.idle(
            snapshot.full_at_ns, snapshot.now_ns + batch.lease_ns
        )
        if is_first and state.overtaken:
            likely = zip(idle, state.overtaken, strict=True)
            idle = tuple([one and share < _LIKELY for one, share in likely])
        take = self._take(key, batch, idle, snapshot)
        if take == snapshot.refused:
            raise self._cache.group.refused_without_reason(key, snapshot.full_at_ns)
        since = self._cache.group.invalidations
        try:
            writes, active_ns = state.pace.report(self._clock.monotonic_ns())
            result: OperationResult = yield take._replace(writes=writes, active_ns=active_ns)
        except ClockMoved:
            snapshot.start(
                self._clock, len(self._names), (yield ReadClock()), leases=bool(batch.lease_ns)
            )
            return OperationResult(False, (None,) * len(self._names))
        except KeyThrottled:
            self._policy.throttled(key, state, snapshot.now_ns)
            return None
        except StoreError as error:
            state.fail(error)
            return None
        snapshot.full_at_ns = known(result.full_at_ns)
        snapshot.kept_until_seconds = result.expires_at_seconds or 0
        snapshot.refused = take
        if is_first:
            self._policy.note_branch(state, believed, take, result)
        self._cache.put(
            key,
            tuple_new(
                Observation,
                (snapshot.now_ns, snapshot.full_at_ns, snapshot.kept_until_seconds, self._names),
            ),
            since,
        )
        state.pace.wrote(
            self._clock.monotonic_ns(), result.writes, result.active_ns, applied=result.applied
        )
        return result

    def _batch(
        self,
        waiters: Sequence[Waiter[Decision]],
        full_at_ns: tuple[int, ...],
        now_ns: int,
        ahead: int,
    ) -> Batch | None:
        """What to take if the bucket's ``fullAt`` are these, or later; None for nothing."""
        arithmetic = self._arithmetic
        leased = None
        if ahead and not any(waiter.wait_ns for waiter in waiters):
            lease_ns = self._policy.lease_ns
            leased = leased_batch(arithmetic, waiters, full_at_ns, now_ns, ahead, lease_ns)
        return leased or exact_batch(arithmetic, waiters, full_at_ns, now_ns)

    def _take(
        self,
        key: str,
        batch: Batch,
        idle: tuple[bool, ...],
        snapshot: Snapshot,
    ) -> Take:
        now_ns = snapshot.now_ns
        arithmetic, base_ns, room_ns = self._arithmetic, now_ns + batch.lease_ns, batch.room_ns
        if batch.wait_ns:
            room_ns = arithmetic.room_within_ns(room_ns, now_ns)
        expires_seconds = expires_at_seconds(arithmetic.full_by_ns(now_ns, batch.wait_ns))
        return tuple_new(
            Take,
            (
                key,
                self._names,
                idle,
                now_ns,
                arithmetic.bases_ns(base_ns),
                arithmetic.cost_ns(batch.tokens),
                room_ns,
                expires_seconds,
                snapshot.kept_until_seconds <= expires_seconds,
                base_ns if batch.lease_ns and self._has_buckets else 0,
                1,
                0,
            ),
        )

    def _serve(
        self,
        key: str,
        state: KeyState,
        batch: Batch,
        result: OperationResult,
        snapshot: Snapshot,
    ) -> None:
        """Give each request its decision: as if they had taken one after the other."""
        arithmetic, group, now_ns = self._arithmetic, self._cache.group, snapshot.now_ns
        full_at_ns, refunded_ns = known(result.full_at_ns), result.refunded_ns
        lease = None
        if batch.lease_ns:
            ahead = batch.tokens - batch.served[-1][1]
            lease = Lease(
                ahead,
                full_at_ns,
                refunded_ns,
                snapshot.monotonic_ns + batch.lease_ns,
                snapshot.wall_ns + batch.lease_ns,
            )
        demand = state.demand
        for waiter, tokens in batch.served:
            mine_ns = arithmetic.less(full_at_ns, batch.tokens - tokens)
            cost = waiter.cost
            taken = Taken(key, cost, self._limits, mine_ns, refunded_ns, cost, group, lease, now_ns)
            demand.admitted += cost
            state.serve(waiter, arithmetic.admitted(mine_ns, now_ns, taken))
        holds_some = bool(state.leases)
        if lease is None or not state.hold(lease, self._clock.monotonic_ns(), snapshot.drops):
            return
        if not holds_some:
            state.pace.measure_anew()
        for waiter in list(state.queue):
            spent = None
            if waiter.outcome is None and waiter.leases:
                spent = state.spend(waiter.cost, self._clock.monotonic_ns(), self._clock.wall_ns)
            if spent is None:
                break
            demand.admitted += waiter.cost
            state.serve(waiter, self._leased.decision(key, waiter.cost, spent, now_ns))

    def _deny(
        self,
        key: str,
        state: KeyState,
        waiters: Sequence[Waiter[Decision]],
        snapshot: Snapshot,
        source: Source,
    ) -> int:
        """Deny the requests that were not served. Returns: how long until the first is due."""
        full_at_ns, now_ns = snapshot.full_at_ns, snapshot.now_ns
        soonest_ns: int | None = None
        for waiter in waiters:
            if waiter.outcome is not None:
                continue
            room_ns = self._arithmetic.room_ns(waiter.cost, waiter.wait_ns)
            denial = self._arithmetic.denial(full_at_ns, now_ns, room_ns, source)
            if denial is None:
                if self._can_wait(state, waiter):
                    continue  # others came first, or gave tokens back: the next write serves it
                gap_ns = max(1, state.pace.next_write_ns - self._clock.monotonic_ns())
                denial = self._policy.denied_by_pace(key, state, gap_ns, now_ns)
            elif soonest_ns is None or denial.retry_after_ns < soonest_ns:
                soonest_ns = denial.retry_after_ns
            state.serve(waiter, denial)
        return soonest_ns or 0

    def _can_wait(self, state: KeyState, waiter: Waiter[Decision]) -> bool:
        """Whether the next write comes in time for a request."""
        return state.pace.next_write_ns - waiter.arrived_ns <= self._policy.most_wait_ns
