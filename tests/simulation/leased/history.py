"""Plays one history of a hot key: some processes, one table, and a seed that decides it all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from ratelimit_ddb.limit import SECOND_NS
from ratelimit_ddb.operations.operation import GiveBack
from tests.simulation.leased.plan import MILLISECOND_NS, Plan, plan_of
from tests.simulation.leased.process import Process
from tests.simulation.scheduler import Scheduler, Task
from tests.simulation.table import Table

_START_NS = 1_800_000_000 * SECOND_NS
"""The beginning of a minute."""
_LONGEST_SUSPENSION_NS = 1_500 * MILLISECOND_NS
_LARGEST_STEP_NS = 2 * SECOND_NS


@dataclass(frozen=True, slots=True)
class History:
    """All that happened."""

    seed: int
    plan: Plan
    processes: list[Process]
    table: Table


def play(seed: int) -> History:
    """The history that a seed stands for; the same each time."""
    random = Random(seed)
    plan = plan_of(random)
    length_ns = int(plan.seconds * SECOND_NS)
    before_edge_ns = random.randrange(length_ns)
    scheduler = Scheduler(_START_NS - before_edge_ns)
    table = Table(scheduler)
    processes = [Process(scheduler, table, plan, host, random) for host in plan.hosts]
    until_ns = scheduler.now_ns + length_ns

    def start(process: Process) -> None:
        scheduler.start(process.requests(until_ns))

    def crash(process: Process) -> None:
        process.crash()
        following = Process(scheduler, table, plan, process.host, random)
        processes.append(following)
        start(following)

    def fork(process: Process) -> None:
        if not process.is_crashed:
            child = process.fork()
            processes.append(child)
            start(child)

    def suspend(process: Process) -> None:
        process.suspend(int(random.random() * _LONGEST_SUSPENSION_NS))

    def step(process: Process) -> None:
        process.step_wall_clock(random.randint(-_LARGEST_STEP_NS, _LARGEST_STEP_NS))

    for process in processes:
        start(process)
    for times, trouble in (
        (plan.crashes, crash),
        (plan.forks, fork),
        (plan.suspensions, suspend),
        (plan.wall_steps, step),
    ):
        for _ in range(times):
            at_ns = int(random.uniform(0.2, 1) * length_ns)
            scheduler.start(_happen(trouble, processes, random), at_ns)
    scheduler.run()
    _net_of_refunds(processes, table)
    return History(seed, plan, processes, table)


def _net_of_refunds(processes: list[Process], table: Table) -> None:
    """Note what the table gave back, whether or not the process has heard of it."""
    given_back = [one.request for one in table.changes if isinstance(one.operation, GiveBack)]
    for process in processes:
        for request, admitted, cost in process.refunds:
            if request in given_back:
                admitted.cost -= cost


def _happen(trouble: Callable[[Process], None], processes: list[Process], random: Random) -> Task:
    trouble(random.choice(processes))
    yield from ()
