"""A simulated process: the limiter's own flows, with its own caches, in simulated time."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator
from random import Random
from typing import Any

from bench.hot_keys.figures import MILLISECOND_NS, Observed
from bench.hot_keys.partition import Partition
from ratelimit_ddb import RateLimiter
from ratelimit_ddb.bucket.decision import Decision
from ratelimit_ddb.errors import KeyThrottled
from ratelimit_ddb.limit import SECOND_NS, Limit
from ratelimit_ddb.operations.operation import Operation, ReadClock, Take
from tests.simulation.record import Request
from tests.simulation.running import Outcome, Running
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
            Running(
                self._scheduler,
                begun,
                now_ns + DEADLINE_NS,
                self._carry_out,
                lambda outcome: self._end(now_ns, outcome),
            )

    def _carry_out(self, operation: Operation) -> Generator[int, None, object]:
        if isinstance(operation, ReadClock):
            return self._scheduler.now_ns
        assert isinstance(operation, Take), operation
        yield self._one_way_ns()
        result = self._partition.take(operation, self._request)
        yield self._one_way_ns()
        if result is None:
            raise KeyThrottled("throttled")
        if result.applied:
            self._note(operation)
        return result

    def _end(self, called_ns: int, outcome: Outcome) -> None:
        assert isinstance(outcome, Decision), outcome
        self._answer(called_ns, outcome)

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
