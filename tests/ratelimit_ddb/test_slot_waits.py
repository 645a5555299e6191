"""How a slot is waited for: who asks, how often, who is told, by a clock that the tests set."""

from __future__ import annotations

import secrets
from typing import Any

import pytest

from ratelimit_ddb import (
    ConcurrencyLimiter,
    Decision,
    LimiterDecision,
    MemoryStore,
    StoreUnavailable,
)
from ratelimit_ddb.operations.driver import run
from ratelimit_ddb.operations.operation import Wait
from ratelimit_ddb.operations.steps import OnStore
from ratelimit_ddb.slots.renewer import thread_renewer
from ratelimit_ddb.slots.slots_core import SlotsCore
from ratelimit_ddb.slots.wait_queue import SlotWaiter, WaitQueue
from tests.fake_clock import FakeClock
from tests.flaky_store import FlakyStore

MILLISECOND_NS = 1_000_000
SECOND_NS = 1_000 * MILLISECOND_NS
KEY = "report:slots"


class Waiter:
    """One who waits for a slot: its steps, carried out one by one."""

    def __init__(self, limiter: ConcurrencyLimiter, max_wait: float) -> None:
        self.core: SlotsCore = limiter._core
        self.lost: list[str] = []
        self._steps = self.core.steps(
            KEY, max_wait, lambda: self.lost.append(KEY), thread_renewer()
        )
        self.decision: Decision | None = None
        self.asked = 0
        self.taken: Any = None

    def until_it_waits(self) -> Wait | None:
        """Let it go on, asking the table if it likes to. Returns: the wait; None once it is over"""
        answer: Any = None
        try:
            while True:
                step = self._steps.send(answer)
                if isinstance(step, Wait):
                    assert not step.awaited.served, "it would ask again at once"
                    return step
                assert isinstance(step, OnStore)
                self.asked += 1
                answer = run(step.flow, step.store, step.timeout_ns, step.breaker)
        except StopIteration as done:
            self.taken = done.value
            self.decision = done.value.decision
            return None


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> FakeClock:
    clock = FakeClock()
    monkeypatch.setattr("ratelimit_ddb.slots.slots_core.monotonic_ns", clock)
    return clock


@pytest.fixture
def limiter(clock: FakeClock) -> ConcurrencyLimiter:
    return ConcurrencyLimiter(MemoryStore(clock=clock), 1, deadline=10)


@pytest.mark.parametrize(
    ("chance", "milliseconds"),
    [(0, [12.5, 25, 50, 100, 200, 200]), (1, [37.5, 75, 150, 300, 600, 600])],
    ids=["shortest", "longest"],
)
def test_the_first_one_asks_ever_more_rarely_until_its_time_is_over(
    limiter: ConcurrencyLimiter,
    clock: FakeClock,
    chance: int,
    milliseconds: list[float],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    by_chance = secrets.randbelow

    def of_pauses(below: int) -> int:
        return chance * (below - 1) if below <= SECOND_NS else by_chance(below)

    monkeypatch.setattr(secrets, "randbelow", of_pauses)
    with ConcurrencyLimiter(limiter._core.store, 1).slot("report"):
        waiter = Waiter(limiter, 3)
        waits: list[int] = []
        while (wait := waiter.until_it_waits()) is not None:
            assert wait.most_ns is not None
            waits.append(wait.most_ns)
            clock.advance_ns(wait.most_ns)
    expected = [one * MILLISECOND_NS for one in milliseconds]
    rounded = [round(wait / MILLISECOND_NS, 1) * MILLISECOND_NS for wait in waits]
    assert rounded[:6] == expected
    assert set(rounded[6:-1]) == {expected[-1]}
    assert sum(waits) == 3 * SECOND_NS, "the last one is what is left"
    assert waiter.asked == len(waits) + 1
    assert waiter.decision is not None
    assert (waiter.decision.allowed, waiter.decision.source) == (False, "table")
    assert KEY not in limiter._core._wait_queue


def test_who_becomes_the_first_begins_to_ask_as_often_as_the_one_before(
    limiter: ConcurrencyLimiter, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    by_chance = secrets.randbelow
    monkeypatch.setattr(
        secrets, "randbelow", lambda below: 0 if below <= SECOND_NS else by_chance(below)
    )
    with ConcurrencyLimiter(limiter._core.store, 1).slot("report"):
        first, second = Waiter(limiter, 1), Waiter(limiter, 5)
        assert first.until_it_waits() is not None
        assert second.until_it_waits() is not None
        clock.advance(1)
        assert first.until_it_waits() is None
        wait = second.until_it_waits()
        assert wait is not None
        assert (second.asked, wait.most_ns) == (1, 12_500_000)
        second._steps.close()


def test_a_waiter_is_told_how_long_it_has_waited(
    limiter: ConcurrencyLimiter, clock: FakeClock
) -> None:
    held = ConcurrencyLimiter(limiter._core.store, 1).acquire("report")
    waiter = Waiter(limiter, 10)
    for _ in range(3):
        assert waiter.until_it_waits() is not None
        clock.advance(0.7)
    held.release()
    assert waiter.until_it_waits() is None
    assert waiter.decision is not None
    assert (waiter.decision.allowed, waiter.decision.waited) == (True, 2.1)
    waiter.taken.held.lose()
    assert waiter.lost == [KEY]
    limiter._core.give_up(KEY, waiter.taken.held, thread_renewer())


def test_who_may_wait_and_need_not_takes_one_slot_at_once(limiter: ConcurrencyLimiter) -> None:
    waiter = Waiter(limiter, 10)
    assert waiter.until_it_waits() is None
    assert waiter.asked == 1
    assert waiter.decision is not None
    assert waiter.decision.allowed
    limiter._core.give_up(KEY, waiter.taken.held, thread_renewer())


def test_what_one_who_waits_has_taken_without_an_answer_is_released_later(clock: FakeClock) -> None:
    store = FlakyStore()
    with ConcurrencyLimiter(store, 1).slot("report"):
        waiter = Waiter(ConcurrencyLimiter(store, 1, on_outage="deny"), 10)
        assert waiter.until_it_waits() is not None
        kept = len(thread_renewer()._schedule)
        store.failure = StoreUnavailable("its reply is lost")
        clock.advance(1)
        assert waiter.until_it_waits() is not None
        assert len(thread_renewer()._schedule) == kept + 1
        store.failure = None
        waiter._steps.close()


def test_only_the_first_one_asks_and_the_others_wait_for_their_turn(
    limiter: ConcurrencyLimiter, clock: FakeClock
) -> None:
    held = ConcurrencyLimiter(limiter._core.store, 1).acquire("report")
    first, second = Waiter(limiter, 1), Waiter(limiter, 5)
    assert first.until_it_waits() is not None
    wait = second.until_it_waits()
    assert wait is not None
    assert (wait.most_ns, second.asked) == (5 * SECOND_NS, 0)
    woken: list[str] = []
    wait.awaited.attach(lambda: woken.append("second"))
    clock.advance(0.4)
    wait = second.until_it_waits()  # woken for nothing
    assert wait is not None
    assert (wait.most_ns, second.asked) == (4.6 * SECOND_NS, 0)
    clock.advance(0.6)
    assert woken == []
    assert first.until_it_waits() is None
    assert woken == ["second"]
    held.release()
    assert second.until_it_waits() is None
    assert (second.asked, second.decision and second.decision.waited) == (1, 1.0)
    limiter._core.give_up(KEY, second.taken.held, thread_renewer())


def test_one_that_is_behind_others_until_its_time_is_over_is_denied_without_asking(
    limiter: ConcurrencyLimiter, clock: FakeClock
) -> None:
    with ConcurrencyLimiter(limiter._core.store, 1).slot("report"):
        first, second = Waiter(limiter, 5), Waiter(limiter, 1)
        assert first.until_it_waits() is not None
        assert second.until_it_waits() is not None
        clock.advance(1)
        assert second.until_it_waits() is None
        assert second.asked == 0
        assert second.decision == limiter._core.flows.denied()
        clock.advance(4)
        assert first.until_it_waits() is None


def test_one_that_can_not_wait_is_told_to_come_back_where_others_wait(
    limiter: ConcurrencyLimiter,
) -> None:
    told: list[LimiterDecision] = []
    limiter = ConcurrencyLimiter(limiter._core.store, 1, lifetime=9, on_decision=told.append)
    with limiter.slot("report"):
        (event,) = told
        assert event.decision.allowed
        assert (event.outage, event.on_outage) == (None, None)
        first = Waiter(limiter, 5)
        assert first.until_it_waits() is not None
        told.clear()
        slot = limiter.acquire("report")
        first._steps.close()
    second_ns = SECOND_NS
    assert slot.decision == Decision(False, 0, second_ns, 9 * second_ns, limiter.limit, 0, "seen")
    (event,) = told
    assert event._replace(latency_ns=0) == LimiterDecision(
        "1 at once", KEY, 1, slot.decision, 0, 0, 0.0
    )


def test_who_waits_first_is_told_of_a_release_in_its_process(clock: FakeClock) -> None:
    line = WaitQueue()
    first, second = line.join("a"), line.join("a")
    other = line.join("b")
    told: list[str] = []
    for name, waiter in (("first", first), ("second", second), ("other", other)):
        waiter.attach(lambda name=name: told.append(name))  # type: ignore[misc]
    line.released("a")
    line.released("nobody waits for it")
    assert told == ["first"]
    assert (first.served, second.served, other.served) == (True, False, False)
    line.leave("a", second)
    assert told == ["first"], "nobody has moved up"
    third = line.join("a")
    third.attach(lambda: told.append("third"))
    line.leave("a", first)
    assert told == ["first", "third"]
    assert line.is_first("a", third)
    line.leave("a", third)
    assert "a" not in line
    assert "b" in line


def test_one_that_is_told_before_it_waits_does_not_wait() -> None:
    waiter = SlotWaiter()
    assert not waiter.served
    waiter.wake()
    assert waiter.served


@pytest.mark.parametrize("how", ["release", "give_up"])
@pytest.mark.parametrize("is_down", [False, True])
def test_whichever_way_a_slot_is_given_back_the_first_who_waits_is_woken_and_may_have_it(
    how: str, is_down: bool
) -> None:
    store = FlakyStore()
    if is_down:
        store.failure = StoreUnavailable("down")
    limiter = ConcurrencyLimiter(store, 1, on_outage="local", deadline=10)
    slot = limiter.acquire("report")
    assert slot.decision.source == ("outage" if is_down else "table")
    assert not limiter.acquire("report")
    queue = limiter._core._wait_queue
    first, second = queue.join(KEY), queue.join(KEY)
    if how == "release":
        slot.release()
    else:
        slot._grant.give_up()
    assert (first.served, second.served) == (True, False)
    queue.leave(KEY, second)
    queue.leave(KEY, first)
    assert not slot._grant.holds
    if how == "release" or is_down:  # what was given up is released in the background
        with limiter.acquire("report") as another:
            assert another.decision.allowed
