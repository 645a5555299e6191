"""Plays one history: several processes, one table, a network, and a seed that decides it all."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from ratelimit_ddb.limit import SECOND_NS
from tests.simulation.network import Network
from tests.simulation.plan import Plan, plan_of
from tests.simulation.process import Process
from tests.simulation.record import Change, Event, Request
from tests.simulation.scheduler import Scheduler, Task
from tests.simulation.table import Table

_START_NS = 1_800_000_000 * SECOND_NS
_SUSPENSION_NS = 60 * SECOND_NS


@dataclass(frozen=True, slots=True)
class History:
    """All that happened."""

    seed: int
    plan: Plan
    processes: tuple[Process, ...]
    changes: list[Change]
    story: list[Event]

    @property
    def requests(self) -> list[Request]:
        """Every call, in the order of their beginnings within each process."""
        return [request for process in self.processes for request in process.requests]


def play(seed: int) -> History:
    """The history that a seed stands for; the same each time."""
    random = Random(seed)
    plan = plan_of(random)
    scheduler = Scheduler(_START_NS + random.randrange(SECOND_NS))
    table = Table(scheduler)
    network = Network(scheduler, table, plan.weather, random)
    processes = tuple(
        Process(number, scheduler, network, table, clock, plan.deny_cache_ns)
        for number, clock in enumerate(plan.clocks)
    )
    for process in processes:
        process.serial = plan.callers == 1
        process.limit_by(plan.limits)
        for _ in range(plan.callers):
            scheduler.start(_caller(process, plan, random), random.randrange(plan.pause_ns + 1))
        if plan.next_limits is not None:
            halfway_ns = plan.calls * plan.pause_ns // 2
            scheduler.start(_deployment(process, plan), random.randrange(halfway_ns + 1))
    scheduler.run()
    return History(seed, plan, processes, table.changes, network.story)


def _caller(process: Process, plan: Plan, random: Random) -> Task:
    for _ in range(plan.calls):
        key = f"key{random.randrange(plan.keys)}" if plan.keys > 1 else "key"
        limits = process.limits
        cost = 1 + int(random.random() ** 2 * min(limit.burst for limit in limits))
        kind = random.random()
        if kind < plan.resets:
            yield from process.reset(key)
        elif kind < plan.resets + plan.refunds and (taking := _refundable(process, random)):
            assert taking.decision is not None
            assert taking.decision.taken is not None
            back = random.choice((taking.decision.taken.kept, 1))
            yield from process.refund(taking, back)
        else:
            suspended = random.random() < plan.suspended
            suspended_ns = int(random.random() * _SUSPENSION_NS) if suspended else 0
            wait_ns = random.choice(plan.waits_ns)
            yield from process.acquire(key, cost, wait_ns, suspended_ns)
        yield int(random.random() ** 2 * 3 * plan.pause_ns)


def _refundable(process: Process, random: Random) -> Request | None:
    """A call of the process that took tokens under the limits in force, and kept some of them."""
    takings = [
        request
        for request in process.requests
        if request.decision is not None
        and request.decision.taken is not None
        and request.decision.taken.kept
        and request.limits == process.limits
    ]
    return random.choice(takings) if takings else None


def _deployment(process: Process, plan: Plan) -> Task:
    assert plan.next_limits is not None
    process.limit_by(plan.next_limits)
    yield from ()
