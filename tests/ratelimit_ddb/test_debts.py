"""Charges and blocks where leases, outages and throttles come in, and their arguments."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from ratelimit_ddb import (
    AsyncRateLimiter,
    Decision,
    MemoryStore,
    Quota,
    RateLimiter,
    acquire_all_async,
    refund_all_async,
)
from ratelimit_ddb.errors import KeyThrottled, StoreUnavailable
from ratelimit_ddb.limit import LONGEST_WINDOW_NS, SECOND_NS
from ratelimit_ddb.operations.operation import Operation, Take
from ratelimit_ddb.quota import most_of_quota
from tests.fake_clock import FakeClock
from tests.flaky_store import FlakyStore
from tests.ratelimit_ddb.test_hot_keys import SharedStore, leased


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


def test_a_block_reaches_what_this_process_has_leased(clock: FakeClock) -> None:
    store, limiter, _ = leased(clock)
    assert limiter.acquire("k").source == "lease"
    RateLimiter(store, "1000/second").block("k", 60)
    assert not limiter.acquire("k")


def test_p6_a_block_is_seen_by_the_process_that_made_it() -> None:
    store = FlakyStore()
    limiter = RateLimiter(store, "10/second")
    limiter.block("k", 60)
    sent = len(store.operations)
    assert limiter.acquire("k").source == "seen"
    assert len(store.operations) == sent


def test_a_block_of_other_limits_drops_the_leases_of_the_key_too(clock: FakeClock) -> None:
    store, limiter, _ = leased(clock)
    RateLimiter(store, "5/hour").block("k", 60)
    writes = len(store.takes)
    assert limiter.acquire("k").source == "table"  # another limit, which is not blocked
    assert len(store.takes) > writes


def test_a_lease_that_was_under_way_while_its_key_was_blocked_is_not_spent(
    clock: FakeClock,
) -> None:
    store, limiter, _ = leased(clock)
    blocker = RateLimiter(store, "1000/second")
    send = store.send
    blocked: list[bool] = []

    def block_before_the_reply(operation: Operation, deadline_ns: int) -> Any:
        result = send(operation, deadline_ns)
        if isinstance(operation, Take) and operation.leased_until_ns and not blocked:
            blocked.append(True)
            blocker.block("k", 60)
        return result

    store.send = block_before_the_reply  # type: ignore[method-assign]
    while not blocked:
        assert limiter.acquire("k")
        clock.advance(0.005)
    assert not limiter.acquire("k")


def test_a_charge_spends_what_is_leased_first_and_sends_nothing(clock: FakeClock) -> None:
    store, limiter, _ = leased(clock)
    writes = len(store.takes)
    before = limiter.acquire("k")
    assert before.source == "lease"
    after = limiter.charge("k", 3)
    assert after.source == "lease"
    assert after.remaining == before.remaining - 3
    assert len(store.takes) == writes


def test_a_charge_of_more_than_is_leased_is_written_less_what_is(clock: FakeClock) -> None:
    store, limiter, _ = leased(clock)
    held = sum(lease.left for lease in leases_of(store))
    assert held
    limiter.charge("k", held + 40)
    assert store.takes[-1].cost_ns == (40 * 1_000_000,)
    assert not any(lease.left for lease in leases_of(store))


def leases_of(store: SharedStore) -> list[Any]:
    from ratelimit_ddb.bucket.observations import cache_group_of

    hot_keys: Any = cache_group_of(store).hot_keys
    return [lease for state in hot_keys._younger.values() for lease in state.leases]


def test_a_key_is_blocked_though_the_task_is_cancelled_again_and_again() -> None:
    """A client that goes away must not keep its block from being written."""
    limiter = AsyncRateLimiter(SharedStore(FakeClock(), delay_seconds=0.001), "1000/minute")

    async def block() -> Decision:
        task = asyncio.create_task(limiter.block("k", 60))
        await asyncio.sleep(0)
        while not task.done():
            task.cancel()
            await asyncio.sleep(0)
        await asyncio.sleep(0.01)
        return await limiter.acquire("k")

    assert not asyncio.run(block())


class DistantStore(SharedStore):
    """A store each of whose answers takes a while."""

    async def send_async(self, operation: Operation, deadline_ns: int) -> Any:
        await asyncio.sleep(0.001)
        return await super().send_async(operation, deadline_ns)


@pytest.mark.parametrize("several", [False, True], ids=["refund", "refund_all"])
def test_tokens_are_given_back_though_the_task_is_cancelled_again_and_again(
    several: bool,
) -> None:
    """As in the ``finally`` of a request whose client goes away."""
    limiter = AsyncRateLimiter(DistantStore(FakeClock()), "1000/minute")

    async def give_back() -> int:
        if several:
            refund = refund_all_async(await acquire_all_async([(limiter, "k", 900)]))
        else:
            refund = limiter.refund(await limiter.acquire("k", cost=900))
        task = asyncio.ensure_future(refund)
        await asyncio.sleep(0)
        while not task.done():
            task.cancel()
            await asyncio.sleep(0)
        await asyncio.sleep(0.01)
        return (await limiter.peek("k")).remaining

    assert asyncio.run(give_back()) == 1_000


def test_a_throttled_key_is_blocked_all_the_same() -> None:
    store = SharedStore()
    limiter = RateLimiter(store, "10/second")
    failures = [KeyThrottled("throttled"), KeyThrottled("throttled")]

    def fail() -> None:
        if store.takes and failures:
            raise failures.pop()

    store.before = fail
    assert not limiter.block("k", 60).allowed
    assert not failures


def test_a_throttled_key_that_stays_so_is_an_outage_at_the_deadline() -> None:
    store = SharedStore()

    def fail() -> None:
        if store.takes:
            raise KeyThrottled("throttled")

    store.before = fail
    with pytest.raises(KeyThrottled):
        RateLimiter(store, "10/second", deadline=0.05).block("k", 60)


def down(on_outage: Any) -> tuple[FlakyStore, RateLimiter]:
    store = FlakyStore()
    limiter = RateLimiter(store, "10/second", on_outage=on_outage)
    store.failure = StoreUnavailable("down")
    return store, limiter


def test_a_charge_in_an_outage_is_kept_by_this_process() -> None:
    _, limiter = down("local")
    after = limiter.charge("k", 15)
    assert after.source == "outage"
    assert after.retry_after == pytest.approx(0.6)
    assert not limiter.acquire("k")


@pytest.mark.parametrize(("on_outage", "allowed"), [("allow", True), ("deny", False)])
def test_a_charge_in_an_outage_is_lost_where_nobody_keeps_it(on_outage: str, allowed: bool) -> None:
    _, limiter = down(on_outage)
    after = limiter.charge("k", 15)
    assert (after.source, after.allowed) == ("outage", allowed)


def test_a_charge_in_an_outage_raises_where_outages_are_to_raise() -> None:
    with pytest.raises(StoreUnavailable):
        down("raise")[1].charge("k", 15)


def test_a_block_in_an_outage_raises_and_holds_in_this_process() -> None:
    _, limiter = down("local")
    with pytest.raises(StoreUnavailable):
        limiter.block("k", 60)
    assert not limiter.acquire("k")
    assert limiter.acquire("another")


def test_a_reset_lifts_a_block_that_this_process_kept_in_an_outage() -> None:
    store, limiter = down("local")
    with pytest.raises(StoreUnavailable):
        limiter.block("k", 60)
    store.failure = None
    limiter.reset("k")
    store.failure = StoreUnavailable("down again")
    assert limiter.acquire("k")


def test_a_block_holds_in_an_outage_that_comes_after_it() -> None:
    store = FlakyStore()
    limiter = RateLimiter(store, "10/second")
    limiter.block("k", 60)
    store.failure = StoreUnavailable("down")
    assert not limiter.acquire("k")


def test_where_limiting_is_off_nothing_is_charged_or_blocked() -> None:
    store = FlakyStore()
    limiter = RateLimiter(store, "10/second", enabled=False)
    assert limiter.charge("k", 50).source == "disabled"
    assert limiter.block("k", 50).source == "disabled"
    assert not store.operations


async def _async_refused(method: str, value: Any) -> None:
    limiter = AsyncRateLimiter(MemoryStore(), "10/second")
    await getattr(limiter, method)("k", value)


def test_a_block_lasts_ten_years_at_most() -> None:
    clock = FakeClock()
    limiter = RateLimiter(MemoryStore(clock=clock), "1000/second")
    longest = LONGEST_WINDOW_NS / 1e9
    assert limiter.block("k", longest).retry_after == pytest.approx(longest)
    with pytest.raises(ValueError, match=r"must be from 0\.001"):
        limiter.block("k", longest + 1)


def test_what_is_charged_to_leased_tokens_is_told_as_the_next_decision_is() -> None:
    store, limiter, decision = leased(FakeClock())
    before = len(store.takes)
    charged = limiter.charge("k", 2)
    assert (charged.allowed, charged.source) == (True, "lease")
    assert charged.remaining == decision.remaining - 2
    assert limiter.acquire("k").remaining == charged.remaining - 1
    assert len(store.takes) == before


@pytest.mark.parametrize(
    ("method", "value", "error", "words"),
    [
        ("charge", -1, ValueError, "cost -1: must be at least 0"),
        ("charge", 1.5, ValueError, "cost 1.5: must be an int"),
        ("charge", True, TypeError, "cost True: must be an int"),
        (
            "charge",
            LONGEST_WINDOW_NS // 10**8 + 1,
            ValueError,
            "at most 3162240000, which 10 per second refills in ten years",
        ),
        ("block", 0, ValueError, "seconds 0: must be from 0.001"),
        ("block", "60", TypeError, "seconds '60': must be a number"),
        ("block", float("nan"), ValueError, "seconds nan"),
        ("block", 10**9, ValueError, "seconds 1000000000"),
    ],
)
def test_an_amount_that_is_none_is_refused(
    method: str, value: Any, error: type[Exception], words: str
) -> None:
    import asyncio

    with pytest.raises(error, match=words):
        getattr(RateLimiter(MemoryStore(), "10/second"), method)("k", value)
    with pytest.raises(error, match=words):
        asyncio.run(_async_refused(method, value))


def test_the_largest_charge_is_what_the_limit_refills_in_ten_years_or_a_quotas_largest() -> None:
    limiter = RateLimiter(MemoryStore(), "10/second")
    most = LONGEST_WINDOW_NS // 10**8
    assert limiter.charge("k", most).retry_after == pytest.approx(LONGEST_WINDOW_NS / 1e9, rel=1e-6)
    daily = RateLimiter(MemoryStore(), Quota(5, "day"))
    most = most_of_quota("day")
    assert not daily.charge("k", most).allowed
    with pytest.raises(ValueError, match=f"must be at most {most}, as a quota of a day"):
        daily.charge("k", most + 1)
    thirds = RateLimiter(MemoryStore(), "3/second")
    with pytest.raises(ValueError, match=f"must be at most {LONGEST_WINDOW_NS // 333_333_334}, "):
        thirds.charge("k", 10**12)


def test_an_item_is_kept_for_as_long_as_it_owes() -> None:
    store = FlakyStore()
    one, other = RateLimiter(store, "10/second"), RateLimiter(store, "10/second")
    for process in (one, other, other, one):  # the last one has seen a smaller debt
        owed_until_ns = store.time.now_ns + process.charge("k", 10**6).reset_after_ns
        last = store.operations[-1]
        assert isinstance(last, Take)
        assert last.expires_at_seconds * SECOND_NS >= owed_until_ns


def test_a_charge_at_the_instant_at_which_the_bucket_is_full_again(clock: FakeClock) -> None:
    limiter = RateLimiter(MemoryStore(clock=clock), "10/second")
    limiter.acquire("k")
    clock.advance(0.1)
    assert limiter.charge("k", 1).remaining == 9


def test_charges_of_many_threads_all_count() -> None:
    limiter = RateLimiter(MemoryStore(clock=FakeClock()), "10/second")
    threads = [threading.Thread(target=limiter.charge, args=("k", 3)) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert limiter.peek("k").retry_after == pytest.approx(5.1)


def test_a_block_is_not_ended_by_a_refund_where_a_longer_one_was_reset_while_it_was_written(
    clock: FakeClock,
) -> None:
    """Its first write is refused by the longer block, and the second one finds none."""
    store = MemoryStore(clock=clock)
    blocker, other = (RateLimiter(store, "10/second") for _ in range(2))
    other.block("k", 0.5)
    send, taken = store.send, list[Decision]()

    def reset_after_the_refusal(operation: Operation, deadline_ns: int) -> Any:
        result = send(operation, deadline_ns)
        if isinstance(operation, Take) and not result.applied and not taken:
            other.reset("k")
            taken.append(other.acquire("k", cost=10))
        return result

    store.send = reset_after_the_refusal  # type: ignore[method-assign]
    blocker.block("k", 0.1)
    clock.advance(0.05)
    assert taken
    assert not other.refund(taken[0])
    assert not RateLimiter(store, "10/second").acquire("k")
