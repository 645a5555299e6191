"""P3, P4, P5 and P6: what a denial takes, when to come back, and who may deny."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ratelimit_ddb import Decision, Limit, MemoryStore, RateLimiter
from ratelimit_ddb.operations.operation import OperationResult, Read
from tests.fake_clock import FakeClock
from tests.property.strategies import Step, limits, limits_and_demand

KEY = "api:user-123:endpoint"
OTHER_KEY = "api:user-456:endpoint"


def held(store: MemoryStore, on: list[Limit], key: str = KEY) -> OperationResult:
    outcome = store.send(Read(key, tuple(limit.name for limit in on)), 0)
    assert isinstance(outcome, OperationResult)
    return outcome


@given(limits_and_demand())
def test_p3_a_denied_request_takes_nothing(drawn: tuple[list[Limit], list[Step]]) -> None:
    on, steps = drawn
    clock = FakeClock()
    store = MemoryStore(clock=clock)
    processes = [RateLimiter(store, on, deny_cache=5.0 * index) for index in range(2)]
    processes[0].acquire(OTHER_KEY)
    for step in steps:
        clock.advance_ns(step.gap_ns)
        before = held(store, on), held(store, on, OTHER_KEY)
        decision = processes[step.process].acquire(KEY, cost=step.cost, max_wait=step.wait_ns / 1e9)
        if not decision.allowed:
            assert (held(store, on), held(store, on, OTHER_KEY)) == before


@given(limits_and_demand(waits=False))
def test_p5_all_limits_consume_or_none_does(drawn: tuple[list[Limit], list[Step]]) -> None:
    on, steps = drawn
    clock = FakeClock()
    store = MemoryStore(clock=clock)
    processes = [RateLimiter(store, on) for _ in range(2)]
    for step in steps:
        clock.advance_ns(step.gap_ns)
        before_ns = held(store, on).full_at_ns
        decision = processes[step.process].acquire(KEY, cost=step.cost)
        moved = [
            after_ns == max(one_ns or 0, clock.now_ns) + step.cost * limit.unit_ns
            for limit, one_ns, after_ns in zip(
                on, before_ns, held(store, on).full_at_ns, strict=True
            )
        ]
        assert set(moved) == {decision.allowed}


@given(limits_and_demand(), st.sampled_from([1, 1_000_000]))
def test_p4_retry_after_is_exact(drawn: tuple[list[Limit], list[Step]], early_ns: int) -> None:
    """Each denied step is tried alone a bit before its time, and at its time, in a new process."""
    on, steps = drawn
    clock = FakeClock()
    store = MemoryStore(clock=clock)
    limiter = RateLimiter(store, on)
    for step in steps:
        clock.advance_ns(step.gap_ns)
        wait_seconds = step.wait_ns / 1e9
        decision = limiter.acquire(KEY, cost=step.cost, max_wait=wait_seconds)
        if decision.allowed:
            assert decision.retry_after_ns == 0
            continue
        assert decision.retry_after == decision.retry_after_ns / 1e9 > 0
        due_ns = clock.now_ns + decision.retry_after_ns
        other = RateLimiter(store, on)
        clock.now_ns = max(clock.now_ns, due_ns - early_ns)
        if clock.now_ns < due_ns:
            assert not other.acquire(KEY, cost=step.cost, max_wait=wait_seconds).allowed
            assert not limiter.acquire(KEY, cost=step.cost, max_wait=wait_seconds).allowed
        clock.now_ns = due_ns
        assert limiter.acquire(KEY, cost=step.cost, max_wait=wait_seconds).allowed


@given(limits_and_demand(waits=False))
def test_p6_a_denial_from_memory_is_the_tables(drawn: tuple[list[Limit], list[Step]]) -> None:
    on, steps = drawn
    clock = FakeClock()
    store = MemoryStore(clock=clock)
    processes = [RateLimiter(store, on, deny_cache=60.0) for _ in range(2)]
    asking = RateLimiter(store, on, deny_cache=0.0)
    for step in steps:
        clock.advance_ns(step.gap_ns)
        told = asking.peek(KEY, cost=step.cost)
        decision = processes[step.process].acquire(KEY, cost=step.cost)
        assert decision.allowed == told.allowed
        if decision.source == "seen":
            # What was seen may be old: the table may hold more by now, never less.
            assert decision.retry_after_ns <= told.retry_after_ns
            assert decision.reset_after_ns <= told.reset_after_ns


@given(limits(), st.integers(0, 20))
def test_p6_a_denial_is_repeated_from_memory_while_it_is_trusted(
    limit: Limit, quarter_seconds: int
) -> None:
    clock = FakeClock()
    limiter = RateLimiter(MemoryStore(clock=clock), limit, deny_cache=2.0)
    limiter.acquire(KEY, cost=limit.burst)
    clock.advance_ns(quarter_seconds * 250_000_000)
    decision = limiter.acquire(KEY, cost=limit.burst)
    sees = quarter_seconds <= 8 and not decision.allowed
    assert decision.source == ("seen" if sees else "table")


@given(limits_and_demand(waits=False))
def test_peek_says_what_acquire_then_does(drawn: tuple[list[Limit], list[Step]]) -> None:
    on, steps = drawn
    clock = FakeClock()
    store = MemoryStore(clock=clock)
    limiter = RateLimiter(store, on)
    for step in steps:
        clock.advance_ns(step.gap_ns)
        before = held(store, on)
        told = limiter.peek(KEY, cost=step.cost)
        assert held(store, on) == before
        decision = limiter.acquire(KEY, cost=step.cost)
        assert_told(told, decision, step.cost)


def assert_told(told: Decision, decision: Decision, cost: int) -> None:
    if not decision.allowed:
        assert told == decision._replace(source="table")
        return
    assert told.allowed
    assert told.limit == decision.limit
    assert told.remaining == decision.remaining + cost
    assert told.retry_after_ns == told.waited_ns == decision.retry_after_ns == 0
    assert told.reset_after_ns < decision.reset_after_ns
