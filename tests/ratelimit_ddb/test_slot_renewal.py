"""What renews the slots of a process: when, which, and what becomes of mistakes."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from time import monotonic_ns
from typing import Any, cast

import pytest

from ratelimit_ddb import ConcurrencyLimiter, MemoryStore, StoreError, StoreUnavailable
from ratelimit_ddb.operations.driver import run
from ratelimit_ddb.operations.slot_operation import RenewSlot, TakeSlot
from ratelimit_ddb.slots.mark import until_ns
from ratelimit_ddb.slots.renewer import LoopRenewer, Renewal, RenewalSchedule, ThreadRenewer
from ratelimit_ddb.slots.slots_core import SlotsCore
from tests.flaky_store import FlakyStore

MILLISECOND_NS = 1_000_000
SECOND_NS = 1_000 * MILLISECOND_NS


def core_of(store: MemoryStore) -> SlotsCore:
    return ConcurrencyLimiter(store, 1, lifetime=60, deadline=10)._core


def held_of(core: SlotsCore, key: str, due_in_ns: int) -> Renewal:
    """A slot that was taken, and is to be renewed then."""
    flow = core.flows.take(key, None, lambda _: None)
    taken = run(flow, core.store, core.timeout_ns, core.breaker)
    assert taken.held is not None
    taken.held.due_ns = monotonic_ns() + due_in_ns
    return Renewal(taken.held, core.flows, core.store, core.breaker, core.timeout_ns)


def renewed(store: FlakyStore) -> list[str]:
    return [sent.key for sent in store.operations.copy() if isinstance(sent, RenewSlot)]


async def until(holds: Callable[[], Any]) -> None:
    end = time.monotonic() + 5
    while not holds():
        assert time.monotonic() < end
        await asyncio.sleep(0.002)


def test_p16_slots_are_renewed_though_a_thread_could_not_be_started_at_first(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    core, renewer, start = core_of(FlakyStore()), ThreadRenewer(), threading.Thread.start

    def no_further_thread(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", no_further_thread)
    renewer.add(held_of(core, "one", 0))
    assert caplog.messages == ["slots could not be renewed: can't start new thread"]
    monkeypatch.setattr(threading.Thread, "start", start)
    renewer.add(held_of(core, "two", 0))

    async def are_renewed() -> None:
        await until(lambda: sorted(renewed(cast("FlakyStore", core.store))) == ["one", "two"])

    asyncio.run(are_renewed())


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_p16_slots_are_renewed_though_a_store_that_is_broken_has_ended_the_thread() -> None:
    store, well = FlakyStore(), FlakyStore()
    core, renewer = core_of(store), ThreadRenewer()
    one, two = held_of(core, "one", 0), held_of(core_of(well), "two", 60 * SECOND_NS)
    renewer.add(two)
    store.failure = ZeroDivisionError("a store of somebody's own")
    thread = renewer._thread
    assert thread is not None
    renewer.add(one)
    thread.join(5)
    assert not thread.is_alive()
    two.held.due_ns = 0
    store.failure = None
    store.operations.clear()

    async def are_renewed() -> None:
        await until(lambda: renewed(well) and renewed(store))

    asyncio.run(are_renewed())


Scenario = Callable[[Any], Any]


def with_thread(scenario: Scenario) -> None:
    asyncio.run(scenario(ThreadRenewer()))


def with_loop(scenario: Scenario) -> None:
    async def do() -> None:
        await scenario(LoopRenewer(asyncio.get_running_loop()))

    asyncio.run(do())


BOTH = pytest.mark.parametrize("with_renewer", [with_thread, with_loop])


@BOTH
def test_a_slot_is_renewed_when_it_is_due_and_another_one_is_not(
    with_renewer: Callable[[Scenario], None],
) -> None:
    store = FlakyStore()
    core = core_of(store)

    async def scenario(renewer: Any) -> None:
        later = held_of(core, "later", 3_600_000 * MILLISECOND_NS)
        soon = held_of(core, "soon", 40 * MILLISECOND_NS)
        began_ns = monotonic_ns()
        renewer.add(later)
        renewer.add(soon)
        await until(lambda: renewed(store))
        assert monotonic_ns() - began_ns >= 39 * MILLISECOND_NS
        assert renewed(store) == ["soon"]
        assert 19_000 < (soon.held.due_ns - monotonic_ns()) / MILLISECOND_NS <= 20_000

    with_renewer(scenario)


@BOTH
def test_what_is_dropped_is_not_renewed_and_what_is_still_held_is(
    with_renewer: Callable[[Scenario], None],
) -> None:
    store = FlakyStore()
    core = core_of(store)

    async def scenario(renewer: Any) -> None:
        dropped = held_of(core, "dropped", 10**12)
        held = held_of(core, "held", 20 * MILLISECOND_NS)
        renewer.add(dropped)
        renewer.add(held)
        renewer.drop(dropped.held)
        dropped.held.due_ns = 0
        await until(lambda: renewed(store))
        assert renewed(store) == ["held"]

    with_renewer(scenario)


@BOTH
def test_a_mistake_is_told_and_ends_no_renewals(
    with_renewer: Callable[[Scenario], None], caplog: pytest.LogCaptureFixture
) -> None:
    class Mistaken(FlakyStore):
        def prepare(self) -> None:
            if self.failure is not None:
                raise self.failure

        async def prepare_async(self) -> None:
            self.prepare()

    store, well = Mistaken(), FlakyStore()
    of_store, of_well = core_of(store), core_of(well)

    async def scenario(renewer: Any) -> None:
        slot, other = held_of(of_store, "a", 0), held_of(of_well, "b", 0)
        store.failure = StoreError("no table is called so")
        renewer.add(slot)
        await until(lambda: caplog.messages)
        assert caplog.record_tuples == [
            ("ratelimit_ddb", logging.WARNING, "slots could not be renewed: no table is called so")
        ]
        assert slot.held.due_ns > monotonic_ns(), "it is tried again, and not at once"
        renewer.add(other)
        await until(lambda: renewed(well))
        store.failure = None

    with_renewer(scenario)


@BOTH
def test_what_is_released_or_lost_is_kept_no_longer_and_what_got_no_answer_is(
    with_renewer: Callable[[Scenario], None],
) -> None:
    store = FlakyStore()
    core = core_of(store)

    async def scenario(renewer: Any) -> None:
        unanswered, lost = held_of(core, "unanswered", 0), held_of(core, "lost", 0)
        released = held_of(core, "released", 0)
        released.held.begin_release()
        run(core.reset("lost"), store, core.timeout_ns, core.breaker)
        for kept in (lost, released):
            renewer.add(kept)
        await until(lambda: not len(renewer._schedule))
        assert lost.held.lost
        assert not released.held.lost
        store.failure = StoreUnavailable("out of reach")
        renewer.add(unanswered)
        await until(lambda: "unanswered" in renewed(store))
        await until(lambda: unanswered.held.due_ns > monotonic_ns())
        assert len(renewer._schedule) == 1
        store.failure = None

    with_renewer(scenario)


@BOTH
def test_p10_after_three_outages_a_renewal_is_not_sent_and_is_tried_again(
    with_renewer: Callable[[Scenario], None],
) -> None:
    store = FlakyStore()
    limiter = ConcurrencyLimiter(store, 2, lifetime=60, on_outage="deny")
    core = limiter._core

    async def scenario(renewer: Any) -> None:
        kept = held_of(core, "a", 0)
        store.failure = StoreUnavailable("out of reach")
        for _ in range(3):
            assert not limiter.acquire("b")
        store.failure = None
        renewer.add(kept)
        await until(lambda: kept.held.due_ns > monotonic_ns())
        assert renewed(store) == []
        assert len(renewer._schedule) == 1

    with_renewer(scenario)


def test_an_item_of_slots_is_kept_for_two_hours_after_each_write_whatever_the_lifetime() -> None:
    store = FlakyStore()
    core = core_of(store)
    kept = held_of(core, "a", 0)
    store.time.advance(30)
    run(core.flows.renew(kept.held), store, core.timeout_ns, core.breaker)
    taken, renewal = store.operations
    assert isinstance(taken, TakeSlot)
    assert isinstance(renewal, RenewSlot)
    at_full_hours = (1_800_007_200, 1_800_010_800)
    assert (taken.expires_at_seconds, renewal.expires_at_seconds) == at_full_hours
    assert (taken.now_ns, renewal.now_ns) == (store.time.now_ns - 30 * SECOND_NS, store.time.now_ns)
    assert renewal.mine == (taken.mark, renewal.mark)
    assert until_ns(taken.mark) == taken.now_ns + 60 * SECOND_NS
    assert until_ns(renewal.mark) == renewal.now_ns + 60 * SECOND_NS


def test_the_thread_that_renews_is_told_by_its_name_and_keeps_no_process_from_ending() -> None:
    renewer = ThreadRenewer()
    renewer.add(held_of(core_of(MemoryStore()), "k", 3_600 * SECOND_NS))
    thread = renewer._thread
    assert thread is not None
    assert (thread.name, thread.daemon) == ("ratelimit_ddb slots", True)


def test_a_loops_slots_are_kept_and_dropped_by_other_threads_too() -> None:
    store = FlakyStore()
    core = core_of(store)

    async def scenario() -> None:
        renewer = LoopRenewer(asyncio.get_running_loop())
        kept, far = held_of(core, "a", 5 * MILLISECOND_NS), held_of(core, "b", 10**12)
        await asyncio.to_thread(renewer.add, kept)
        await until(lambda: renewed(store) == ["a"])
        await until(lambda: renewer._task is None)
        await asyncio.to_thread(renewer.add, far)
        await asyncio.to_thread(renewer.drop, kept.held)
        await asyncio.sleep(0)
        assert renewer._timer is not None
        await asyncio.to_thread(renewer.drop, far.held)
        await until(lambda: renewer._timer is None)
        renewer.drop(far.held)

    asyncio.run(scenario())


def test_a_loop_with_nothing_to_keep_has_no_timer() -> None:
    core = core_of(FlakyStore())

    async def scenario() -> None:
        renewer = LoopRenewer(asyncio.get_running_loop())
        kept = held_of(core, "a", 10**12)
        renewer.add(kept)
        timer = renewer._timer
        assert timer is not None
        assert 999 < timer.when() - asyncio.get_running_loop().time() < 1_001
        nearer = held_of(core, "b", 10**11)
        renewer.add(nearer)
        assert timer.cancelled()
        assert renewer._timer is not None
        assert renewer._timer.when() < timer.when()
        for one in (nearer, kept):
            renewer.drop(one.held)
        assert renewer._timer is None

    asyncio.run(scenario())


def test_a_loop_that_was_closed_keeps_nothing_and_raises_nothing() -> None:
    core = core_of(FlakyStore())

    async def renewer_of_this_loop() -> LoopRenewer:
        return LoopRenewer(loop)

    loop = asyncio.new_event_loop()
    renewer = loop.run_until_complete(renewer_of_this_loop())
    loop.close()
    kept = held_of(core, "a", 0)
    renewer.add(kept)
    other = threading.Thread(target=renewer.drop, args=(kept.held,))
    other.start()
    other.join()
    assert renewer._timer is None


def test_those_that_are_due_are_renewed_fifty_of_a_store_at_a_time() -> None:
    core, elsewhere = core_of(FlakyStore()), core_of(FlakyStore())
    slots = RenewalSchedule()
    for number in range(51):
        slots.add(held_of(core, f"a{number}", 0))
    slots.add(held_of(elsewhere, "b", 0))
    slots.add(held_of(elsewhere, "not due", 10**12))
    assert [[kept.held.key for kept in batch] for batch in slots.due()] == [
        [f"a{number}" for number in range(50)],
        ["a50"],
        ["b"],
    ]
    slots.clear()
    assert (len(slots), slots.next_due_ns(), slots.due()) == (0, None, [])
