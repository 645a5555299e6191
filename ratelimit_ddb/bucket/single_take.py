"""One take by one request: the flow of all cold keys.

A wrong guess of the branch costs a second write, which is right by what the refusal showed. In a
store that other processes share, the request is the leader of its key's queue meanwhile, without
being in it: a request that comes before the reply queues, and writes next (coalesced_take.py).
"""

from __future__ import annotations

from ddbwire.tuple_new import tuple_new
from ratelimit_ddb.bucket.arithmetic import BucketArithmetic, known
from ratelimit_ddb.bucket.coalesced_take import CoalescedTakes
from ratelimit_ddb.bucket.decision import Decision, Taken
from ratelimit_ddb.bucket.expiry import expires_at_seconds
from ratelimit_ddb.bucket.hot_key_policy import HotKeyPolicy
from ratelimit_ddb.bucket.observations import Observation, ObservationCache
from ratelimit_ddb.bucket.throttled import throttled
from ratelimit_ddb.errors import KeyThrottled, StoreError
from ratelimit_ddb.hot_keys.key_state import ALONE, KeyState
from ratelimit_ddb.limit import AnyLimit
from ratelimit_ddb.operations.operation import ClockMoved, Flow, OperationResult, ReadClock, Take


class SingleTakes:
    """The single takes of one bucket's keys.

    Args:
        limits: the bucket's.
        arithmetic: the limits' arithmetic.
        cache: the observations of its keys.
        policy: how it treats its hot keys; None for a store in this process, whose calls never
            wait.
        coalesced: serves the requests that queue; None as well.
    """

    __slots__ = ("_all_idle", "_arithmetic", "_cache", "_coalesced", "_limits", "_policy")

    def __init__(
        self,
        limits: tuple[AnyLimit, ...],
        arithmetic: BucketArithmetic,
        cache: ObservationCache[Observation],
        policy: HotKeyPolicy | None,
        coalesced: CoalescedTakes | None,
    ) -> None:
        self._limits = limits
        self._arithmetic = arithmetic
        self._cache = cache
        self._policy = policy
        self._coalesced = coalesced
        self._all_idle = (True,) * len(limits)

    def acquire(
        self,
        take: Take,
        cost: int,
        wait_ns: int,
        *,
        is_warm: bool,
        leases: bool,
    ) -> Flow[Decision]:
        """Take alone, or queue if the key has a leader already.

        Args:
            take: the write.
            cost: its tokens.
            wait_ns: how much later than now they may be due.
            is_warm: whether the key was written a moment before.
            leases: whether the tokens may be leased ones.
        """
        policy, coalesced = self._policy, self._coalesced
        if policy is None or coalesced is None:
            try:
                return (yield from self._acquire(take, cost, wait_ns, None))
            except KeyThrottled:
                return throttled(self._limits[0])
        key, now_ns = take.key, take.now_ns
        clock, hot_keys = policy.clock, policy.hot_keys
        monotonic_ns = clock.monotonic_ns()
        # Looked up again: another thread may have forgotten it since, and begun anew.
        state = hot_keys.enter(policy.name, key, monotonic_ns)
        if (
            state.pace.is_paced
            or state.overtaken
            or (state.demand.offered_per_second and policy.ahead(state))
            or not state.lead_alone(monotonic_ns, policy.leader_ns)
        ):
            # There is a queue, or the key is hot, or other processes overtake this one.
            return (
                yield from coalesced.acquire(
                    key, cost, wait_ns, now_ns, is_warm=is_warm, leases=leases
                )
            )
        try:
            return (yield from self._acquire(take, cost, wait_ns, state))
        except KeyThrottled:
            return policy.throttled(key, state, now_ns)
        except StoreError as error:
            state.fail(error)
            raise
        finally:
            monotonic_ns = clock.monotonic_ns()
            state.leave(ALONE, monotonic_ns, policy.leader_ns)
            if not is_warm:
                hot_keys.forget(policy.name, state, monotonic_ns)

    def _acquire(
        self, take: Take, cost: int, wait_ns: int, state: KeyState | None
    ) -> Flow[Decision]:
        policy, cache, arithmetic = self._policy, self._cache, self._arithmetic
        names = take.names
        while True:
            sent = take
            if policy is not None and state is not None:
                writes, active_ns = state.pace.report(policy.clock.monotonic_ns())
                if active_ns:
                    sent = Take(*take[:-2], writes, active_ns)
            since = cache.group.invalidations
            try:
                result: OperationResult = yield sent
            except ClockMoved:
                take = self._anew(take, cost, wait_ns, (yield ReadClock()))
                continue
            full_at_ns, now_ns = known(result.full_at_ns), take.now_ns
            kept_until_seconds = result.expires_at_seconds or 0
            observation = tuple_new(Observation, (now_ns, full_at_ns, kept_until_seconds, names))
            cache.put(take.key, observation, since)
            if policy is not None and state is not None:
                state.pace.wrote(
                    policy.clock.monotonic_ns(),
                    result.writes,
                    result.active_ns,
                    applied=result.applied,
                )
                if result.applied:
                    state.demand.admitted += cost
                else:
                    policy.note_branch(state, take.idle, take, result)
            if result.applied:
                taken = Taken(
                    take.key,
                    cost,
                    self._limits,
                    full_at_ns,
                    result.refunded_ns,
                    cost,
                    cache.group,
                    None,
                    now_ns,
                )
                return arithmetic.admitted(full_at_ns, now_ns, taken)
            room_ns = arithmetic.room_ns(cost, wait_ns) if wait_ns else take.room_ns
            denial = arithmetic.denial(full_at_ns, now_ns, room_ns, "table")
            if denial is not None:
                return denial
            refused = take
            take = refused._replace(
                idle=arithmetic.idle(full_at_ns, now_ns),
                extends=kept_until_seconds <= take.expires_at_seconds,
            )
            if take == refused:
                raise cache.group.refused_without_reason(take.key, result.full_at_ns)

    def _anew(self, take: Take, cost: int, wait_ns: int, now_ns: int) -> Take:
        """The take by another reading of the clock."""
        arithmetic = self._arithmetic
        return take._replace(
            idle=self._all_idle,
            now_ns=now_ns,
            base_ns=arithmetic.bases_ns(now_ns),
            room_ns=arithmetic.room_within_ns(arithmetic.room_ns(cost, wait_ns), now_ns),
            expires_at_seconds=expires_at_seconds(arithmetic.full_by_ns(now_ns, wait_ns)),
            extends=True,
        )
