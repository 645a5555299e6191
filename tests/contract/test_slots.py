"""Concurrency limits on every store, blocking and in event loops (P16)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ratelimit_ddb import AsyncConcurrencyLimiter, ConcurrencyLimiter, LimiterDecision
from ratelimit_ddb.operations.driver import run
from ratelimit_ddb.operations.operation import Flow
from tests.contract.conftest import AnyStore
from tests.fake_clock import FakeClock


class AwaitedSlot:
    def __init__(self, runner: asyncio.Runner, slot: Any) -> None:
        self._runner, self.slot = runner, slot
        self.decision = slot.decision

    def __bool__(self) -> bool:
        return bool(self.slot)

    @property
    def lost(self) -> bool:
        return bool(self.slot.lost)

    def release(self) -> None:
        self._runner.run(self.slot.release())


class Awaited:
    def __init__(self, runner: asyncio.Runner, limiter: AsyncConcurrencyLimiter) -> None:
        self._runner, self._limiter = runner, limiter

    def acquire(self, *args: Any, **options: Any) -> AwaitedSlot:
        return AwaitedSlot(self._runner, self._runner.run(self._limiter.acquire(*args, **options)))

    def peek(self, key: str) -> Any:
        return self._runner.run(self._limiter.peek(key))

    def reset(self, key: str) -> None:
        self._runner.run(self._limiter.reset(key))


MakeLimiter = Callable[..., Any]


@pytest.fixture(params=["blocking", "asyncio"])
def make_slots(request: pytest.FixtureRequest, store: AnyStore) -> Iterator[MakeLimiter]:
    """Makes limiters over the store. Each stands for a process."""
    if request.param == "blocking":
        yield lambda slots, **options: ConcurrencyLimiter(store, slots, deadline=10, **options)
        return
    with asyncio.Runner() as runner:
        yield lambda slots, **options: Awaited(
            runner, AsyncConcurrencyLimiter(store, slots, deadline=10, **options)
        )
        runner.run(store.aclose())


def renew(slot: Any) -> bool:
    """What the renewer does when a renewal is due."""
    grant = getattr(slot, "slot", slot)._grant
    core = grant.core
    flow: Flow[bool] = core.flows.renew(grant._held)
    return run(flow, core.store, core.timeout_ns, core.breaker)


def test_p16_no_more_slots_are_given_than_there_are(make_slots: MakeLimiter) -> None:
    processes = [make_slots(3) for _ in range(4)]
    slots = [processes[index % 4].acquire("report") for index in range(8)]
    assert sum(map(bool, slots)) == 3
    denied = next(slot for slot in slots if not slot)
    assert denied.decision.remaining == 0
    assert 0 < denied.decision.retry_after <= 1
    assert denied.decision.limit.slots == 3
    for slot in slots:
        slot.release()


def test_remaining_counts_the_slots_that_are_free(make_slots: MakeLimiter) -> None:
    limiter = make_slots(3)
    first, second = limiter.acquire("report"), limiter.acquire("report")
    assert (first.decision.remaining, second.decision.remaining) == (2, 1)
    assert limiter.peek("report").remaining == 1
    assert limiter.peek("other").remaining == 3
    first.release()
    assert limiter.peek("report").remaining == 2
    second.release()


def test_a_released_slot_is_free_for_others_at_once(make_slots: MakeLimiter) -> None:
    one, other = make_slots(1), make_slots(1)
    slot = one.acquire("report")
    assert not other.acquire("report")
    slot.release()
    taken = other.acquire("report")
    assert taken
    slot.release()  # a second time: the other one's is not his to release
    assert not one.acquire("report")
    taken.release()


def test_p16_the_slot_of_a_crashed_holder_is_free_after_its_lifetime(
    make_slots: MakeLimiter, clock: FakeClock
) -> None:
    crashed, other = make_slots(1, lifetime=60), make_slots(1, lifetime=60)
    slot = crashed.acquire("report")
    clock.advance(59.9)
    assert not other.acquire("report")
    clock.advance(0.2)
    taken = other.acquire("report")
    assert taken
    assert slot.lost
    slot.release()
    assert not crashed.acquire("report"), "the release of a lost slot changes nothing"
    taken.release()


def test_a_slot_that_is_renewed_is_held_for_longer_than_its_lifetime(
    make_slots: MakeLimiter, clock: FakeClock
) -> None:
    one, other = make_slots(1, lifetime=60), make_slots(1, lifetime=60)
    slot = one.acquire("report")
    for _ in range(9):
        clock.advance(20)
        assert renew(slot)
        assert not other.acquire("report")
    assert not slot.lost
    slot.release()
    taken = other.acquire("report")
    assert taken
    taken.release()


def test_a_holder_is_told_that_its_slot_is_lost_before_others_can_have_it(
    make_slots: MakeLimiter, clock: FakeClock
) -> None:
    told: list[str] = []
    one, other = make_slots(1, lifetime=60), make_slots(1, lifetime=60)
    slot = one.acquire("report", on_lost=lambda: told.append("lost"))
    clock.advance(53.9)
    assert not slot.lost
    clock.advance(0.2)
    assert not other.acquire("report")
    assert slot.lost
    assert slot.lost
    assert told == ["lost"]
    slot.release()


def test_a_holder_is_told_that_its_slot_was_taken_from_it(make_slots: MakeLimiter) -> None:
    told: list[str] = []
    limiter = make_slots(1)
    slot = limiter.acquire("report", on_lost=lambda: told.append("lost"))
    limiter.reset("report")
    assert not renew(slot)
    assert slot.lost
    assert told == ["lost"]
    slot.release()


def test_two_holders_of_one_slot_never_take_each_others_for_their_own(
    make_slots: MakeLimiter,
) -> None:
    first_process, second_process = make_slots(1), make_slots(1)
    first = first_process.acquire("report")
    first_process.reset("report")
    second = second_process.acquire("report")  # at the same instant, so until the same one
    assert second
    first.release()
    assert not first_process.acquire("report")
    assert renew(second)
    assert not renew(first)
    second.release()


def test_a_slot_is_waited_for_until_the_deadline(make_slots: MakeLimiter) -> None:
    limiter = make_slots(1)
    slot = limiter.acquire("report")
    denied = limiter.acquire("report", max_wait=0.05)
    assert not denied
    slot.release()


def test_changed_numbers_share_the_slots_of_a_key(make_slots: MakeLimiter) -> None:
    more, fewer = make_slots(4), make_slots(2)
    slots = [more.acquire("report") for _ in range(4)]
    assert not fewer.acquire("report")
    for slot in slots:
        slot.release()


def test_keys_and_namespaces_have_slots_of_their_own(make_slots: MakeLimiter) -> None:
    limiter, elsewhere = make_slots(1), make_slots(1, namespace="shop")
    slots = [limiter.acquire("a"), limiter.acquire("b"), elsewhere.acquire("a")]
    assert all(slots)
    assert not elsewhere.acquire("a")
    for slot in slots:
        slot.release()


def test_each_try_is_told(make_slots: MakeLimiter) -> None:
    told: list[LimiterDecision] = []
    limiter = make_slots(1, on_decision=told.append)
    slot = limiter.acquire("report")
    limiter.acquire("report")
    assert [(one.rule, one.key, one.cost, bool(one), one.calls) for one in told] == [
        ("1 at once", "report:slots", 1, True, 1),
        ("1 at once", "report:slots", 1, False, 1),
    ]
    slot.release()
