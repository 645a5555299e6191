"""One take, by a request that asks alone: the flow of all cold keys.

A wrong guess of the branch costs a second write, which is then right by what the refusal showed. In
a store of other processes the request leads its key's queue meanwhile, without being in it: who
comes before the reply waits for it, and makes the next visit (visit.py).
"""

from __future__ import annotations

from ddbwire.tuple_new import tuple_new
from ratelimit_ddb.bucket.arithmetic import BucketArithmetic, known
from ratelimit_ddb.bucket.decision import Decision, Taken
from ratelimit_ddb.bucket.expiry import expires_at_seconds
from ratelimit_ddb.bucket.key_states import KeyStates
from ratelimit_ddb.bucket.observations import Observation, ObservationCache
from ratelimit_ddb.bucket.throttled import throttled
from ratelimit_ddb.bucket.visit import Visits
from ratelimit_ddb.errors import KeyThrottled, StoreError
from ratelimit_ddb.hot_keys.key_state import ALONE, KeyState
from ratelimit_ddb.limit import AnyLimit
from ratelimit_ddb.operations.operation import ClockMoved, Flow, OperationResult, ReadClock, Take


class SingleTakes:
    """The single takes of one bucket's keys.

    Args:
        limits: the bucket's.
        arithmetic: what they say of its numbers.
        cache: what was observed of its keys.
        states: what this process knows of its keys; None for a store in this process, whose calls
            never wait.
        visits: where those queue who don't ask alone; None as well.
    """

    __slots__ = ("_all_idle", "_arithmetic", "_cache", "_limits", "_states", "_visits")

    def __init__(
        self,
        limits: tuple[AnyLimit, ...],
        arithmetic: BucketArithmetic,
        cache: ObservationCache,
        states: KeyStates | None,
        visits: Visits | None,
    ) -> None:
        self._limits = limits
        self._arithmetic = arithmetic
        self._cache = cache
        self._states = states
        self._visits = visits
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
        """Take alone, or queue where somebody else is asking already.

        Args:
            take: what to send.
            cost: the tokens of it.
            wait_ns: how much later than now they may be due.
            is_warm: whether the key was written a moment before.
            leases: whether the tokens may be leased ones.
        """
        states, visits = self._states, self._visits
        if states is None or visits is None:
            try:
                return (yield from self._acquire(take, cost, wait_ns, None))
            except KeyThrottled:
                return throttled(self._limits[0])
        key, now_ns = take.key, take.now_ns
        clock, hot_keys = states.clock, states.hot_keys
        monotonic_ns = clock.monotonic_ns()
        # Looked up again: another thread may have forgotten it since, and begun anew.
        state = hot_keys.enter(states.name, key, monotonic_ns)
        if (
            state.pace.is_paced
            or state.overtaken
            or (state.demand.offered_per_second and states.ahead(state))
            or not state.lead_alone(monotonic_ns, states.leader_ns)
        ):
            # Others ask already, or the key is hot, or others' takes alone tell its branch.
            return (
                yield from visits.visit(key, cost, wait_ns, now_ns, is_warm=is_warm, leases=leases)
            )
        try:
            return (yield from self._acquire(take, cost, wait_ns, state))
        except KeyThrottled:
            return states.throttled(key, state, now_ns)
        except StoreError as error:
            state.fail(error)
            raise
        finally:
            monotonic_ns = clock.monotonic_ns()
            state.leave(ALONE, monotonic_ns, states.leader_ns)
            if not is_warm:
                hot_keys.forget(states.name, state, monotonic_ns)

    def _acquire(
        self, take: Take, cost: int, wait_ns: int, state: KeyState | None
    ) -> Flow[Decision]:
        states, cache, arithmetic = self._states, self._cache, self._arithmetic
        names = take.names
        while True:
            sent = take
            if states is not None and state is not None:
                writes, active_ns = state.pace.report(states.clock.monotonic_ns())
                if active_ns:
                    sent = Take(*take[:-2], writes, active_ns)
            since = cache.group.forgettings
            try:
                result: OperationResult = yield sent
            except ClockMoved:
                take = self._anew(take, cost, wait_ns, (yield ReadClock()))
                continue
            full_at_ns, now_ns = known(result.full_at_ns), take.now_ns
            kept_until_seconds = result.expires_at_seconds or 0
            observation = tuple_new(Observation, (now_ns, full_at_ns, kept_until_seconds, names))
            cache.put(take.key, observation, since)
            if states is not None and state is not None:
                state.pace.wrote(
                    states.clock.monotonic_ns(),
                    result.writes,
                    result.active_ns,
                    applied=result.applied,
                )
                if result.applied:
                    state.demand.admitted += cost
                else:
                    states.note_branch(state, take.idle, take, result)
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
