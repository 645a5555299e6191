"""A limit that is changed takes effect at once, with what was taken under the old one."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ratelimit_ddb import Limit, MemoryStore, RateLimiter
from tests.fake_clock import FakeClock
from tests.property.strategies import limits, waits_ns

KEY = "api:user-123:endpoint"
IMPOSSIBLE_NS = 35_000_000_000
"""So far beyond a full window no limit in force puts a fullAt."""

waits_any_ns = waits_ns(10_000_000_000)


@given(limits(), limits(), st.data())
def test_a_changed_limit_takes_effect_at_once(old: Limit, new: Limit, data: st.DataObject) -> None:
    clock = FakeClock()
    store = MemoryStore(clock=clock)
    taken = data.draw(st.integers(1, old.burst), "taken")
    RateLimiter(store, old).acquire(KEY, cost=taken)
    clock.advance_ns(data.draw(st.integers(0, old.window_ns), "gap_ns"))
    owed_ns = max(0, taken * old.unit_ns - (clock.now_ns - FakeClock().now_ns))
    if owed_ns > new.window_ns + IMPOSSIBLE_NS:
        owed_ns = new.window_ns
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


@given(limits("kept"), limits("changed"), limits("changed"), st.data())
def test_p5_only_the_limit_that_was_changed_is_set_back(
    kept: Limit, old: Limit, new: Limit, data: st.DataObject
) -> None:
    clock = FakeClock()
    store = MemoryStore(clock=clock)
    cost = data.draw(st.integers(1, min(kept.burst, old.burst)), "cost")
    RateLimiter(store, [kept, old]).acquire(KEY, cost=cost)
    RateLimiter(store, [kept, new]).acquire(KEY)
    left = RateLimiter(store, kept).peek(KEY)
    assert left.remaining in (kept.burst - cost, kept.burst - cost - 1)
    owed_ns = RateLimiter(store, new).peek(KEY).reset_after_ns
    assert owed_ns <= max(cost * old.unit_ns, new.window_ns) + new.unit_ns


@given(limits())
def test_what_waiters_were_promised_is_not_set_back(limit: Limit) -> None:
    """The longest wait there is puts a fullAt 30 s beyond the window: that is no impossibility."""
    clock = FakeClock()
    store = MemoryStore(clock=clock)
    limiter = RateLimiter(store, limit, deny_cache=0.0)
    limiter.acquire(KEY, cost=limit.burst)
    waiting = limiter.acquire(KEY, max_wait=min(30.0, limit.unit_ns / 1e9))
    next_one = limiter.acquire(KEY)
    assert not next_one.allowed
    assert next_one.retry_after_ns == waiting.waited_ns + limit.unit_ns
