"""A table that goes away: no process admits more than the limit, before and in the outage."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ratelimit_ddb import Limit, MemoryStore, RateLimiter, StoreUnavailable
from ratelimit_ddb.operations.operation import Operation
from tests.fake_clock import FakeClock
from tests.property.oracle import require_at_most_due
from tests.property.strategies import Step, demand, several_limits

KEY = "api:user-123:endpoint"
PROCESSES = 2


class Seen(MemoryStore):
    """The table as one process reaches it, until it does not."""

    def __init__(self, table: MemoryStore, clock: FakeClock) -> None:
        super().__init__(clock=clock)
        self.table = table
        self.is_away = False

    def send(self, operation: Operation, deadline_ns: int) -> Any:
        if self.is_away:
            raise StoreUnavailable("away")
        return self.table.send(operation, deadline_ns)


@st.composite
def limits_and_demand(draw: st.DrawFn) -> tuple[list[Limit], list[Step], int]:
    on = draw(several_limits())
    steps = draw(demand(on, processes=draw(st.integers(1, PROCESSES))))
    return on, steps, draw(st.integers(0, len(steps)))


@given(limits_and_demand())
def test_p10_n_processes_admit_at_most_n_times_the_limit_up_to_the_end_of_an_outage(
    drawn: tuple[list[Limit], list[Step], int],
) -> None:
    on, steps, goes_away_at = drawn
    clock = FakeClock()
    table = MemoryStore(clock=clock)
    seen = [Seen(table, clock) for _ in range(PROCESSES)]
    processes = [RateLimiter(store, on, on_outage="local") for store in seen]
    admitted: list[list[tuple[int, int]]] = [[] for _ in processes]
    for number, step in enumerate(steps):
        clock.advance_ns(step.gap_ns)
        for store in seen:
            store.is_away = number >= goes_away_at
        limiter = processes[step.process]
        decision = limiter.acquire(KEY, cost=step.cost, max_wait=step.wait_ns / 1e9)
        if decision.allowed:
            admitted[step.process].append((clock.now_ns + decision.waited_ns, step.cost))
    for of_a_process in admitted:
        for limit in on:
            require_at_most_due(of_a_process, limit.burst, Fraction(limit.unit_ns))
