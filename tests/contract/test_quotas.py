"""Quotas of a calendar on every store, blocking and in event loops (P1, P5)."""

from __future__ import annotations

from datetime import UTC, datetime

from ratelimit_ddb import Limit, Quota
from tests.contract.conftest import MakeLimiter
from tests.fake_clock import FakeClock

FIVE_A_DAY = Quota(5, "day")
TWO_AT_ONCE = Limit(2, 10.0, name="pace")
HOUR_SECONDS, DAY_SECONDS = 3_600, 86_400


def set_to(clock: FakeClock, hour: int) -> None:
    """An hour of 1 May 2030, UTC."""
    moment = datetime(2030, 5, 1, hour, tzinfo=UTC)
    clock.now_ns = int(moment.timestamp()) * 10**9


def test_p1_no_more_than_the_quota_is_admitted_in_a_window_by_all_processes(
    make_limiter: MakeLimiter, clock: FakeClock
) -> None:
    set_to(clock, hour=12)
    processes = [make_limiter(FIVE_A_DAY) for _ in range(3)]
    decisions = []
    for request in range(12):
        decisions.append(processes[request % 3].acquire("k"))
        clock.advance(HOUR_SECONDS / 2)
    assert [decision.allowed for decision in decisions] == [True] * 5 + [False] * 7
    assert [decision.remaining for decision in decisions[:5]] == [4, 3, 2, 1, 0]


def test_p1_a_quota_is_whole_at_the_edge_and_not_before(
    make_limiter: MakeLimiter, clock: FakeClock
) -> None:
    set_to(clock, hour=23)
    limiter, other = make_limiter(FIVE_A_DAY), make_limiter(FIVE_A_DAY)
    assert limiter.acquire("k", cost=4)
    assert limiter.acquire("k", cost=1).remaining == 0
    denial = limiter.acquire("k")
    assert (denial.allowed, denial.retry_after) == (False, HOUR_SECONDS)
    clock.advance_ns(denial.retry_after_ns - 1)
    assert not limiter.acquire("k")
    assert not other.acquire("k")
    clock.advance_ns(1)
    assert other.acquire("k", cost=5)
    denial = limiter.acquire("k")
    assert (denial.allowed, denial.retry_after) == (False, DAY_SECONDS)


def test_what_is_left_of_a_window_does_not_go_to_the_next(
    make_limiter: MakeLimiter, clock: FakeClock
) -> None:
    set_to(clock, hour=23)
    limiter = make_limiter(FIVE_A_DAY)
    limiter.acquire("k")
    clock.advance(HOUR_SECONDS)
    assert limiter.peek("k").remaining == 5
    assert limiter.acquire("k", cost=5).remaining == 0


def test_p5_a_bucket_that_denies_takes_nothing_of_the_quota_beside_it(
    make_limiter: MakeLimiter, clock: FakeClock
) -> None:
    set_to(clock, hour=12)
    limits = [FIVE_A_DAY, TWO_AT_ONCE]
    limiter, other = make_limiter(limits), make_limiter(limits)
    assert limiter.acquire("k", cost=2)
    for one in (limiter, other):
        denial = one.acquire("k")
        assert (denial.allowed, denial.limit, denial.retry_after) == (False, TWO_AT_ONCE, 5.0)
    clock.advance(10.0)
    assert other.acquire("k", cost=2)
    clock.advance(10.0)
    assert limiter.peek("k").remaining == 1
    assert limiter.peek("k").limit == FIVE_A_DAY


def test_p5_a_quota_that_denies_takes_nothing_of_the_bucket_beside_it(
    make_limiter: MakeLimiter, clock: FakeClock
) -> None:
    set_to(clock, hour=23)
    limits = [FIVE_A_DAY, TWO_AT_ONCE]
    limiter, other = make_limiter(limits), make_limiter(limits)
    for _ in range(2):
        assert limiter.acquire("k", cost=2)
        clock.advance(10.0)
    for one in (limiter, other):
        denial = one.acquire("k", cost=2)
        assert (denial.allowed, denial.limit) == (False, FIVE_A_DAY)
        assert denial.retry_after == HOUR_SECONDS - 20
    assert other.acquire("k").remaining == 0
    # The bucket lost the one token that was admitted, and nothing to the denials.
    clock.advance(HOUR_SECONDS - 20)
    assert limiter.acquire("k", cost=2)


def test_a_refund_counts_in_the_window_of_its_take_however_late(
    make_limiter: MakeLimiter, clock: FakeClock
) -> None:
    set_to(clock, hour=1)
    limiter, other = make_limiter(FIVE_A_DAY), make_limiter(FIVE_A_DAY)
    early, late = limiter.acquire("k", cost=2), other.acquire("k", cost=3)
    assert not limiter.acquire("k")
    clock.advance(22 * HOUR_SECONDS)
    assert limiter.refund(early)
    assert limiter.refund(late, cost=1)
    assert other.peek("k").remaining == 3
    assert other.acquire("k", cost=3).remaining == 0


def test_a_refund_of_a_window_that_is_over_gives_nothing_to_the_next(
    make_limiter: MakeLimiter, clock: FakeClock
) -> None:
    set_to(clock, hour=23)
    limiter = make_limiter(FIVE_A_DAY)
    taken = limiter.acquire("k", cost=5)
    clock.advance(HOUR_SECONDS)
    assert not limiter.refund(taken)
    assert limiter.acquire("k", cost=5)
    assert not limiter.acquire("k")


def test_a_refund_gives_back_to_the_quota_and_the_bucket_beside_it(
    make_limiter: MakeLimiter, clock: FakeClock
) -> None:
    set_to(clock, hour=12)
    limits = [FIVE_A_DAY, TWO_AT_ONCE]
    limiter, other = make_limiter(limits), make_limiter(limits)
    taken = limiter.acquire("k", cost=2)
    assert not other.acquire("k")
    assert limiter.refund(taken)
    assert other.peek("k").remaining == 2
    assert make_limiter(FIVE_A_DAY).peek("k").remaining == 5
