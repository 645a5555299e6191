"""A process of one hot key: the limiter's own flows, its clocks, what it spends, how it fails."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from functools import partial
from random import Random

from ratelimit_ddb.bucket.bucket import Bucket
from ratelimit_ddb.bucket.decision import Decision
from ratelimit_ddb.bucket.observations import CacheGroup, ObservationCache
from ratelimit_ddb.bucket.times import BucketTimes
from ratelimit_ddb.errors import KeyThrottled, StoreUnavailable
from ratelimit_ddb.hot_keys.hot_keys import HotKeys
from ratelimit_ddb.hot_keys.key_state import KeyState
from ratelimit_ddb.hot_keys.lease import Lease
from ratelimit_ddb.operations.operation import (
    Flow,
    GiveBack,
    Operation,
    OperationResult,
    ReadClock,
    Take,
)
from tests.simulation.leased.plan import MILLISECOND_NS, MINUTE_NS, Host, Plan
from tests.simulation.record import Request
from tests.simulation.running import Outcome, Running
from tests.simulation.scheduler import Scheduler, Task
from tests.simulation.table import Table

KEY = "hot"
DEADLINE_NS = 250 * MILLISECOND_NS
_LATE_NS = 600 * MILLISECOND_NS


@dataclass(slots=True)
class Admitted:
    """One admitted request.

    Attributes:
        cost: its tokens, less those that were given back.
        reading_ns: when it may begin, by the reading of its process.
        true_ns: the same by true time.
        source: the decision's.
    """

    cost: int
    reading_ns: int
    true_ns: int
    source: str


class Clock:
    """The clocks of a host, as ``Store.clock`` shows them."""

    known = True

    def __init__(self, scheduler: Scheduler, offset_ns: int) -> None:
        self._scheduler = scheduler
        self.offset_ns = offset_ns
        self.stood_still_ns = 0
        self.wall_offset_ns = 0

    def now_ns(self) -> int:
        """The table's time."""
        return self._scheduler.now_ns + self.offset_ns

    def monotonic_ns(self) -> int:
        """It stands still while the machine is suspended."""
        return self._scheduler.now_ns - self.stood_still_ns

    def wall_ns(self) -> int:
        """It may be set back, or on."""
        return self._scheduler.now_ns + self.wall_offset_ns


class Process:
    """One process.

    Attributes:
        admitted: what it admitted.
        bought: tokens that its writes brought, as far as it knows.
        leased: how many of its decisions came of a lease.
        throttled: how many of its writes the table throttled.
        refunds_to_leases: how many tokens were given back to a lease.
        refunds: each one's request, what it gives back of, and how much.
        too_late: for each token of a lease that was spent after its end, by how much, by true time.
        refunds_of_leases: those that give back what was leased, or taken with a lease.
        slowest_refund_ns: the longest time from a refund's reading of the clock to its write.
    """

    def __init__(
        self, scheduler: Scheduler, table: Table, plan: Plan, host: Host, random: Random
    ) -> None:
        self.host = host
        self.admitted: list[Admitted] = []
        self.bought = 0
        self.leased = self.throttled = self.refunds_to_leases = 0
        self.waited = 0
        self.slowest_refund_ns = 0
        self.too_late: list[int] = []
        self.refunds_of_leases: list[Request] = []
        self._lease_ends_ns: dict[tuple[int | None, ...], int] = {}
        self.is_crashed = False
        self.clock = Clock(scheduler, host.offset_ns)
        self._suspended_until_ns = 0
        self._scheduler = scheduler
        self._table = table
        self._plan = plan
        self._buckets = plan.buckets
        self._costs = range(1, plan.most_cost + 1)
        self._random = random
        self._answer_acquire = partial(self._answer, self._new_request())
        self.hot_keys = None
        if host.lease_ns is not None:
            self.hot_keys = HotKeys(self.clock, random.random)
        times = BucketTimes(1_000 * MILLISECOND_NS, host.lease_ns or 0, DEADLINE_NS)
        self._bucket = Bucket(plan.limits, ObservationCache(64, CacheGroup(self.hot_keys)), times)
        self.refunds: list[tuple[Request, Admitted, int]] = []

    def requests(self, until_ns: int) -> Task:
        """Requests for a while, then none for as long as a lease lasts, then a flood; and again.

        A lease that is held as long as may be and spent at once beside all that is in the bucket
        is what a mistake in it would show by.
        """
        random, scheduler = self._random, self._scheduler
        while scheduler.now_ns < until_ns:
            for _ in range(random.randint(8, 40)):
                yield int(random.expovariate(self.host.a_second) * 1_000 * MILLISECOND_NS)
                while pause_ns := self._pause_ns():
                    yield pause_ns
                if self.is_crashed:
                    return
                self._acquire()
            if random.random() < self._plan.floods:
                yield int(random.uniform(0, 1.6) * self._plan.lease_ns)
                while pause_ns := self._pause_ns():
                    yield pause_ns
                for _ in range(int(random.uniform(0.3, 1.3) * self._buckets[0].burst)):
                    if self.is_crashed:
                        return
                    self._acquire()

    def crash(self) -> None:
        """Stop at once; nothing of it goes on, not even its ends."""
        self.is_crashed = True

    def suspend(self, for_ns: int) -> None:
        """Stop the whole machine for a while: the monotonic clock, too."""
        self._suspended_until_ns = self._scheduler.now_ns + for_ns
        self.clock.stood_still_ns += for_ns

    def step_wall_clock(self, by_ns: int) -> None:
        """Set the host's wall clock back or on."""
        self.clock.wall_offset_ns += by_ns

    def fork(self) -> Process:
        """The child: it has a copy of all that its parent holds, and none of its tasks."""
        child = Process(self._scheduler, self._table, self._plan, self.host, self._random)
        child.clock.wall_offset_ns = self.clock.wall_offset_ns
        child.clock.stood_still_ns = self.clock.stood_still_ns
        child._lease_ends_ns = dict(self._lease_ends_ns)
        if self.hot_keys is not None and child.hot_keys is not None:
            for name, state in self.hot_keys._younger.items():
                child.hot_keys._younger[name] = _copied(state, child.clock, self._random)
            child.hot_keys.after_fork_in_child()
        return child

    def _pause_ns(self) -> int | None:
        if self.is_crashed:
            return None
        if not self._suspended_until_ns:
            return 0
        return max(0, self._suspended_until_ns - self._scheduler.now_ns)

    def _acquire(self) -> None:
        random, plan = self._random, self._plan
        cost = random.choice(self._costs)
        wait_ns = plan.wait_ns if random.random() < plan.waits else 0
        begun = self._bucket.acquire(KEY, cost, wait_ns, self.clock.now_ns())
        if isinstance(begun, Decision):
            self._decided(cost, begun)
            return
        running = self._run(begun, partial(self._decided, cost), self._answer_acquire)
        if random.random() < plan.cancels:
            self._scheduler.call(running.cancel, int(random.random() * 4 * plan.one_way_ns))

    def _run(
        self,
        flow: Flow[Decision] | Flow[bool],
        ended: Callable[[Outcome], None],
        answer: Callable[[Operation], Generator[int, None, object]],
    ) -> Running:
        deadline_ns = self._scheduler.now_ns + DEADLINE_NS
        return Running(self._scheduler, flow, deadline_ns, answer, ended, self._pause_ns)

    def _new_request(self) -> Request:
        return Request(0, 0, "acquire", KEY, 1, 0, self._buckets, 0, False)

    def _decided(self, cost: int, outcome: Outcome) -> None:
        if not isinstance(outcome, Decision) or not outcome.allowed:
            return
        reading_ns = self.clock.now_ns()
        taken = outcome.taken
        assert taken is not None, outcome
        if outcome.source == "lease":
            self.leased += 1
            assert taken.lease is not None, outcome
            late_ns = self._scheduler.now_ns - self._lease_ends_ns[taken.lease.full_at_ns]
            if late_ns > 0:
                self.too_late.append(late_ns)
        else:
            # A take is spent at its own reading of the clock, however long its reply takes.
            reading_ns = taken.taken_at_ns + outcome.waited_ns
            self.waited += outcome.waited_ns > 0
        true_ns = reading_ns - self.clock.offset_ns
        admitted = Admitted(cost, reading_ns, true_ns, outcome.source)
        self.admitted.append(admitted)
        if self._random.random() < self._plan.refunds:
            back = self._random.choice((cost, 1))
            later_ns = int(self._random.random() ** 2 * 300 * MILLISECOND_NS)
            self._scheduler.start(self._refund(outcome, admitted, back), later_ns)

    def _refund(self, decision: Decision, admitted: Admitted, cost: int) -> Task:
        pause_ns = self._pause_ns()
        if pause_ns is None:
            return
        yield pause_ns
        taken = decision.taken
        assert taken is not None, decision

        def ended(outcome: Outcome) -> None:
            if outcome is True and taken.lease is not None:
                admitted.cost -= cost
                self.refunds_to_leases += cost

        request = self._new_request()
        if taken.lease is None:
            self.refunds.append((request, admitted, cost))
        else:
            self.refunds_of_leases.append(request)
        answer = partial(self._answer, request)
        self._run(self._bucket.refund(taken, cost), ended, answer)

    def _answer(self, request: Request, operation: Operation) -> Generator[int, None, object]:
        """Carry one operation out: delayed, lost, late, repeated, throttled, or well."""
        if isinstance(operation, ReadClock):
            return self.clock.now_ns()
        scheduler, random, plan = self._scheduler, self._random, self._plan
        fate = random.random()
        yield int(random.random() * plan.one_way_ns)
        if isinstance(operation, Take):
            if fate < plan.throttled:
                yield int(random.random() * plan.one_way_ns)
                self.throttled += 1
                raise KeyThrottled("throttled")
            fate -= plan.throttled
        if fate < plan.late:
            late_ns = int(random.random() * _LATE_NS)
            scheduler.start(self._carry_out_late(operation, request), late_ns)
            yield DEADLINE_NS
            raise StoreUnavailable("lost")
        result = self._carry_out(operation, request)
        fate -= plan.late
        if fate < plan.lost:
            yield DEADLINE_NS
            raise StoreUnavailable("reply lost")
        if fate - plan.lost < plan.repeated and isinstance(operation, Take):
            scheduler.start(
                self._carry_out_late(operation, request), int(random.random() * _LATE_NS)
            )
        yield int(random.random() * plan.one_way_ns)
        if isinstance(operation, Take) and result.applied:
            self.bought += operation.cost_ns[0] // self._buckets[0].unit_ns
            end_ns = operation.leased_until_ns
            if len(plan.limits) > len(self._buckets):  # a quota, whose window ends
                end_ns = min(end_ns, (operation.now_ns // MINUTE_NS + 1) * MINUTE_NS)
            self._lease_ends_ns[result.full_at_ns] = end_ns - self.clock.offset_ns
        return result

    def _carry_out(self, operation: Operation, request: Request) -> OperationResult:
        if isinstance(operation, GiveBack):
            under_way_ns = self._scheduler.now_ns - (operation.now_ns - self.clock.offset_ns)
            self.slowest_refund_ns = max(self.slowest_refund_ns, under_way_ns)
        return self._table.apply(operation, request)

    def _carry_out_late(self, operation: Operation, request: Request) -> Task:
        self._carry_out(operation, request)
        yield from ()


def _copied(state: KeyState, clock: Clock, random: Random) -> KeyState:
    """What a fork leaves of a key's state in the child, before anything sees to it."""
    copied = KeyState(state.key, clock.monotonic_ns(), random.random)
    copied.demand.offered_per_second = state.demand.offered_per_second
    copied.demand.admitted_per_second = state.demand.admitted_per_second
    copied.leases = [
        Lease(one.left, one.full_at_ns, one.refunded_ns, one.monotonic_end_ns, one.wall_end_ns)
        for one in state.leases
    ]
    return copied
