"""What every store promises, seen from the limiter. ``make_limiter`` makes one a process."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from ratelimit_ddb import Decision, Limit
from ratelimit_ddb.limit import SECOND_NS
from ratelimit_ddb.operations.operation import Take
from tests.contract.conftest import AnyStore, MakeLimiter
from tests.decisions import told
from tests.fake_clock import FakeClock

MILLISECOND_NS = 1_000_000


def admitted(limiter: Any, key: str, tries: int) -> int:
    return sum(limiter.acquire(key).allowed for _ in range(tries))


def test_p1_a_burst_is_admitted_and_no_more(make_limiter: MakeLimiter) -> None:
    assert admitted(make_limiter("5/minute"), "k", 20) == 5


def test_p1_processes_share_the_bucket(make_limiter: MakeLimiter) -> None:
    one, other = make_limiter("10/minute"), make_limiter("10/minute")
    decisions = [limiter.acquire("k") for _ in range(10) for limiter in (one, other)]
    assert sum(decision.allowed for decision in decisions) == 10


def test_p2_what_is_refilled_is_given_out(make_limiter: MakeLimiter, clock: FakeClock) -> None:
    limiter = make_limiter("10/second burst 2")
    total = 0
    for _ in range(100):
        total += admitted(limiter, "k", 3)
        clock.advance(0.05)
    assert total == 2 + int(99 * 0.05 * 10)


def test_p3_denied_takes_nothing(make_limiter: MakeLimiter) -> None:
    limiter = make_limiter("10/minute", deny_cache=0)
    assert limiter.acquire("k", cost=7).remaining == 3
    for _ in range(5):
        denied = limiter.acquire("k", cost=4)
        assert not denied.allowed
        assert denied.remaining == 3
    assert limiter.acquire("k", cost=3).allowed


@pytest.mark.parametrize("deny_cache", [0, 5])
@pytest.mark.parametrize("cost", [1, 3])
def test_p4_retry_after_is_exact(
    make_limiter: MakeLimiter, clock: FakeClock, deny_cache: float, cost: int
) -> None:
    limiter = make_limiter("7/second burst 3", deny_cache=deny_cache)
    assert admitted(limiter, "k", 5) == 3
    clock.advance(0.017)
    denied = limiter.acquire("k", cost=cost)
    assert not denied.allowed
    clock.advance_ns(denied.retry_after_ns - MILLISECOND_NS)
    assert not limiter.acquire("k", cost=cost).allowed
    clock.advance_ns(MILLISECOND_NS - 1)
    assert limiter.acquire("k", cost=cost).retry_after_ns == 1
    clock.advance_ns(1)
    assert limiter.acquire("k", cost=cost).allowed


def test_p5_several_limits_all_consume_or_none(make_limiter: MakeLimiter, clock: FakeClock) -> None:
    limiter = make_limiter(["2/second", "3/minute"], deny_cache=0)
    assert admitted(limiter, "k", 3) == 2
    assert limiter.acquire("k").limit.name == "2-per-second"
    clock.advance(1)
    assert limiter.acquire("k").allowed
    denied = limiter.acquire("k")
    assert (denied.allowed, denied.limit.name) == (False, "3-per-minute")
    clock.advance(denied.retry_after)
    assert limiter.acquire("k").allowed


def test_p5_limits_in_every_mixture_of_idle_and_active(
    make_limiter: MakeLimiter, clock: FakeClock
) -> None:
    limits = ["5/second", "5/minute", "5/hour"]
    seeing = make_limiter(limits)
    assert seeing.acquire("k").allowed
    for pause_seconds in (0.1, 1.0, 13.0, 2.0, 721.0):
        clock.advance(pause_seconds)
        assert make_limiter(limits).acquire("k").allowed
    refilled_while_pausing = 1
    assert make_limiter("5/hour").peek("k").remaining == 5 - 6 + refilled_while_pausing


def test_p6_a_denial_from_memory_is_one_the_table_gives_too(
    make_limiter: MakeLimiter, clock: FakeClock
) -> None:
    remembering, asking = make_limiter("4/second"), make_limiter("4/second", deny_cache=0)
    admitted(remembering, "k", 5)
    for _ in range(30):
        recalled = remembering.acquire("k")
        if recalled.source == "seen":
            told = asking.acquire("k")
            assert told == recalled._replace(source="table")
        clock.advance(0.033)


@pytest.mark.parametrize(
    "key",
    [
        "::1",
        "user+tag@x.com",
        "auth0|x",
        "a key",
        "ключ",
        "/login",
        "😀",
        "\x00",
        "a" * 2_048,
        "é" * 3_000,
        "lone \ud800 surrogate",
        '"quoted" \\ \n',
        "100%d %b %s",
        ("api:v1", "user", ""),
    ],
)
def test_p8_any_text_is_a_key(make_limiter: MakeLimiter, key: str | tuple[str, ...]) -> None:
    limiter = make_limiter("1/minute", deny_cache=0)
    assert limiter.acquire(key).allowed
    assert not limiter.acquire(key).allowed
    limiter.reset(key)
    assert limiter.acquire(key).allowed


def test_p8_parts_do_not_run_together(make_limiter: MakeLimiter) -> None:
    limiter = make_limiter("1/minute")
    assert limiter.acquire(("a:b", "c")).allowed
    assert limiter.acquire(("a", "b:c")).allowed
    assert not limiter.acquire(("a:b", "c")).allowed


def test_a_decision_says_what_is_left(make_limiter: MakeLimiter) -> None:
    limit = Limit(10, 1, burst=5)
    decision = make_limiter(limit).acquire("k", cost=2)
    assert told(decision) == Decision(True, 3, 0, 200_000_000, limit)
    assert (decision.retry_after, decision.reset_after, decision.waited) == (0.0, 0.2, 0.0)


def test_peek_takes_nothing(make_limiter: MakeLimiter, clock: FakeClock) -> None:
    limiter = make_limiter("3/minute")
    assert limiter.peek("k").remaining == 3
    limiter.acquire("k", cost=2)
    for _ in range(3):
        assert limiter.peek("k").remaining == 1
    denied = limiter.peek("k", cost=2)
    assert (denied.allowed, denied.retry_after) == (False, 20.0)
    clock.advance(20)
    assert limiter.peek("k", cost=2).allowed


def test_a_refund_gives_back_what_was_taken(make_limiter: MakeLimiter) -> None:
    limiter = make_limiter("3/minute")
    decisions = [limiter.acquire("k") for _ in range(4)]
    assert [limiter.refund(decision) for decision in decisions] == [True, True, True, False]
    assert admitted(limiter, "k", 4) == 3


def test_a_refund_of_a_part_leaves_the_rest_taken(make_limiter: MakeLimiter) -> None:
    limiter = make_limiter("3/minute")
    decision = limiter.acquire("k", cost=3)
    assert limiter.refund(decision, cost=1)
    assert admitted(limiter, "k", 4) == 1
    assert limiter.refund(decision, cost=1)
    assert admitted(limiter, "k", 4) == 1


def test_p3_parallel_requests_that_are_given_back_leave_no_trace(
    make_limiter: MakeLimiter,
) -> None:
    """In any order, in turn or not; the counter of what was given back out of turn is shared."""
    one, other = make_limiter("4/hour"), make_limiter("4/hour")
    for order in ((0, 1, 2), (2, 1, 0), (1, 2, 0)):
        decisions = [limiter.acquire("k") for limiter in (one, other, one)]
        assert all(decisions)
        for index in order:
            (other if index == 1 else one).refund(decisions[index])
        assert one.peek("k").remaining >= 3
        assert other.acquire("k", cost=3).allowed
        one.reset("k")


def test_p1_a_refund_gives_back_only_what_still_weighs(
    make_limiter: MakeLimiter, clock: FakeClock
) -> None:
    limiter = make_limiter("1000/minute", deny_cache=0)
    decision = limiter.acquire("k", cost=900)
    clock.advance(54)
    assert limiter.acquire("k", cost=1_000).allowed
    assert limiter.refund(decision) is False
    assert not limiter.acquire("k").allowed


def test_a_refund_reaches_the_limits_that_are_not_full(
    make_limiter: MakeLimiter, clock: FakeClock
) -> None:
    limiter = make_limiter(["10/second", "4/minute"])
    decision = limiter.acquire("k", cost=4)
    clock.advance(1)
    assert limiter.refund(decision)
    assert admitted(limiter, "k", 9) == 4


def test_a_refund_after_a_reset_gives_nothing(make_limiter: MakeLimiter) -> None:
    limiter = make_limiter("3/hour")
    decision = limiter.acquire("k", cost=3)
    limiter.reset("k")
    assert limiter.acquire("k").allowed
    assert limiter.refund(decision) is False
    assert limiter.peek("k").remaining == 2


def test_a_reset_fills_the_bucket(make_limiter: MakeLimiter) -> None:
    limiter = make_limiter("3/minute")
    admitted(limiter, "k", 4)
    limiter.reset("k")
    limiter.reset("never used")
    assert admitted(limiter, "k", 4) == 3


def test_a_reset_elsewhere_is_noticed_within_the_deny_cache(
    make_limiter: MakeLimiter, clock: FakeClock
) -> None:
    here, elsewhere = make_limiter("1/hour"), make_limiter("1/hour")
    assert admitted(here, "k", 2) == 1
    elsewhere.reset("k")
    clock.advance(5.001)
    assert here.acquire("k").allowed


@pytest.mark.parametrize(
    ("old", "new", "due_after_12_seconds"), [((3, 60), (100, 60), 20), ((100, 60), (5, 60), 1)]
)
def test_a_changed_limit_of_one_name_takes_effect_at_once(
    make_limiter: MakeLimiter,
    clock: FakeClock,
    old: tuple[int, int],
    new: tuple[int, int],
    due_after_12_seconds: int,
) -> None:
    admitted(make_limiter(Limit(*old, name="api")), "k", 101)
    changed = make_limiter(Limit(*new, name="api"))
    assert not changed.acquire("k").allowed
    clock.advance(12)
    assert admitted(changed, "k", 50) == due_after_12_seconds


def test_p1_a_denial_by_one_limit_of_a_name_fills_nothing(
    make_limiter: MakeLimiter, clock: FakeClock
) -> None:
    """Two windows under one name, as in a rolling deployment, or by plan: nobody sets back."""
    loose = make_limiter(Limit(10, 60, burst=100, name="api"), deny_cache=0)
    tight = make_limiter(Limit(10, 60, name="api"), deny_cache=0)
    assert loose.acquire("k", cost=100).allowed
    assert not tight.acquire("k").allowed
    clock.advance(6)
    assert admitted(loose, "k", 5) == 1


def test_p1_limits_without_a_name_are_buckets_of_their_own(make_limiter: MakeLimiter) -> None:
    tight, loose = make_limiter("2/minute"), make_limiter("4/minute")
    assert admitted(tight, "k", 5) == 2
    assert admitted(loose, "k", 5) == 4
    assert admitted(make_limiter(["2/minute", "4/minute", "4/minute burst 9"]), "k", 1) == 0


def test_a_short_limit_leaves_the_expiry_of_a_long_one(
    make_limiter: MakeLimiter, store: AnyStore
) -> None:
    """What TTL deletes is a full bucket, so the item must outlive the longest of its limits."""
    month, second = make_limiter("1000 per 30 days"), make_limiter("10/second")
    assert month.acquire("k", cost=1_000).allowed
    for _ in range(2):
        assert second.acquire("k").allowed
    deadline_ns = time.monotonic_ns() + 10 * SECOND_NS
    probe = Take("k", ("probe",), (True,), 1_000, (1_000,), (50,), (0,), 1, True)
    refused = store.send(probe, deadline_ns)
    if refused.expires_at_seconds is not None:  # a memory expires nothing
        assert not refused.applied
        taken = month.peek("k").reset_after
        assert refused.expires_at_seconds >= store.clock.now_ns() / SECOND_NS + taken


def test_a_write_leaves_an_expiry_that_is_later_and_no_other(store: AnyStore) -> None:
    deadline_ns = time.monotonic_ns() + 10 * SECOND_NS
    store.prepare()
    extending = Take("k", ("api",), (True,), 1_000, (1_000,), (50,), (0,), 9_999_999_999, True)
    first = store.send(extending, deadline_ns)
    assert first.applied
    if first.expires_at_seconds is None:
        return
    active = extending._replace(idle=(False,), room_ns=(1_000,))
    earlier = active._replace(expires_at_seconds=9_999_999_000)
    assert store.send(earlier, deadline_ns).applied is False
    kept = store.send(earlier._replace(extends=False), deadline_ns)
    assert (kept.applied, kept.expires_at_seconds) == (True, 9_999_999_999)
    later = active._replace(expires_at_seconds=9_999_999_999 + 1, extends=False)
    assert store.send(later, deadline_ns).applied is False
    assert store.send(later._replace(extends=True), deadline_ns).applied
    gone = later._replace(key="gone", extends=False)
    assert store.send(gone, deadline_ns).applied is False, "it would never expire"


def test_waiting_takes_the_next_turn(
    make_limiter: MakeLimiter, monkeypatch: pytest.MonkeyPatch
) -> None:
    slept: list[float] = []

    async def sleep_async(seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr(time, "sleep", slept.append)
    monkeypatch.setattr(asyncio, "sleep", sleep_async)
    limiter = make_limiter("2/second", deny_cache=0)
    decisions = [limiter.acquire("k", max_wait=1.25) for _ in range(5)]
    assert [decision.allowed for decision in decisions] == [True, True, True, True, False]
    assert [decision.waited for decision in decisions] == [0, 0, 0.5, 1.0, 0]
    assert slept == [0.5, 1.0]
    assert decisions[-1].retry_after == 0.25
