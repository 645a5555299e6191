"""P1: no interval, however it is cut, holds more than is due; and the answers are the oracle's."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from ratelimit_ddb import Limit, MemoryStore, RateLimiter
from tests.decisions import told
from tests.fake_clock import FakeClock
from tests.property.oracle import Reference, require_at_most_due
from tests.property.strategies import Step, limits_and_demand

KEY = "api:user-123:endpoint"


@given(limits_and_demand())
def test_p1_over_every_interval_at_most_burst_and_what_is_due(
    drawn: tuple[list[Limit], list[Step]],
) -> None:
    limits, steps = drawn
    clock = FakeClock()
    store = MemoryStore(clock=clock)
    processes = [RateLimiter(store, limits) for _ in range(2)]
    admitted: list[tuple[int, int]] = []
    for step in steps:
        clock.advance_ns(step.gap_ns)
        decision = processes[step.process].acquire(KEY, cost=step.cost, max_wait=step.wait_ns / 1e9)
        if decision.allowed:
            admitted.append((clock.now_ns + decision.waited_ns, step.cost))
    for limit in limits:
        require_at_most_due(admitted, limit.burst, Fraction(limit.unit_ns))
        period_ns = round(limit.period_seconds * 1_000_000_000)
        require_at_most_due(admitted, limit.burst, Fraction(period_ns, limit.quantity))


@given(limits_and_demand())
def test_every_answer_is_the_oracles(drawn: tuple[list[Limit], list[Step]]) -> None:
    limits, steps = drawn
    clock = FakeClock()
    store = MemoryStore(clock=clock)
    processes = [RateLimiter(store, limits) for _ in range(2)]
    reference = Reference(limits, clock.now_ns)
    for step in steps:
        clock.advance_ns(step.gap_ns)
        reference.refill(clock.now_ns)
        decision = processes[step.process].acquire(KEY, cost=step.cost, max_wait=step.wait_ns / 1e9)
        expected = reference.decide(step.cost, step.wait_ns)
        if decision.source == "table":
            assert told(decision) == expected
        else:
            # What was seen may be older than what others took since: a lower bound of the wait.
            assert not expected.allowed
            assert decision.retry_after_ns <= expected.retry_after_ns
            assert decision.reset_after_ns <= expected.reset_after_ns


@given(limits_and_demand())
def test_p4_among_calls_alike_a_denial_from_memory_is_exact_too(
    drawn: tuple[list[Limit], list[Step]],
) -> None:
    """What this process is denied, another with the same cost and wait was denied as well."""
    limits, steps = drawn
    cost, wait_ns = steps[0].cost, steps[0].wait_ns
    clock = FakeClock()
    store = MemoryStore(clock=clock)
    processes = [RateLimiter(store, limits) for _ in range(2)]
    reference = Reference(limits, clock.now_ns)
    for step in steps:
        clock.advance_ns(step.gap_ns)
        reference.refill(clock.now_ns)
        decision = processes[step.process].acquire(KEY, cost=cost, max_wait=wait_ns / 1e9)
        assert told(decision)._replace(source="table") == reference.decide(cost, wait_ns)


@given(limits_and_demand(most_limits=1))
def test_waits_are_served_in_the_order_of_the_calls(
    drawn: tuple[list[Limit], list[Step]],
) -> None:
    limits, steps = drawn
    clock = FakeClock()
    limiter = RateLimiter(MemoryStore(clock=clock), limits)
    last_turn_ns = 0
    for step in steps:
        clock.advance_ns(step.gap_ns)
        decision = limiter.acquire(KEY, cost=step.cost, max_wait=step.wait_ns / 1e9)
        assert decision.waited_ns <= step.wait_ns
        if decision.allowed:
            turn_ns = clock.now_ns + decision.waited_ns
            assert turn_ns >= last_turn_ns
            last_turn_ns = turn_ns


@given(
    st.integers(10**6, 10**12),
    st.integers(10**6, 10**9),
    st.lists(st.integers(0, 10**15), min_size=1, max_size=10),
)
def test_p1_large_numbers_are_counted_to_the_nanosecond(
    burst: int, unit_ns: int, gaps_ns: list[int]
) -> None:
    # Past 2 ** 53 floats have gaps: only integers can tell these instants apart.
    burst = min(burst, 3_000 * 86_400 * 10**9 // unit_ns)
    limit = Limit(1, unit_ns / 1_000_000_000, burst, "large")
    clock = FakeClock(2**62 + 1)
    limiter = RateLimiter(MemoryStore(clock=clock), limit)
    reference = Reference([limit], clock.now_ns)
    for gap_ns in gaps_ns:
        clock.advance_ns(gap_ns)
        reference.refill(clock.now_ns)
        cost = max(1, burst - gap_ns % burst)
        decision = limiter.acquire(KEY, cost=cost)
        assert told(decision)._replace(source="table") == reference.decide(cost)
