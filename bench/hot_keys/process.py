"""A simulated process: the limiter's own flows, with its own caches, in simulated time."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from random import Random
from typing import Any

from bench.hot_keys.figures import MILLISECOND_NS, Observed
from bench.hot_keys.partition import Partition
from ratelimit_ddb import RateLimiter
from ratelimit_ddb.bucket.decision import Decision
from ratelimit_ddb.errors import KeyThrottled
from ratelimit_ddb.limit import SECOND_NS, Limit
from ratelimit_ddb.operations.operation import Flow, Operation, ReadClock, Take
from tests.simulation.record import Request
from tests.simulation.scheduler import Scheduler, Task

KEY = "hot"
DEADLINE_NS = 250 * MILLISECOND_NS


class SimulatedClock:
    """The table's time, which every process knows exactly."""

    known = True

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler

    def now_ns(self) -> int:
        return self._scheduler.now_ns

    monotonic_ns = wall_ns = now_ns


class SimulatedStore:
    """What a limiter is made with. Its flows are run by the process, so it is never sent to."""

    ready = True
    in_process = False

    def __init__(self, scheduler: Scheduler) -> None:
        self.clock = SimulatedClock(scheduler)

    def prepare(self) -> None: ...

    async def prepare_async(self) -> None: ...

    def send(self, operation: Operation, deadline_ns: int) -> Any:
        raise AssertionError(operation)

    async def send_async(self, operation: Operation, deadline_ns: int) -> Any:
        raise AssertionError(operation)

    def send_all(self, sequences: Any, deadline_ns: int) -> None:
        raise AssertionError(sequences)

    async def send_all_async(self, sequences: Any, deadline_ns: int) -> None:
        raise AssertionError(sequences)


@dataclass(slots=True)
class Run:
    """A flow on its way.

    Attributes:
        operation: what it has yielded last.
        called_ns: when its caller called.
        deadline_ns: until when it may wait.
        waits: counts where it waits, and where it goes on.
    """

    flow: Flow[Decision]
    operation: Any
    called_ns: int
    deadline_ns: int
    waits: int = 0


class SimulatedProcess:
    """Decides by a limiter of its own, and counts what its callers see."""

    def __init__(
        self,
        number: int,
        limit: Limit,
        scheduler: Scheduler,
        partition: Partition,
        seed: int,
        observed: Observed,
    ) -> None:
        self._number = number
        self._unit_ns = limit.unit_ns
        self._scheduler = scheduler
        self._partition = partition
        # Apart, so that callers come at the same instants whatever the limiter does.
        self._callers = Random(f"{seed}.callers.{number}")
        self._network = Random(f"{seed}.network.{number}")
        self._observed = observed
        self._taken: deque[tuple[int, int, int]] = deque()
        observed.taken.append(self._taken)
        self._core = RateLimiter(SimulatedStore(scheduler), limit, enabled=True)._core
        self._request = Request(0, number, "acquire", KEY, 1, 0, (limit,), 0, False)

    def arrivals(self, a_second: float, until_ns: int) -> Task:
        """Callers that come independently of each other."""
        scheduler, expovariate = self._scheduler, self._callers.expovariate
        while True:
            yield int(expovariate(a_second) * SECOND_NS)
            if scheduler.now_ns >= until_ns:
                return
            self._call()

    def _call(self) -> None:
        now_ns = self._scheduler.now_ns
        begun = self._core.acquire(KEY, 1, 0.0)
        if isinstance(begun, Decision):
            self._answer(now_ns, begun)
        else:
            run = Run(begun, next(begun), now_ns, now_ns + DEADLINE_NS)
            self._scheduler.start(self._drive(run))

    def _drive(self, run: Run) -> Task:
        """Drive a flow until it ends or waits."""
        flow = run.flow
        try:
            while True:
                if isinstance(run.operation, ReadClock):
                    run.operation = flow.send(self._scheduler.now_ns)
                elif isinstance(run.operation, Take):
                    yield self._one_way_ns()
                    result = self._partition.take(run.operation, self._request)
                    yield self._one_way_ns()
                    if result is None:
                        run.operation = flow.throw(KeyThrottled("throttled"))
                        continue
                    if result.applied:
                        self._note(run.operation)
                    run.operation = flow.send(result)
                else:
                    self._park(run)
                    return
        except StopIteration as done:
            self._answer(run.called_ns, done.value)

    def _park(self, run: Run) -> None:
        """Go on as soon as what the flow waits for is served, or after the longest wait."""
        scheduler, wait = self._scheduler, run.operation
        run.waits += 1
        wait.awaited.attach(lambda waits=run.waits: scheduler.start(self._go_on(run, waits)))
        if wait.awaited.served:
            scheduler.start(self._go_on(run, run.waits))
        until_ns = run.deadline_ns
        if wait.most_ns is not None:
            until_ns = min(until_ns, scheduler.now_ns + wait.most_ns)
        scheduler.start(self._go_on(run, run.waits), max(0, until_ns - scheduler.now_ns))

    def _go_on(self, run: Run, waits: int) -> Task:
        if waits != run.waits:
            return  # this wait is over already
        run.waits += 1
        try:
            run.operation = run.flow.send(self._scheduler.now_ns < run.deadline_ns)
        except StopIteration as done:
            self._answer(run.called_ns, done.value)
        else:
            yield from self._drive(run)

    def _note(self, take: Take) -> None:
        now_ns = self._scheduler.now_ns
        self._taken.append(
            (
                now_ns,
                max(now_ns, getattr(take, "base_ns", (take.now_ns,))[0]),
                take.cost_ns[0] // self._unit_ns,
            )
        )

    def _answer(self, called_ns: int, decision: Decision) -> None:
        observed = self._observed
        observed.called_ns.append(called_ns)
        observed.answered_ns.append(self._scheduler.now_ns)
        observed.admitted.append(decision.allowed)
        observed.process.append(self._number)

    def _one_way_ns(self) -> int:
        """Half a round trip of 3 ms and, exponentially, 2 ms more."""
        return int((3 + self._network.expovariate(0.5)) * MILLISECOND_NS) // 2
