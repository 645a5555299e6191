"""Reservations, on every store: taken by an estimate, settled by what was used."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Callable, Iterator
from typing import Any, Self

import pytest

from ratelimit_ddb import AsyncRateLimiter, RateLimited, RateLimiter
from tests.contract.conftest import AnyStore
from tests.fake_clock import FakeClock

Reserve = Callable[..., Any]


class Held:
    """An AsyncReservation that is called like the blocking one."""

    def __init__(self, runner: asyncio.Runner, reservation: Any) -> None:
        self._runner, self.awaited = runner, reservation

    def __getattr__(self, name: str) -> Any:
        return getattr(self.awaited, name)

    def settle(self, used: int) -> None:
        self._runner.run(self.awaited.settle(used))

    def __copy__(self) -> Held:
        return Held(self._runner, copy.copy(self.awaited))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._runner.run(self.awaited.__aexit__(*error))


@pytest.fixture(params=["blocking", "asyncio"])
def reserve(request: pytest.FixtureRequest, store: AnyStore) -> Iterator[Reserve]:
    if request.param == "blocking":
        yield RateLimiter(store, "1000/minute", deadline=10).reserve
        return
    limiter = AsyncRateLimiter(store, "1000/minute", deadline=10)
    with asyncio.Runner() as runner:

        async def reserved(*args: Any, **kwargs: Any) -> Any:
            return await limiter.reserve(*args, **kwargs)

        yield lambda *args, **kwargs: Held(runner, runner.run(reserved(*args, **kwargs)))
        runner.run(store.aclose())


def left(store: AnyStore) -> int:
    return RateLimiter(store, "1000/minute", deadline=10).peek("k").remaining


def test_less_than_was_reserved_is_given_back(reserve: Reserve, store: AnyStore) -> None:
    with reserve("k", 900) as reservation:
        assert left(store) == 100
        reservation.settle(300)
    assert left(store) == 700
    assert reservation.is_settled


def test_more_than_was_reserved_is_waited_out_by_later_requests(
    reserve: Reserve, store: AnyStore, clock: FakeClock
) -> None:
    with reserve("k", 900) as reservation:
        reservation.settle(1_234)
    other = RateLimiter(store, "1000/minute", deadline=10)
    assert other.acquire("k").retry_after == pytest.approx(235 * 0.06)
    clock.advance(235 * 0.06)
    assert RateLimiter(store, "1000/minute", deadline=10).acquire("k")


def test_what_was_reserved_and_used_exactly_stays_taken(reserve: Reserve, store: AnyStore) -> None:
    with reserve("k", 900) as reservation:
        reservation.settle(900)
    assert left(store) == 100


def test_an_exception_gives_the_estimate_back(reserve: Reserve, store: AnyStore) -> None:
    with pytest.raises(ZeroDivisionError), reserve("k", 900):
        raise ZeroDivisionError
    assert left(store) == 1_000


def test_an_exception_after_settling_changes_nothing(reserve: Reserve, store: AnyStore) -> None:
    def use() -> None:
        with reserve("k", 900) as reservation:
            reservation.settle(500)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        use()
    assert left(store) == 500


def test_leaving_without_settling_keeps_the_estimate(reserve: Reserve, store: AnyStore) -> None:
    with reserve("k", 900) as reservation:
        pass
    assert left(store) == 100
    assert not reservation.is_settled
    reservation.settle(100)
    assert left(store) == 900


def test_a_reservation_that_is_not_there_is_denied(reserve: Reserve) -> None:
    reserve("k", 900)
    with pytest.raises(RateLimited) as denied:
        reserve("k", 101)
    assert denied.value.retry_after == pytest.approx(0.06)


def test_p1_what_has_flowed_back_by_itself_is_not_given_back_once_more(
    reserve: Reserve, store: AnyStore, clock: FakeClock
) -> None:
    with reserve("k", 900) as reservation:
        clock.advance(27)
        reservation.settle(0)
    assert left(store) == 1_000
    assert RateLimiter(store, "1000/minute", deadline=10).acquire("k", cost=1_000)
    assert left(store) == 0


def test_a_reservation_is_settled_once(reserve: Reserve, store: AnyStore) -> None:
    reservation = reserve("k", 900)
    other = copy.copy(reservation)
    reservation.settle(800)
    for one in (reservation, other):
        with pytest.raises(RuntimeError, match="was settled before"):
            one.settle(800)
    assert left(store) == 200


def test_reservations_settled_in_any_order_leave_what_was_used(
    reserve: Reserve, store: AnyStore
) -> None:
    first, second, third = (reserve("k", 200) for _ in range(3))
    second.settle(50)
    first.settle(230)
    third.settle(150)
    assert left(store) == 1_000 - 50 - 230 - 150
