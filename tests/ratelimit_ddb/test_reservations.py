"""Reservations where processes, outages, cancellations and leases come in."""

from __future__ import annotations

import asyncio
import pickle
import re
import subprocess
import sys
from typing import Any

import pytest

from ratelimit_ddb import (
    AsyncRateLimiter,
    AsyncReservation,
    DynamoDBStore,
    MemoryStore,
    Quota,
    RateLimited,
    RateLimiter,
    Reservation,
)
from ratelimit_ddb.errors import StoreUnavailable
from tests.fake_clock import FakeClock
from tests.flaky_store import FlakyStore
from tests.rate_limit_table import rate_limit_table
from tests.ratelimit_ddb.test_hot_keys import SharedStore, heat


def test_async_with_reserves_and_settles() -> None:
    limiter = AsyncRateLimiter(MemoryStore(clock=FakeClock()), "1000/minute")

    async def use() -> None:
        async with limiter.reserve("k", 900) as reservation:
            await reservation.settle(300)
        assert (await limiter.peek("k")).remaining == 700
        with pytest.raises(ZeroDivisionError):
            async with limiter.reserve("k", 600):
                raise ZeroDivisionError
        assert (await limiter.peek("k")).remaining == 700
        with pytest.raises(RateLimited):
            async with limiter.reserve("k", 701):
                raise AssertionError("it was denied")

    asyncio.run(use())


def test_a_task_that_is_cancelled_gives_its_estimate_back() -> None:
    limiter = AsyncRateLimiter(MemoryStore(clock=FakeClock()), "1000/minute")

    async def use() -> int:
        async def hang() -> None:
            async with limiter.reserve("k", 900):
                await asyncio.sleep(3_600)

        task = asyncio.create_task(hang())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        before = (await limiter.peek("k")).remaining
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert before == 100
        return (await limiter.peek("k")).remaining

    assert asyncio.run(use()) == 1_000


@pytest.mark.parametrize("how", ["settle", "charge"])
def test_what_was_used_is_told_though_the_task_is_cancelled_again_and_again(how: str) -> None:
    # AnyIO's cancel scopes do so: those of Starlette's streams whose clients go away.
    limiter = AsyncRateLimiter(SharedStore(FakeClock(), delay_seconds=0.001), "1000/minute")

    async def use() -> int:
        async def stream() -> None:
            reservation = await limiter.reserve("k", 100)
            try:
                await asyncio.sleep(3_600)
            finally:
                if how == "settle":
                    await reservation.settle(900)
                else:
                    await limiter.charge("k", 800)

        task = asyncio.create_task(stream())
        await asyncio.sleep(0.01)
        while not task.done():
            task.cancel()
            await asyncio.sleep(0)
        await asyncio.sleep(0.01)
        return (await limiter.peek("k")).remaining

    assert asyncio.run(use()) == 100


def test_a_reservation_is_awaited_or_entered_once() -> None:
    limiter = AsyncRateLimiter(MemoryStore(clock=FakeClock()), "1000/minute")

    async def use() -> None:
        reserving = limiter.reserve("k", 9)
        async with reserving:
            pass
        with pytest.raises(RuntimeError, match="awaited or entered once"):
            async with reserving:
                pass
        with pytest.raises(RuntimeError, match="awaited or entered once"):
            await reserving
        awaited = limiter.reserve("k", 9)
        await awaited
        with pytest.raises(RuntimeError, match="awaited or entered once"):
            await awaited
        assert (await limiter.peek("k")).remaining == 1_000 - 9 - 9

    asyncio.run(use())


def test_of_two_tasks_that_enter_one_reservation_one_reserves() -> None:
    """Else one of them would settle for both, and the other's estimate would stay taken."""
    limiter = AsyncRateLimiter(SharedStore(FakeClock(), delay_seconds=0.001), "1000/minute")

    async def use() -> int:
        reserving = limiter.reserve("k", 100)

        async def work() -> None:
            async with reserving as reservation:
                await reservation.settle(0)

        failures = await asyncio.gather(work(), work(), return_exceptions=True)
        assert [type(one) for one in failures] == [type(None), RuntimeError]
        return (await limiter.peek("k")).remaining

    assert asyncio.run(use()) == 1_000


_SETTLE = (
    "import pickle, sys\n"
    "reservation = pickle.loads(bytes.fromhex(sys.argv[1]))\n"
    "reservation.settle(int(sys.argv[2]))\n"
)


@pytest.mark.parametrize(("used", "left"), [(300, 700), (1_000, 0)])
def test_a_reservation_is_settled_by_another_process(
    dynamodb_endpoint: str, used: int, left: int
) -> None:
    with rate_limit_table(dynamodb_endpoint) as table:
        store = DynamoDBStore(table, endpoint_url=dynamodb_endpoint)
        limiter = RateLimiter(store, "1000/day", deadline=10)
        with limiter.reserve("k", 900) as reservation:
            job = pickle.dumps(reservation)
        subprocess.run([sys.executable, "-c", _SETTLE, job.hex(), str(used)], check=True)
        assert limiter.peek("k").remaining == left
        store.close()


def test_a_worker_settles_with_a_limiter_of_its_own(dynamodb_endpoint: str) -> None:
    with rate_limit_table(dynamodb_endpoint) as table:
        store = DynamoDBStore(table, endpoint_url=dynamodb_endpoint)
        web = AsyncRateLimiter(store, "1000/day", deadline=10)

        async def enqueue() -> bytes:
            reservation = await web.reserve("k", 900)
            await store.aclose()
            return pickle.dumps(reservation)

        job = pickle.loads(asyncio.run(enqueue()))
        assert isinstance(job, AsyncReservation)
        worker = RateLimiter(store, "1000/day", deadline=10)
        worker.settle(job, 100)
        assert worker.peek("k").remaining == 900
        with pytest.raises(RuntimeError, match="settled before"):
            worker.settle(job, 100)
        store.close()


def test_a_pickled_reservation_is_not_given_back_by_an_exception() -> None:
    store = DynamoDBStore("t", region_name="eu-central-1")
    reservation = reserved(RateLimiter(store, "1000/minute"))
    copy = pickle.loads(pickle.dumps(reservation))
    with pytest.raises(ZeroDivisionError), reservation:
        raise ZeroDivisionError
    assert not reservation.is_settled
    assert (copy.key, copy.cost, copy.decision) == ("k", 900, reservation.decision)


def reserved(limiter: RateLimiter) -> Reservation:
    """A reservation of a table that nobody asks."""
    from ratelimit_ddb.reservation import ReservationState

    decision = RateLimiter(MemoryStore(), "1000/minute").acquire("k", cost=900)
    return Reservation(ReservationState(RateLimiter, limiter._core, "k", 900, decision))


def test_a_reservation_in_memory_cant_be_pickled() -> None:
    reservation = RateLimiter(MemoryStore(), "1000/minute").reserve("k", 9)
    with pytest.raises(TypeError, match="can't be pickled"):
        pickle.dumps(reservation)


def test_a_limiter_settles_only_what_was_reserved_of_its_limits() -> None:
    store = MemoryStore(clock=FakeClock())
    reservation = RateLimiter(store, "1000/minute").reserve("k", 900)
    with pytest.raises(ValueError, match="not this limiter's limits"):
        RateLimiter(store, "2000/minute").settle(reservation, 9)
    with pytest.raises(ValueError, match="another store"):
        RateLimiter(MemoryStore(), "1000/minute").settle(reservation, 9)
    with pytest.raises(TypeError, match=r"must be what reserve\(\) returned"):
        RateLimiter(store, "1000/minute").settle(reservation.decision, 9)  # type: ignore[arg-type]
    reserving: Any = AsyncRateLimiter(store, "1000/minute").reserve("k", 9)
    with pytest.raises(TypeError, match="await it first"):
        RateLimiter(store, "1000/minute").settle(reserving, 9)
    assert not reservation.is_settled


@pytest.mark.parametrize("used", [-1, 1.5, "9", True, None, 10**30])
def test_what_is_no_number_of_tokens_settles_nothing(used: Any) -> None:
    limiter = RateLimiter(MemoryStore(clock=FakeClock()), "1000/minute")
    reservation = limiter.reserve("k", 900)
    with pytest.raises((TypeError, ValueError), match=f"^used {re.escape(repr(used))}: must be "):
        reservation.settle(used)
    reservation.settle(100)
    assert limiter.peek("k").remaining == 900


def flaky(on_outage: Any) -> tuple[FlakyStore, RateLimiter]:
    store = FlakyStore()
    return store, RateLimiter(store, "1000/minute", on_outage=on_outage)


@pytest.mark.parametrize("on_outage", ["local", "allow", "deny"])
def test_in_an_outage_settling_raises_nothing_and_keeps_the_estimate(on_outage: str) -> None:
    store, limiter = flaky(on_outage)
    less, more = limiter.reserve("k", 300), limiter.reserve("k", 300)
    store.failure = StoreUnavailable("down")
    less.settle(100)
    more.settle(500)
    store.failure = None
    assert limiter.peek("k").remaining == 400


def test_in_an_outage_an_excess_is_kept_by_this_process() -> None:
    store, limiter = flaky("local")
    reservation = limiter.reserve("k", 900)
    store.failure = StoreUnavailable("down")
    reservation.settle(1_100)
    denied = limiter.acquire("k")
    assert denied.retry_after == pytest.approx(101 * 0.06)


@pytest.mark.parametrize("used", [100, 1_500])
def test_an_outage_while_settling_is_raised_where_outages_are_to_raise(used: int) -> None:
    store, limiter = flaky("raise")
    reservation = limiter.reserve("k", 900)
    store.failure = StoreUnavailable("down")
    with pytest.raises(StoreUnavailable):
        reservation.settle(used)
    with pytest.raises(RuntimeError, match="settled before"):
        reservation.settle(used)


def test_an_outage_does_not_hide_the_exception_that_gives_back() -> None:
    store, limiter = flaky("raise")
    reservation = limiter.reserve("k", 900)
    store.failure = StoreUnavailable("down")
    with pytest.raises(ZeroDivisionError) as raised, reservation:
        raise ZeroDivisionError
    assert "may not have been given back" in raised.value.__notes__[0]


def test_what_was_reserved_in_an_outage_gives_nothing_back_to_the_table() -> None:
    store, limiter = flaky("allow")
    store.failure = StoreUnavailable("down")
    reservation = limiter.reserve("k", 900)
    store.failure = None
    assert reservation.decision.source == "outage"
    reservation.settle(100)
    assert limiter.peek("k").remaining == 1_000


def test_where_limiting_is_off_reservations_are_free() -> None:
    limiter = RateLimiter(MemoryStore(), "1000/minute", enabled=False)
    for _ in range(3):
        with limiter.reserve("k", 900) as reservation:
            reservation.settle(5_000)


def test_a_reservation_of_a_hot_key_is_not_leased_and_gives_back_after_any_lease() -> None:
    clock = FakeClock()
    store = SharedStore(clock)
    limiter = RateLimiter(store, "1000/second", lease=0.25)
    heat(limiter, clock)
    while limiter.acquire("k").source != "lease":
        clock.advance(0.005)
    reservation = limiter.reserve("k", 1)
    assert reservation.decision.source == "table"
    assert reservation.decision.taken is not None
    assert reservation.decision.taken.lease is None
    reservation.settle(1)
    assert limiter.peek("k").remaining > 800


def test_of_requests_that_wait_together_the_reservations_are_not_leased() -> None:
    clock = FakeClock()
    store = SharedStore(clock)
    limiter = AsyncRateLimiter(store, "1000/second")

    async def heat_and_reserve() -> list[Any]:
        for _ in range(200):
            await limiter.acquire("k")
            clock.advance(0.005)
        clock.advance(0.3)  # what was leased is over

        async def reserve() -> Any:
            return (await limiter.reserve("k", 3)).decision

        return await asyncio.gather(*(reserve() for _ in range(5)), limiter.acquire("k"))

    *decisions, _ = asyncio.run(heat_and_reserve())
    assert all(decision.taken.lease is None for decision in decisions)


@pytest.mark.parametrize(("used", "remaining"), [(300, 700), (900, 100), (1_000, 0)])
def test_a_calendar_quota_is_reserved_and_settled_alike(used: int, remaining: int) -> None:
    limiter = RateLimiter(MemoryStore(clock=FakeClock()), Quota(1_000, "month"))
    with limiter.reserve("k", 900) as reservation:
        assert limiter.peek("k").remaining == 100
        reservation.settle(used)
    assert limiter.peek("k").remaining == remaining


def test_a_calendar_quota_that_was_used_beyond_is_denied_until_its_edge() -> None:
    limiter = RateLimiter(MemoryStore(clock=FakeClock()), Quota(1_000, "month"))
    with limiter.reserve("k", 900) as reservation:
        reservation.settle(5_000)
    denied = limiter.acquire("k")
    assert not denied
    assert denied.retry_after > 3_600
