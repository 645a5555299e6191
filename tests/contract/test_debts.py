"""Charges and blocks, on every store: what a key owes is waited out by those who ask later."""

from __future__ import annotations

import time

import pytest

from ratelimit_ddb import Limit
from ratelimit_ddb.limit import SECOND_NS
from ratelimit_ddb.operations.operation import Take
from tests.contract.conftest import AnyStore, MakeLimiter
from tests.fake_clock import FakeClock


def deadline_ns() -> int:
    return time.monotonic_ns() + 60 * SECOND_NS


def test_a_charge_takes_what_is_there_and_makes_a_debt_of_the_rest(
    make_limiter: MakeLimiter, clock: FakeClock
) -> None:
    limiter = make_limiter("10/second")
    after = limiter.charge("k", 25)
    assert not after.allowed
    assert after.retry_after == pytest.approx(1.6)  # 15 tokens of debt, and the one that is asked
    assert limiter.acquire("k").retry_after == pytest.approx(1.6)
    clock.advance(1.599)
    assert not make_limiter("10/second").acquire("k")
    clock.advance(0.001)
    assert make_limiter("10/second").acquire("k")


def test_a_charge_that_the_bucket_covers_leaves_the_rest(make_limiter: MakeLimiter) -> None:
    after = make_limiter("10/second").charge("k", 4)
    assert after.allowed
    assert after.remaining == 6
    assert after.taken is None
    assert make_limiter("10/second").peek("k").remaining == 6


def test_charges_add_up(make_limiter: MakeLimiter) -> None:
    first, second = make_limiter("10/second"), make_limiter("10/second")
    assert first.acquire("k")
    for limiter in (first, second, first, second):
        limiter.charge("k", 5)
    assert make_limiter("10/second").peek("k").retry_after == pytest.approx(1.2)


def test_a_charge_of_nought_takes_nothing(make_limiter: MakeLimiter) -> None:
    assert make_limiter("10/second").charge("k", 0).remaining == 10


def test_every_limit_of_the_key_is_charged(make_limiter: MakeLimiter) -> None:
    limits = ["10/second", "100/hour"]
    make_limiter(limits).charge("k", 120)
    assert make_limiter("10/second").peek("k").retry_after == pytest.approx(11.1)
    assert make_limiter("100/hour").peek("k").retry_after == pytest.approx(21 * 36)


def test_a_debt_of_years_outlasts_other_writes_of_the_key(
    make_limiter: MakeLimiter, clock: FakeClock
) -> None:
    limiter = make_limiter("10/second")
    limiter.charge("k", 10 * 86_400 * 900)
    make_limiter("5/second").acquire("k")  # keeps the item for an hour, if it were the only one
    other = make_limiter("10/second")
    other.charge("k", 10 * 86_400 * 900)
    clock.advance(1_700 * 86_400)
    assert not make_limiter("10/second").acquire("k")
    clock.advance(101 * 86_400)
    assert make_limiter("10/second").acquire("k")


def test_a_blocked_key_is_denied_until_the_second_and_has_one_token_then(
    make_limiter: MakeLimiter, clock: FakeClock
) -> None:
    limiter, other = make_limiter(["5/hour", "100/second"]), make_limiter(["5/hour", "100/second"])
    assert limiter.acquire("k")
    blocked = limiter.block("k", 600)
    assert not blocked.allowed
    assert blocked.retry_after == 600
    assert limiter.acquire("k").retry_after == 600
    assert other.acquire("k").retry_after == 600
    clock.advance(599.999)
    assert not make_limiter(["5/hour", "100/second"]).acquire("k")
    clock.advance(0.001)
    assert make_limiter(["5/hour", "100/second"]).acquire("k")
    assert not make_limiter(["5/hour", "100/second"]).acquire("k")


def test_a_block_denies_at_once_in_a_process_that_saw_a_full_bucket(
    make_limiter: MakeLimiter,
) -> None:
    limiter, same_process = make_limiter("10/second"), make_limiter("10/second")
    assert same_process.acquire("k")
    limiter.block("k", 60)
    assert not same_process.acquire("k")


def test_of_several_blocks_the_longest_holds(make_limiter: MakeLimiter) -> None:
    limiter = make_limiter("10/second")
    limiter.block("k", 60)
    assert limiter.block("k", 5).retry_after == pytest.approx(60)
    assert make_limiter("10/second").block("k", 90).retry_after == 90


def test_a_key_that_owes_for_longer_is_not_blocked_longer(make_limiter: MakeLimiter) -> None:
    limiter = make_limiter("1/second")
    limiter.charge("k", 100)
    assert limiter.block("k", 60).retry_after == pytest.approx(100)


def test_reset_lifts_a_block_and_forgives_a_debt(make_limiter: MakeLimiter) -> None:
    limiter, other = make_limiter("10/second"), make_limiter("10/second")
    limiter.block("k", 86_400)
    limiter.charge("k", 500)
    assert not other.acquire("k")
    other.reset("k")
    assert limiter.acquire("k").remaining == 9


def test_what_was_taken_before_a_block_and_given_back_does_not_shorten_it(
    make_limiter: MakeLimiter, clock: FakeClock
) -> None:
    limiter = make_limiter("1/hour")
    taken = limiter.acquire("k")
    clock.advance(1_800)
    limiter.block("k", 1_900)  # its end is nearer than a token's time
    assert not limiter.refund(taken)
    assert limiter.peek("k").retry_after == 1_900


@pytest.mark.parametrize("shorter", ["10/second", "7/second"], ids=["of it", "of other limits"])
def test_a_shorter_block_under_a_longer_one_does_not_let_a_refund_end_it(
    make_limiter: MakeLimiter, clock: FakeClock, shorter: str
) -> None:
    limiter = make_limiter("10/second")
    taken = limiter.acquire("k", cost=10)
    limiter.block("k", 0.5)
    make_limiter(shorter).block("k", 0.001)
    clock.advance(0.45)
    assert not limiter.refund(taken)
    assert make_limiter("10/second").peek("k").retry_after == pytest.approx(0.05)


def test_a_lease_of_other_limits_under_a_block_does_not_let_a_refund_end_it(
    make_limiter: MakeLimiter, store: AnyStore, clock: FakeClock
) -> None:
    limiter = make_limiter("2/hour")
    taken = limiter.acquire("k")
    limiter.block("k", 1_700)  # its end is nearer than a token's time
    now_ns = store.clock.now_ns()
    ends_ns, expires_seconds = now_ns + SECOND_NS // 2, now_ns // SECOND_NS + 86_400
    of_others = ((True,), now_ns, (ends_ns,), (1,), (SECOND_NS,), expires_seconds, True, ends_ns)
    assert store.send(Take("k", ("100-per-second",), *of_others), deadline_ns()).applied
    clock.advance(1_000)  # by now that lease has ended for long
    assert not limiter.refund(taken)
    assert make_limiter("2/hour").peek("k").retry_after == 700


def test_a_block_of_an_empty_bucket_is_not_shortened_by_the_token_that_was_taken_last(
    make_limiter: MakeLimiter, clock: FakeClock
) -> None:
    limiter = make_limiter("5/hour")
    for _ in range(5):
        taken = limiter.acquire("k")
    limiter.block("k", 600)  # nothing would be there before 12 minutes have passed, anyhow
    assert not limiter.refund(taken)
    clock.advance(599.999)
    assert not make_limiter("5/hour").acquire("k")


def test_p1_a_token_given_back_after_a_charge_is_not_given_twice(
    make_limiter: MakeLimiter, clock: FakeClock
) -> None:
    limiter = make_limiter("10/second")
    taken = limiter.acquire("k", cost=6)
    limiter.charge("k", 3)
    clock.advance(0.3)
    assert limiter.refund(taken)
    assert limiter.peek("k").remaining == 10 - 3 + 3 - 3


def test_a_limit_that_shares_the_key_with_another_is_not_touched(
    make_limiter: MakeLimiter, store: AnyStore
) -> None:
    del store
    make_limiter("10/second").block("k", 60)
    assert make_limiter("20/second").acquire("k")


def test_limits_of_one_name_owe_alike(make_limiter: MakeLimiter) -> None:
    small = Limit.parse("10/second", name="shared")
    large = Limit.parse("100/second", name="shared")
    make_limiter(small).charge("k", 110)  # 11 s
    assert make_limiter(large).peek("k").retry_after == pytest.approx(10.01)
