"""Visits: one write in flight for a key, which serves everybody who waits for it.

    a request that finds leased tokens takes them, and sends nothing;
    one that this process knows to be denied is denied, and sends nothing;
    all others queue for a visit, in the order of their calls.

A request that finds a cold key and no queue takes alone (single_take.py), and whoever comes before
its reply queues behind it. The first of the queue makes the visit, for all of it:

- A cold key is asked for exactly what those in the queue want. With one of them, that is the take
  of a bucket that nobody shares.
- A hot key is asked for more, as a lease (hot_keys/lease.py). How much: this process's admitted
  rate, and half of it more, over the lease's time, less 1.5 standard deviations of so many random
  arrivals, so that nearly all of it is spent. It follows what was admitted, not what was asked, so
  that shares stay fair when more is asked than there is. Under 6 tokens it is not worth a lease.
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
from itertools import accumulate
from typing import NamedTuple

from ddbwire.tuple_new import tuple_new
from ratelimit_ddb.bucket.arithmetic import BucketArithmetic, known
from ratelimit_ddb.bucket.decision import Decision, Source, Taken
from ratelimit_ddb.bucket.expiry import expires_at_seconds
from ratelimit_ddb.bucket.observations import Observation, ObservationCache
from ratelimit_ddb.bucket.times import BucketTimes
from ratelimit_ddb.errors import KeyThrottled, StoreError
from ratelimit_ddb.hot_keys.hot_keys import HotKeys
from ratelimit_ddb.hot_keys.key_state import ALONE, KeyState
from ratelimit_ddb.hot_keys.lease import Lease
from ratelimit_ddb.hot_keys.ticket import Ticket
from ratelimit_ddb.limit import SECOND_NS, AnyLimit, Limit
from ratelimit_ddb.operations.operation import (
    ClockMoved,
    Flow,
    OperationResult,
    ReadClock,
    Take,
    Wait,
)
from ratelimit_ddb.operations.store import Clock, refused_without_reason

LEAST_LEASED = 6.0
"""Fewer tokens than this, expected within a lease's time, are not leased."""
_GROWTH = 1.5
_DEVIATIONS = 1.5
_MOST_WRITES_OF_HOT_KEY = 2
_RESTS_OF_LEASE = 7
"""A lease of fewer tokens than were wanted is followed by a rest of this part of its time."""
_UNBOUNDED = float("inf")
_NEVER_NS = -1
_LIKELY = 0.6
_HARDLY_EVER = 0.02
_NEWEST = 0.3
"""The weight of the latest one in a running mean."""
_PATIENCE = 0.8
"""Which part of the deadline a request may spend in a queue."""
_RETRY_AFTER_QUEUE_NS = 100_000_000
"""The ``retry_after`` of who was not served in time, where no next visit is known."""


class Batch(NamedTuple):
    """What one write takes.

    Attributes:
        served: the requests that it serves, each with the tokens of all up to and with it.
        tokens: those of all of them, and those that are leased ahead.
        lease_ns: for how long it leases; 0 for a take to be spent at once.
        room_ns: how far beyond the take's date ``fullAt`` may lie.
        wait_ns: the longest wait among those that it serves.
    """

    served: list[tuple[Ticket[Decision], int]]
    tokens: int
    lease_ns: int
    room_ns: tuple[int, ...]
    wait_ns: int


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


class Visits:
    """The visits of one bucket's keys.

    Args:
        limits: the bucket's.
        arithmetic: what they say of its numbers.
        cache: what was observed of its keys.
        hot_keys: the states of the store's keys.
        times: how long leases and calls may last.
    """

    __slots__ = (
        "_arithmetic",
        "_cache",
        "_clock",
        "_deadline_ns",
        "_deny_cache_ns",
        "_has_buckets",
        "_hot_keys",
        "_lease_ns",
        "_limits",
        "_name",
        "_names",
        "_tokens_per_second",
    )

    def __init__(
        self,
        limits: tuple[AnyLimit, ...],
        names: tuple[str, ...],
        arithmetic: BucketArithmetic,
        cache: ObservationCache,
        hot_keys: HotKeys,
        times: BucketTimes,
    ) -> None:
        self._limits = limits
        self._names = names
        self._arithmetic = arithmetic
        self._cache = cache
        self._hot_keys = hot_keys
        self._clock = hot_keys.clock
        self._deny_cache_ns = times.most_age_ns
        buckets = [limit for limit in limits if isinstance(limit, Limit)]
        self._has_buckets = bool(buckets)
        self._lease_ns = min([times.lease_ns, *(limit.window_ns // 4 for limit in buckets)])
        self._deadline_ns = times.deadline_ns
        self._tokens_per_second = min(
            [SECOND_NS / limit.unit_ns for limit in buckets], default=_UNBOUNDED
        )
        described = [f"{limit.name} {limit}" for limit in limits]
        # Requests with other deadlines or leases queue by themselves.
        self._name = "\n".join([*described, f"{self._lease_ns} {self._deadline_ns}", ""])

    def state(self, key: str) -> KeyState | None:
        """What this process knows of a key that it is asked for just now."""
        return self._hot_keys.get(self._name, key)

    def held(self, state: KeyState, cost: int, now_ns: int) -> Decision | None:
        """The decision by tokens that this process has leased; None where it has too few."""
        clock = self._clock
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
        return self._leased(state.key, cost, lease, now_ns)

    def spend(self, key: str, cost: int) -> tuple[int, tuple[int, ...]]:
        """Spend up to ``cost`` tokens of those that this process has leased.

        Returns:
            how many, and each ``fullAt`` as if what is left were in the bucket.
        """
        state = self._hot_keys.get(self._name, key)
        if state is None:
            return 0, ()
        spent, lease = state.spend_at_most(cost, self._clock.monotonic_ns(), self._clock.wall_ns)
        state.demand.offered += spent
        state.demand.admitted += spent
        return spent, () if lease is None else self._arithmetic.less(lease.full_at_ns, lease.left)

    def holds(self, key: str) -> bool:
        """Whether this process has leased tokens of a key."""
        state = self.state(key)
        return state is not None and any(lease.left for lease in state.leases)

    def paced(self, state: KeyState, wait_ns: int, now_ns: int) -> Decision | None:
        """The denial of a request that can't wait for the next visit; None where it may queue."""
        pace = state.pace
        if not pace.next_write_ns:
            return None
        gap_ns = pace.next_write_ns - self._clock.monotonic_ns()
        if gap_ns <= 0:
            return None
        if gap_ns > self._deadline_ns * _PATIENCE or (pace.is_dry and not wait_ns):
            return self._denied_by_pace(state.key, state, gap_ns, now_ns)
        return None

    def begin_alone(self, key: str) -> KeyState | None:
        """Lead a key's queue without being in it; its state, or None where a visit is due.

        That is where others ask already, where the key is hot, and where its branch is known only
        from what others do.
        """
        monotonic_ns = self._clock.monotonic_ns()
        # Looked up again: another thread may have forgotten it since, and begun anew.
        state = self._hot_keys.enter(self._name, key, monotonic_ns)
        if (
            state.pace.is_paced
            or state.overtaken
            or (state.demand.offered_per_second and self._ahead(state))
        ):
            return None
        return state if state.lead_alone(monotonic_ns, 2 * self._deadline_ns) else None

    def reporting(self, state: KeyState, take: Take) -> Take:
        """A take with what it adds to the counters of the item."""
        if not state.pace.has_written:
            return take
        writes, active_ns = state.pace.report(self._clock.monotonic_ns())
        return take._replace(writes=writes, active_ns=active_ns)

    def wrote_alone(self, state: KeyState, take: Take, cost: int, result: OperationResult) -> None:
        """Note what the reply to a single take shows."""
        state.pace.wrote(
            self._clock.monotonic_ns(), result.writes, result.active_ns, applied=result.applied
        )
        if result.applied:
            state.demand.admitted += cost
        else:
            self._note_branch(state, take.idle, take, result)

    def end_alone(self, state: KeyState, *, is_warm: bool) -> None:
        """Hand on the lead."""
        monotonic_ns = self._clock.monotonic_ns()
        state.leave(ALONE, monotonic_ns, 2 * self._deadline_ns)
        if not is_warm:
            self._hot_keys.forget(self._name, state, monotonic_ns)

    def throttled(self, key: str, state: KeyState, now_ns: int) -> Decision:
        """Deny all who wait: a key that is throttled is not asked again in a hurry.

        Returns:
            the denial of the request that met it.
        """
        monotonic_ns = self._clock.monotonic_ns()
        state.pace.throttled(monotonic_ns)
        denial = self._denied_by_pace(key, state, state.pace.next_write_ns - monotonic_ns, now_ns)
        for ticket in list(state.queue):
            state.serve(ticket, denial)
        return denial

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
        clock, hot_keys = self._clock, self._hot_keys
        arrived_ns = clock.monotonic_ns()
        state = hot_keys.enter(self._name, key, arrived_ns)
        ticket: Ticket[Decision] = Ticket(cost, wait_ns, arrived_ns, state.claim, leases=leases)
        state.join(ticket, 2 * self._deadline_ns)
        try:
            while True:
                ticket.unready()
                if ticket.outcome is not None:
                    return ticket.result()
                pause_ns = None
                if state.leader is ticket:
                    pause_ns = state.pace.next_write_ns - clock.monotonic_ns()
                    if pause_ns <= 0:
                        yield from self._visit(key, state, now_ns)
                        now_ns = None
                        continue
                in_time = yield Wait(ticket, pause_ns)
                now_ns = None
                if not in_time and ticket.outcome is None:
                    gap_ns = state.pace.next_write_ns - clock.monotonic_ns()
                    gap_ns = max(gap_ns, _RETRY_AFTER_QUEUE_NS)
                    return self._denied_by_pace(key, state, gap_ns, clock.now_ns())
        finally:
            monotonic_ns = clock.monotonic_ns()
            state.leave(ticket, monotonic_ns, 2 * self._deadline_ns)
            if not is_warm:
                hot_keys.forget(self._name, state, monotonic_ns)

    def give_back(self, taken: Taken, lease: Lease, cost: int) -> bool:
        """Give leased tokens back to their lease; False where it has ended: they lapse with it."""
        state = self._hot_keys.get(self._name, taken.key)
        if state is None or lease not in state.leases:
            return False
        return state.give_back(lease, cost, self._clock.monotonic_ns(), self._clock.wall_ns)

    def _visit(self, key: str, state: KeyState, now_ns: int | None) -> Flow[None]:
        """Make one visit for all who are in the queue now."""
        with state.lock:
            tickets = list(state.queue)
        arithmetic = self._arithmetic
        most_ahead = self._ahead(state) if all(ticket.leases for ticket in tickets) else 0
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
            ahead = arithmetic.most_leased(most_ahead, found.full_at_ns, found.now_ns)
            batch = self._batch(tickets, found.full_at_ns, found.now_ns, ahead)
        due_ns = self._deny(key, state, tickets, found, "table" if writes else "seen")
        if writes:
            if batch is not None and batch.tokens < batch.served[-1][1] + ahead:
                state.pace.rest(self._clock.monotonic_ns(), self._lease_ns // _RESTS_OF_LEASE)
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
            raise refused_without_reason(key, found.full_at_ns)
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
            self.throttled(key, state, found.now_ns)
            return None
        except StoreError as error:
            state.fail(error)
            return None
        found.full_at_ns = known(result.full_at_ns)
        found.kept_until_seconds = result.expires_at_seconds or 0
        found.refused = take
        if is_first:
            self._note_branch(state, believed, take, result)
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

    def _ahead(self, state: KeyState) -> int:
        """How many tokens to lease beside those that are waited for."""
        demand = state.demand
        # What a full bucket gave at once is no rate: more than the limit's own can't go on.
        per_second = min(
            demand.offered_per_second,
            _GROWTH * demand.admitted_per_second,
            self._tokens_per_second,
        )
        expected = per_second * self._lease_ns / SECOND_NS
        if expected < LEAST_LEASED:
            return 0
        return int(expected - _DEVIATIONS * expected**0.5)

    def _batch(
        self,
        tickets: Sequence[Ticket[Decision]],
        full_at_ns: tuple[int, ...],
        now_ns: int,
        ahead: int,
    ) -> Batch | None:
        """What to take where the bucket holds this, or more time than this; None for nothing."""
        arithmetic = self._arithmetic
        if ahead and not any(ticket.wait_ns for ticket in tickets):
            wanted = sum(ticket.cost for ticket in tickets)
            lease_ns = arithmetic.lease_ns(now_ns, self._lease_ns)
            base_ns = now_ns + lease_ns
            tokens = min(wanted + ahead, arithmetic.tokens(full_at_ns, base_ns, lease_ns))
            if tokens > wanted and lease_ns:
                room_ns = arithmetic.room_ns(tokens, -lease_ns)
                return Batch(_running_sums(tickets), tokens, lease_ns, room_ns, 0)
        served: list[tuple[Ticket[Decision], int]] = []
        tokens = longest_wait_ns = 0
        least_ns: tuple[int, ...] | None = None
        for ticket in tickets:
            room_ns = arithmetic.room_ns(tokens + ticket.cost, ticket.wait_ns)
            if arithmetic.fits(full_at_ns, now_ns, room_ns):
                tokens += ticket.cost
                served.append((ticket, tokens))
                least_ns = room_ns if least_ns is None else tuple(map(min, least_ns, room_ns))
                longest_wait_ns = max(longest_wait_ns, ticket.wait_ns)
        return None if least_ns is None else Batch(served, tokens, 0, least_ns, longest_wait_ns)

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

    def _note_branch(
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
            state.serve(ticket, self._leased(key, ticket.cost, spent, now_ns))

    def _leased(self, key: str, cost: int, lease: Lease, now_ns: int) -> Decision:
        """As if what this process still holds were in the bucket."""
        full_at_ns = self._arithmetic.less(lease.full_at_ns, lease.left)
        taken = Taken(
            key,
            cost,
            self._limits,
            full_at_ns,
            lease.refunded_ns,
            cost,
            self._cache.group,
            lease,
        )
        return self._arithmetic.admitted(full_at_ns, now_ns, taken, "lease")

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
                denial = self._denied_by_pace(key, state, gap_ns, now_ns)
            elif soonest_ns is None or denial.retry_after_ns < soonest_ns:
                soonest_ns = denial.retry_after_ns
            state.serve(ticket, denial)
        return soonest_ns or 0

    def _can_wait(self, state: KeyState, ticket: Ticket[Decision]) -> bool:
        """Whether the next visit comes in time for a request."""
        return state.pace.next_write_ns - ticket.arrived_ns <= self._deadline_ns * _PATIENCE

    def _denied_by_pace(self, key: str, state: KeyState, gap_ns: int, now_ns: int) -> Decision:
        """The denial of a request that may come again at the next visit."""
        limit, reset_ns = self._limits[0], gap_ns
        observation = self._cache.get(key)
        if observation is not None and observation.names is self._names:
            reset_ns = max(gap_ns, max(observation.full_at_ns) - now_ns)
        source: Source = "seen" if state.pace.is_dry else "throttled"
        return Decision(False, 0, gap_ns, reset_ns, limit, 0, source)


def _running_sums(tickets: Sequence[Ticket[Decision]]) -> list[tuple[Ticket[Decision], int]]:
    return list(zip(tickets, accumulate(ticket.cost for ticket in tickets), strict=True))
