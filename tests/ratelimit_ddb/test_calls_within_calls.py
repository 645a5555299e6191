"""A finalizer or a signal handler may make a call in the midst of another one of its thread.

The garbage collector ends generators that nobody needs any more, with the ``with`` blocks in them:
a slot is released, a reservation given back. It runs wherever the interpreter returns from a
function, and so do signal handlers. So each test makes a call, and another one after the first
function that it calls, after the second one, and so on. Nothing may wait for a lock that the thread
itself holds, and nothing may be lost.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from ddbwire.clocks.table_clock import TableClock
from ratelimit_ddb import (
    ConcurrencyLimiter,
    MemoryStore,
    RateLimiter,
    StoredLimits,
    StoreUnavailable,
    stored,
)
from ratelimit_ddb.bucket.decision import Taken
from ratelimit_ddb.slots.local_slots import LocalSlots
from tests.calls_within_calls import MOST_CALLS, times
from tests.fake_clock import FakeClock
from tests.flaky_store import FlakyStore


@pytest.mark.parametrize("limits", ["5000/hour", ["5000/hour", "9000/day"]], ids=str)
def test_p1_no_take_is_lost_for_another_in_its_midst(limits: Any) -> None:
    store = MemoryStore(clock=FakeClock())
    limiter = RateLimiter(store, limits, on_decision=lambda _: None)
    at_once = RateLimiter(store, limits)
    for one in (limiter, at_once):
        before = one.peek("k").remaining
        made = times(partial(one.acquire, "k"), partial(at_once.acquire, "k"))
        assert made > 5
        assert one.peek("k").remaining == before - (2 * made - 1)


def test_a_refund_in_the_midst_of_a_take_gives_back_what_it_should() -> None:
    limiter = RateLimiter(MemoryStore(clock=FakeClock()), "5000/hour")
    taken = [limiter.acquire("k") for _ in range(1_000)]
    made = times(lambda: limiter.acquire("k"), lambda: limiter.refund(taken.pop()))
    assert limiter.peek("k").remaining == 4_000 - made + (1_000 - len(taken))


def test_a_refund_in_the_midst_of_another_is_given_back_too() -> None:
    limiter = RateLimiter(MemoryStore(clock=FakeClock()), "5000/hour")
    taken = [limiter.acquire("k") for _ in range(100)]

    def refund() -> None:
        assert limiter.refund(taken.pop())

    assert times(refund, refund, before_lines_of=Taken.claim) > 3
    assert limiter.peek("k").remaining == 5_000 - len(taken)


def test_a_denial_stands_whatever_other_key_is_reset_in_its_midst() -> None:
    store = MemoryStore(clock=FakeClock())
    limiter = RateLimiter(store, "1/hour", deny_cache=0)
    limiter.acquire("k")
    found: list[Any] = []
    times(lambda: found.append(limiter.acquire("k")), lambda: limiter.reset("another"))
    assert {one.retry_after for one in found} == {3_600}
    times(lambda: limiter.acquire("k"), lambda: limiter.reset("k"))
    assert len(store) == 1


def test_a_reset_in_the_midst_of_a_take_is_no_mistake_of_the_store() -> None:
    limiter = RateLimiter(MemoryStore(clock=FakeClock()), "5/hour", deny_cache=0)
    times(lambda: limiter.acquire("k"), lambda: limiter.reset("k"))
    times(lambda: limiter.charge("k", 9), lambda: limiter.reset("k"))
    assert limiter.peek("k").remaining <= 5


@pytest.mark.parametrize("is_reachable", [True, False])
def test_p16_no_slot_is_lost_for_one_that_is_released_in_its_midst(is_reachable: bool) -> None:
    store = FlakyStore()
    store.failure = None if is_reachable else StoreUnavailable("out of reach")
    limiter = ConcurrencyLimiter(store, 50)
    held = [limiter.acquire("k") for _ in range(20)]

    def hold() -> None:
        held.append(limiter.acquire("k"))

    times(hold, lambda: held.pop(0).release())
    assert len(held) == 21
    assert all(held)
    hold()
    assert held[-1].decision.remaining == 50 - 22
    for slot in held:
        slot.release()


def test_p16_a_slot_is_released_though_another_is_taken_in_its_midst() -> None:
    limiter = ConcurrencyLimiter(MemoryStore(), 500)
    held = [limiter.acquire("k")]

    def take() -> None:
        held.insert(0, limiter.acquire("k"))

    take()
    made = times(lambda: held.pop().release(), take)
    assert made > 5
    assert all(held)
    assert limiter.peek("k").remaining == 500 - len(held)
    for slot in held:
        slot.release()


def test_a_count_of_slots_is_exact_whatever_is_released_meanwhile() -> None:
    counts = LocalSlots(MemoryStore())
    for _ in range(200):
        counts.add("k")
    times(lambda: counts.take("k", 500), lambda: counts.remove("k"))
    assert counts.take("k", 500) == 500 - 202
    times(lambda: counts.remove("k"), lambda: counts.add("k"))
    assert counts.take("k", 500) == 500 - 202


def test_stored_limits_are_read_in_the_midst_of_reading_them() -> None:
    store = MemoryStore()
    StoredLimits(store).set("plan", "7/minute")
    limits = stored("plan", default="5/minute")

    def ask() -> None:
        assert RateLimiter(store, limits).acquire("k", cost=1).limit.burst == 7

    assert times(ask, ask) > 20


def test_the_tables_time_is_learned_in_the_midst_of_learning_it() -> None:
    second = iter(range(MOST_CALLS))

    def observe() -> None:
        date = b"Wed, 01 Jan 2025 00:%02d:%02d GMT" % divmod(next(second) % 3_600, 60)
        clock.observe(date, now.now_ns, now.now_ns + 1)
        now.advance_ns(1_000_000_000)

    now = FakeClock(1_735_689_600_000_000_000)
    clock = TableClock(now)
    assert times(observe, observe) > 5
    assert clock.known
    assert abs(clock.offset_ns) < 2_000_000_000
