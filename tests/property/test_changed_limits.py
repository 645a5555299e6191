"""A limit that is changed: a new, full bucket, or under one name the same one judged otherwise."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import assume, given
from hypothesis import strategies as st

from ratelimit_ddb import Limit, MemoryStore, RateLimiter
from tests.fake_clock import FakeClock
from tests.property.oracle import require_at_most_due
from tests.property.strategies import gaps_ns, limits, waits_ns

KEY = "api:user-123:endpoint"

waits_any_ns = waits_ns(10_000_000_000)


def unnamed(limit: Limit) -> Limit:
    return Limit(limit.quantity, limit.period_seconds, limit.burst)


@given(limits(), limits(), st.data())
def test_p1_different_limits_of_a_key_are_different_buckets(
    one: Limit, other: Limit, data: st.DataObject
) -> None:
    """Whatever one takes, the other has its whole burst, and a denial of one fills nothing."""
    one, other = unnamed(one), unnamed(other)
    assume(one != other)
    clock = FakeClock()
    store = MemoryStore(clock=clock)
    first, second = (RateLimiter(store, limit, deny_cache=0) for limit in (one, other))
    for limiter, limit in ((first, one), (second, other)):
        assert limiter.acquire(KEY, cost=limit.burst).allowed
        assert not limiter.acquire(KEY).allowed
    clock.advance_ns(data.draw(gaps_ns(one.unit_ns), "gap_ns"))
    before = first.peek(KEY)
    second.acquire(KEY)
    assert first.peek(KEY) == before


@given(limits(), limits(), st.data())
def test_under_one_name_the_changed_limit_judges_what_the_old_one_took(
    old: Limit, new: Limit, data: st.DataObject
) -> None:
    clock = FakeClock()
    store = MemoryStore(clock=clock)
    taken = data.draw(st.integers(1, old.burst), "taken")
    RateLimiter(store, old).acquire(KEY, cost=taken)
    clock.advance_ns(data.draw(st.integers(0, old.window_ns), "gap_ns"))
    owed_ns = max(0, taken * old.unit_ns - (clock.now_ns - FakeClock().now_ns))
    cost = data.draw(st.integers(1, new.burst), "cost")
    wait_ns = data.draw(waits_any_ns, "wait_ns")
    decision = RateLimiter(store, new).acquire(KEY, cost=cost, max_wait=wait_ns / 1e9)
    lacking_ns = owed_ns + cost * new.unit_ns - new.window_ns
    assert decision.allowed == (lacking_ns <= wait_ns)
    if decision.allowed:
        assert decision.waited_ns == max(0, lacking_ns)
        assert decision.reset_after_ns == owed_ns + cost * new.unit_ns
    else:
        assert decision.retry_after_ns == lacking_ns - wait_ns
        assert decision.reset_after_ns == owed_ns


@given(limits(), limits(), st.data())
def test_p1_each_limit_of_one_name_holds_for_what_it_admits(
    one: Limit, other: Limit, data: st.DataObject
) -> None:
    """As in a rolling deployment: some processes have the old limit still, and nobody sets back."""
    clock = FakeClock()
    store = MemoryStore(clock=clock)
    limiters = [(limit, RateLimiter(store, limit)) for limit in (one, other)]
    admitted: dict[Limit, list[tuple[int, int]]] = {one: [], other: []}
    for _ in range(data.draw(st.integers(1, 15), "calls")):
        limit, limiter = data.draw(st.sampled_from(limiters), "whose")
        clock.advance_ns(data.draw(gaps_ns(limit.unit_ns), "gap_ns"))
        cost = data.draw(st.integers(1, limit.burst), "cost")
        if limiter.acquire(KEY, cost=cost).allowed:
            admitted[limit].append((clock.now_ns, cost))
    for limit, of_limit in admitted.items():
        require_at_most_due(of_limit, limit.burst, Fraction(limit.unit_ns))


@given(limits(), limits(), st.data())
def test_p4_retry_after_is_exact_under_a_changed_limit(
    old: Limit, new: Limit, data: st.DataObject
) -> None:
    clock = FakeClock()
    store = MemoryStore(clock=clock)
    RateLimiter(store, old).acquire(KEY, cost=old.burst)
    limiter = RateLimiter(store, new)
    cost = data.draw(st.integers(1, new.burst), "cost")
    decision = limiter.acquire(KEY, cost=cost)
    if decision.allowed:
        return
    clock.advance_ns(decision.retry_after_ns - 1)
    assert not limiter.acquire(KEY, cost=cost).allowed
    clock.advance_ns(1)
    assert limiter.acquire(KEY, cost=cost).allowed


@given(limits(), limits(), st.data())
def test_peek_says_what_acquire_then_does_under_a_changed_limit(
    old: Limit, new: Limit, data: st.DataObject
) -> None:
    clock = FakeClock()
    store = MemoryStore(clock=clock)
    RateLimiter(store, old).acquire(KEY, cost=old.burst)
    limiter = RateLimiter(store, new)
    cost = data.draw(st.integers(1, new.burst), "cost")
    told = limiter.peek(KEY, cost=cost)
    decision = limiter.acquire(KEY, cost=cost)
    assert told.allowed == decision.allowed
    if not decision.allowed:
        assert told == decision
