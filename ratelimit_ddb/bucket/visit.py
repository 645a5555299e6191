"""Visits: one write in flight for a key, which serves everybody who waits for it.

    a request that finds leased tokens takes them, and sends nothing;
    one that this process knows to be denied is denied, and sends nothing;
    all others queue for a visit, in the order of their calls.

A request that finds a cold key and no queue takes alone (single_take.py), and whoever comes before
its reply queues behind it. The first of the queue makes the visit, for all of it:

- A cold key is asked for exactly what those in the queue want. With one of them, that is the take
  of a bucket that nobody shares.
- A hot key is asked for more, as a lease (hot_keys/lease.py); how much, key_states.py says.
- Where the table has less, its refusal shows how much, and a second write takes exactly that. It
  goes to the first of the queue, and to later ones whom it suffices; the others are denied, by the
  same numbers.

Those who wait for tokens (``max_wait``) are served by the same write, each at its own instant: the
tokens of a queue are as those of single takes in its order, at one instant.

A key that the table throttled, or that all processes together write too often, is paced
(hot_keys/pace.py). Requests wait for the next visit if it comes in time, and are denied otherwise:
that somebody queues for a hot key is no outage.

An outage is everybody's who waits for the visit that met it. So is a mistake of set-up.
"""

from __future__ import annotations

from collections.abc import Sequence

from ddbwire.tuple_new import tuple_new
from ratelimit_ddb.bucket.arithmetic import BucketArithmetic, known
from ratelimit_ddb.bucket.batch import Batch, exact_batch, leased_batch
from ratelimit_ddb.bucket.decision import Decision, Source, Taken
from ratelimit_ddb.bucket.expiry import expires_at_seconds
from ratelimit_ddb.bucket.found import Found
from ratelimit_ddb.bucket.key_states import KeyStates
from ratelimit_ddb.bucket.leased_tokens import LeasedTokens
from ratelimit_ddb.bucket.observations import Observation, ObservationCache
from ratelimit_ddb.errors import KeyThrottled, StoreError
from ratelimit_ddb.hot_keys.key_state import KeyState
from ratelimit_ddb.hot_keys.lease import Lease
from ratelimit_ddb.hot_keys.ticket import Ticket
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
"""The ``retry_after`` of who was not served in time, where no next visit is known."""


class Visits:
    """The visits of one bucket's keys.

    Args:
        limits: the bucket's.
        names: what their numbers are called.
        arithmetic: what they say of its numbers.
        cache: what was observed of its keys.
        states: what this process knows of its keys.
        leased: what it has leased of them.
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
        "_states",
    )

    def __init__(
        self,
        limits: tuple[AnyLimit, ...],
        names: tuple[str, ...],
        arithmetic: BucketArithmetic,
        cache: ObservationCache,
        states: KeyStates,
        leased: LeasedTokens,
        deny_cache_ns: int,
    ) -> None:
        self._limits = limits
        self._names = names
        self._arithmetic = arithmetic
        self._cache = cache
        self._states = states
        self._clock = states.clock
        self._leased = leased
        self._deny_cache_ns = deny_cache_ns
        self._has_buckets = any(isinstance(limit, Limit) for limit in limits)

    def visit(
        self,
        key: str,
        cost: int,
        wait_ns: int,
        now_ns: int | None,
        *,
        is_warm: bool,
        leases: bool,
    ) -> Flow[Decision]:
        """Queue for a visit, or make it.

        Args:
            key: the item's key.
            cost: tokens.
            wait_ns: how much later than now they may be due.
            now_ns: the table's time; None where it is not known yet.
            is_warm: whether the key was written a moment before.
            leases: whether the tokens may be leased ones.
        """
        clock, states = self._clock, self._states
        arrived_ns = clock.monotonic_ns()
        state = states.hot_keys.enter(states.name, key, arrived_ns)
        ticket: Ticket[Decision] = Ticket(cost, wait_ns, arrived_ns, state.claim, leases=leases)
        state.join(ticket, states.leader_ns)
        try:
            while True:
                ticket.unready()
                if ticket.outcome is not None:
                    return ticket.result()
                monotonic_ns = clock.monotonic_ns()
                pause_ns = state.take_over(ticket, monotonic_ns, states.leader_ns)
                if not pause_ns:
                    pause_ns = state.pace.next_write_ns - monotonic_ns
                    if pause_ns <= 0:
                        yield from self._visit(key, state, now_ns)
                        now_ns = None
                        continue
                in_time = yield Wait(ticket, pause_ns)
                now_ns = None
                if not in_time and ticket.outcome is None:
                    gap_ns = state.pace.next_write_ns - clock.monotonic_ns()
                    gap_ns = max(gap_ns, _RETRY_AFTER_QUEUE_NS)
                    return self._states.denied_by_pace(key, state, gap_ns, clock.now_ns())
        finally:
            monotonic_ns = clock.monotonic_ns()
            state.leave(ticket, monotonic_ns, states.leader_ns)
            if not is_warm:
                states.hot_keys.forget(states.name, state, monotonic_ns)

    def _visit(self, key: str, state: KeyState, now_ns: int | None) -> Flow[None]:
        """Make one visit for all who are in the queue now."""
        with state.lock:
            tickets = list(state.queue)
        if not tickets:
            return  # a leader that was overdue has served them
        arithmetic = self._arithmetic
        most_ahead = self._states.ahead(state) if all(ticket.leases for ticket in tickets) else 0
        found = yield from self._look(key, state, now_ns, leases=bool(most_ahead))
        if found is None:
            return
        ahead = arithmetic.most_leased(most_ahead, found.full_at_ns, found.now_ns)
        shares = bool(ahead) or state.pace.is_paced
        batch = self._batch(tickets, found.bound_ns, found.now_ns, ahead)
        writes, result = 0, None
        while batch is not None and not (shares and writes == _MOST_WRITES_OF_HOT_KEY):
            result = yield from self._write(key, state, batch, found, is_first=not writes)
            if result is None:
                return
            writes += 1
            if result.applied:
                self._serve(key, state, batch, result, found)
                break
            tickets = [one for one in tickets if one.outcome is None]
            if not tickets:
                return  # a leader that was overdue has served them
            ahead = arithmetic.most_leased(most_ahead, found.full_at_ns, found.now_ns)
            batch = self._batch(tickets, found.full_at_ns, found.now_ns, ahead)
        due_ns = self._deny(key, state, tickets, found, "table" if writes else "seen")
        if writes:
            if batch is not None and batch.tokens < batch.served[-1][1] + ahead:
                state.pace.rest(
                    self._clock.monotonic_ns(), self._states.lease_ns // _RESTS_OF_LEASE
                )
            state.pace.found(batch is not None, self._clock.monotonic_ns(), due_ns, shares=shares)

    def _look(
        self, key: str, state: KeyState, now_ns: int | None, *, leases: bool
    ) -> Flow[Found | None]:
        """What is known before the first write; None where those who wait have got an error."""
        if now_ns is None:
            try:
                now_ns = yield ReadClock()
            except StoreError as error:
                state.fail(error)
                return None
        found = Found(self._clock, len(self._names), now_ns, state.drops, leases=leases)
        observation = self._cache.get(key)
        if observation is not None and observation.names is self._names:
            found.full_at_ns = observation.full_at_ns
            found.kept_until_seconds = observation.expires_at_seconds
            # It is a lower bound: it always tells the branch, and denies while it is recent.
            age_ns = abs(found.now_ns - observation.observed_at_ns)
            if age_ns <= self._deny_cache_ns and self._cache.group.may_deny:
                found.bound_ns = observation.full_at_ns
        return found

    def _write(
        self, key: str, state: KeyState, batch: Batch, found: Found, *, is_first: bool
    ) -> Flow[OperationResult | None]:
        """Write once, and note what the reply shows.

        Returns:
            the reply; None where those who wait have got an error, or wait for a later visit.
        """
        believed = idle = self._arithmetic.idle(found.full_at_ns, found.now_ns + batch.lease_ns)
        if is_first and state.overtaken:
            likely = zip(idle, state.overtaken, strict=True)
            idle = tuple([one and share < _LIKELY for one, share in likely])
        take = self._take(key, batch, idle, found)
        if take == found.refused:
            raise self._cache.group.refused_without_reason(key, found.full_at_ns)
        since = self._cache.group.forgettings
        try:
            writes, active_ns = state.pace.report(self._clock.monotonic_ns())
            result: OperationResult = yield take._replace(writes=writes, active_ns=active_ns)
        except ClockMoved:
            found.start(
                self._clock, len(self._names), (yield ReadClock()), leases=bool(batch.lease_ns)
            )
            return OperationResult(False, (None,) * len(self._names))
        except KeyThrottled:
            self._states.throttled(key, state, found.now_ns)
            return None
        except StoreError as error:
            state.fail(error)
            return None
        found.full_at_ns = known(result.full_at_ns)
        found.kept_until_seconds = result.expires_at_seconds or 0
        found.refused = take
        if is_first:
            self._states.note_branch(state, believed, take, result)
        self._cache.put(
            key,
            tuple_new(
                Observation,
                (found.now_ns, found.full_at_ns, found.kept_until_seconds, self._names),
            ),
            since,
        )
        state.pace.wrote(
            self._clock.monotonic_ns(), result.writes, result.active_ns, applied=result.applied
        )
        return result

    def _batch(
        self,
        tickets: Sequence[Ticket[Decision]],
        full_at_ns: tuple[int, ...],
        now_ns: int,
        ahead: int,
    ) -> Batch | None:
        """What to take where the bucket holds this, or more time than this; None for nothing."""
        arithmetic = self._arithmetic
        leased = None
        if ahead and not any(ticket.wait_ns for ticket in tickets):
            lease_ns = self._states.lease_ns
            leased = leased_batch(arithmetic, tickets, full_at_ns, now_ns, ahead, lease_ns)
        return leased or exact_batch(arithmetic, tickets, full_at_ns, now_ns)

    def _take(
        self,
        key: str,
        batch: Batch,
        idle: tuple[bool, ...],
        found: Found,
    ) -> Take:
        now_ns = found.now_ns
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
                found.kept_until_seconds <= expires_seconds,
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
        found: Found,
    ) -> None:
        """Give each request its decision: as if they had taken one after the other."""
        arithmetic, group, now_ns = self._arithmetic, self._cache.group, found.now_ns
        full_at_ns, refunded_ns = known(result.full_at_ns), result.refunded_ns
        lease = None
        if batch.lease_ns:
            ahead = batch.tokens - batch.served[-1][1]
            lease = Lease(
                ahead,
                full_at_ns,
                refunded_ns,
                found.monotonic_ns + batch.lease_ns,
                found.wall_ns + batch.lease_ns,
            )
        demand = state.demand
        for ticket, tokens in batch.served:
            mine_ns = arithmetic.less(full_at_ns, batch.tokens - tokens)
            cost = ticket.cost
            taken = Taken(key, cost, self._limits, mine_ns, refunded_ns, cost, group, lease, now_ns)
            demand.admitted += cost
            state.serve(ticket, arithmetic.admitted(mine_ns, now_ns, taken))
        holds_some = bool(state.leases)
        if lease is None or not state.hold(lease, self._clock.monotonic_ns(), found.drops):
            return
        if not holds_some:
            state.pace.measure_anew()
        for ticket in list(state.queue):
            spent = None
            if ticket.outcome is None and ticket.leases:
                spent = state.spend(ticket.cost, self._clock.monotonic_ns(), self._clock.wall_ns)
            if spent is None:
                break
            demand.admitted += ticket.cost
            state.serve(ticket, self._leased.decision(key, ticket.cost, spent, now_ns))

    def _deny(
        self,
        key: str,
        state: KeyState,
        tickets: Sequence[Ticket[Decision]],
        found: Found,
        source: Source,
    ) -> int:
        """Deny those of a visit whom it did not serve; in how long the first of them is due."""
        full_at_ns, now_ns = found.full_at_ns, found.now_ns
        soonest_ns: int | None = None
        for ticket in tickets:
            if ticket.outcome is not None:
                continue
            room_ns = self._arithmetic.room_ns(ticket.cost, ticket.wait_ns)
            denial = self._arithmetic.denial(full_at_ns, now_ns, room_ns, source)
            if denial is None:
                if self._can_wait(state, ticket):
                    continue  # others came first, or gave tokens back: the next visit is for it
                gap_ns = max(1, state.pace.next_write_ns - self._clock.monotonic_ns())
                denial = self._states.denied_by_pace(key, state, gap_ns, now_ns)
            elif soonest_ns is None or denial.retry_after_ns < soonest_ns:
                soonest_ns = denial.retry_after_ns
            state.serve(ticket, denial)
        return soonest_ns or 0

    def _can_wait(self, state: KeyState, ticket: Ticket[Decision]) -> bool:
        """Whether the next visit comes in time for a request."""
        return state.pace.next_write_ns - ticket.arrived_ns <= self._states.most_wait_ns
