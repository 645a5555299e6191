"""P1 where callers wait: counted by the instants at which they begin, not at which they call."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from ratelimit_ddb import Limit, MemoryStore, RateLimiter
from tests.fake_clock import FakeClock
from tests.property.oracle import require_at_most_due
from tests.property.strategies import Step, demand, limits_and_demand, several_limits

KEY = "api:user-123:endpoint"


@given(limits_and_demand())
def test_p1_holds_by_the_instants_at_which_those_who_waited_begin(
    drawn: tuple[list[Limit], list[Step]],
) -> None:
    on, steps = drawn
    clock = FakeClock()
    store = MemoryStore(clock=clock)
    processes = [RateLimiter(store, on, deny_cache=5.0 * index) for index in range(2)]
    begun: list[tuple[int, int]] = []
    for step in steps:
        clock.advance_ns(step.gap_ns)
        limiter = processes[step.process]
        decision = limiter.acquire(KEY, cost=step.cost, max_wait=step.wait_ns / 1e9)
        if decision.allowed:
            begun.append((clock.now_ns + decision.waited_ns, step.cost))
    for limit in on:
        require_at_most_due(begun, limit.burst, Fraction(limit.unit_ns))


@given(several_limits(least_burst=1), st.data())
def test_p1_of_a_limit_that_limiters_of_other_limits_share_but_for_the_waits(
    on: list[Limit], data: st.DataObject
) -> None:
    """Who waits for another limit has taken the shared one's tokens when it called."""
    shared = on[0]
    clock = FakeClock()
    store = MemoryStore(clock=clock)
    processes = [RateLimiter(store, limits, deny_cache=0) for limits in (on, [shared])]
    begun: list[tuple[int, int]] = []
    longest_ns = 0
    for step in data.draw(demand(on), "demand"):
        clock.advance_ns(step.gap_ns)
        limiter = processes[step.process]
        decision = limiter.acquire(KEY, cost=step.cost, max_wait=step.wait_ns / 1e9)
        if decision.allowed:
            begun.append((clock.now_ns + decision.waited_ns, step.cost))
            longest_ns = max(longest_ns, decision.waited_ns)
    unit_ns = Fraction(shared.unit_ns)
    require_at_most_due(begun, shared.burst + longest_ns / unit_ns, unit_ns)
