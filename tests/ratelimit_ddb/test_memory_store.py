"""The store in memory: one step at a time among threads."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from ratelimit_ddb import MemoryStore, RateLimiter
from ratelimit_ddb.hot_keys.waiter import Waiter
from ratelimit_ddb.operations.operation import (
    BLOCKED,
    Delete,
    GiveBack,
    LimitsResult,
    OperationResult,
    Read,
    ReadClock,
    ReadLimits,
    Take,
    Wait,
    WriteLimits,
)
from ratelimit_ddb.operations.slot_operation import (
    ReadSlots,
    ReleaseSlot,
    RenewSlot,
    SlotsResult,
    TakeSlot,
)
from ratelimit_ddb.store.memory import take_at_once_of
from tests.fake_clock import FakeClock

THREADS = 8
LIMIT = 200


@pytest.fixture
def _threads_switch_all_the_time() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("_threads_switch_all_the_time")
def test_p1_threads_that_take_at_once_take_no_more_than_the_limit() -> None:
    for _ in range(10):
        store = MemoryStore(clock=FakeClock())
        admitted: list[int] = []
        start = threading.Barrier(THREADS)

        def take(
            store: MemoryStore = store,
            admitted: list[int] = admitted,
            start: threading.Barrier = start,
        ) -> None:
            limiter = RateLimiter(store, f"{LIMIT}/hour", deny_cache=0, deadline=10)
            start.wait()
            admitted += [1 for _ in range(60) if limiter.acquire("k")]

        threads = [threading.Thread(target=take) for _ in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(admitted) == LIMIT


def test_at_a_clock_near_zero_refunds_out_of_turn_count_as_later_on() -> None:
    limiter = RateLimiter(MemoryStore(clock=lambda: 0), "10/hour")
    first, _ = limiter.acquire("k"), limiter.acquire("k")
    assert limiter.refund(first) is True
    assert limiter.peek("k").remaining == 9


NAMES = ("a", "b")


def taking(idle: tuple[bool, bool], *, leased_until_ns: int = 0) -> Take:
    """At 100: 10 of the one and 20 of the other, where there is room for 5 and 7 before."""
    return Take("k", NAMES, idle, 100, (100, 100), (10, 20), (5, 7), 0, True, leased_until_ns)


def test_a_take_moves_every_number_or_none_by_the_branch_that_it_is_for() -> None:
    store = MemoryStore()

    def holds(*numbers: int) -> None:
        moves = zip(numbers, (store.send(Read("k", NAMES), 0).full_at_ns), strict=True)
        changes = tuple(number - (now or 0) for number, now in moves)
        store.send(Take("k", NAMES, (False, False), 0, (0, 0), changes, (999, 999), 0, True), 0)

    idle, active, mixed = (True, True), (False, False), (False, True)
    for held, branches, left in (
        ((99, 99), idle, (110, 120)),
        ((100, 99), idle, None),
        ((99, 100), idle, None),
        ((100, 100), active, (110, 120)),
        ((105, 107), active, (115, 127)),
        ((106, 107), active, None),
        ((105, 108), active, None),
        ((99, 100), active, None),
        ((100, 99), active, None),
        ((105, 99), mixed, (115, 120)),
        ((105, 100), mixed, None),
    ):
        holds(*held)
        result = store.send(taking(branches), 0)
        now = held if left is None else left
        assert result == OperationResult(left is not None, now, None, None, (0, 0)), held
        assert store.send(Read("k", NAMES), 0) == result._replace(applied=True)


def test_a_take_at_once_goes_by_whichever_branch_there_is() -> None:
    for held, left in (
        ((99, 99), (110, 120)),
        ((100, 99), (110, 120)),
        ((105, 107), (115, 127)),
        ((106, 107), None),
        ((105, 108), None),
    ):
        store = MemoryStore()
        take_at_once = take_at_once_of(store)
        assert take_at_once is not None
        assert take_at_once("k", NAMES, held, (0, 0), (0, 0))[0]
        result = take_at_once("k", NAMES, (100, 100), (10, 20), (5, 7))
        now = held if left is None else left
        assert result == (left is not None, now, (0, 0)), held
        shown = store.send(Read("k", NAMES), 0)
        assert shown.full_at_ns == now


def test_what_a_refund_finds_and_leaves() -> None:
    store = MemoryStore()

    def give_back(
        least: int = 105, most: int = 110, before: int = 0, after: int = 0, since: int | None = None
    ) -> Any:
        return store.send(
            GiveBack(
                "k", NAMES, (4, 0), (least, 0), (most, 999), (before, 0), (after, 0), 100, since
            ),
            0,
        )

    assert give_back() == OperationResult(False, (None, None), None, None, (0, 0))
    store.send(taking((True, True), leased_until_ns=90), 0)
    held = OperationResult(False, (110, 120), None, None, (0, 0), 0, 90)
    assert give_back(least=111, most=999) == held
    assert give_back(least=0, most=109) == held
    assert give_back(before=1) == held
    assert give_back(since=89) == held
    assert give_back(since=90) == held
    given = give_back(least=110, after=4, since=91)
    assert given == held._replace(applied=True, full_at_ns=(106, 120), refunded_ns=(4, 0))
    assert give_back(least=0) == given._replace(applied=False)
    assert give_back(most=106, before=4, after=4).full_at_ns == (102, 120)
    # A block counts as a lease, whichever ends later; and a take tells what was given back.
    block = Take("k", (BLOCKED,), (True,), 100, (500,), (0,), (0,), 0, True)
    assert store.send(block, 0).applied
    assert give_back(least=0, before=4, after=4, since=500).leased_until_ns == 500
    assert give_back(least=0, before=4, after=4, since=501).applied
    assert store.send(taking((False, False)), 0).refunded_ns == (4, 0)
    assert store.send(Delete("k"), 0) == OperationResult(True, ())
    gone = OperationResult(True, (None, None), None, None, (0, 0))
    assert store.send(Read("k", NAMES), 0) == gone


def test_the_least_recently_used_is_forgotten_with_all_that_is_known_of_it() -> None:
    store = MemoryStore(max_keys=2)
    take = taking((True, True), leased_until_ns=90)
    store.send(take, 0)
    store.send(GiveBack("k", NAMES, (4, 0), (0, 0), (999, 999), (0, 0), (4, 0), 100, None), 0)
    store.send(take._replace(key="l"), 0)
    store.send(taking((False, False)), 0)
    store.send(take._replace(key="m"), 0)
    assert store.send(Read("l", NAMES), 0).full_at_ns == (None, None)
    assert store.send(Read("k", NAMES), 0).refunded_ns == (4, 0)
    take_at_once = take_at_once_of(store)
    assert take_at_once is not None
    take_at_once("m", NAMES, (900, 900), (1, 1), (0, 0))
    take_at_once("n", NAMES, (100, 100), (1, 1), (0, 0))
    assert len(store) == 2
    gone = OperationResult(True, (None, None), None, None, (0, 0))
    assert store.send(Read("k", NAMES), 0) == gone
    assert store.send(Read("m", NAMES), 0).full_at_ns == (901, 901)


def test_stored_limits_are_kept_until_they_are_deleted_and_no_other_operation_is_known() -> None:
    store = MemoryStore(clock=FakeClock(7))
    assert store.ready is True
    assert store.send(ReadClock(), 0) == 7
    assert store.send(WriteLimits("k", ("5/minute",), 0), 0) == OperationResult(True, ())
    assert store.send(ReadLimits("k"), 0) == LimitsResult(("5/minute",))
    assert store.send(ReadLimits("l"), 0) == LimitsResult(None)
    store.send(Delete("k"), 0)
    assert store.send(ReadLimits("k"), 0) == LimitsResult(None)
    with pytest.raises(TypeError, match=r"operation 'read' must be one of"):
        store.send("read", 0)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"max_keys 0: must be an int of at least 1"):
        MemoryStore(max_keys=0)
    with pytest.raises(ValueError, match="deadline"):
        asyncio.run(store.check_async(deadline=-1))


def test_a_clear_forgets_all_of_a_key() -> None:
    store = MemoryStore()
    store.send(taking((True, True), leased_until_ns=90), 0)
    store.send(GiveBack("k", NAMES, (4, 0), (0, 0), (999, 999), (0, 0), (4, 0), 100, None), 0)
    store.send(WriteLimits("k", ("5/minute",), 0), 0)
    store.clear()
    gone = OperationResult(True, (None, None), None, None, (0, 0))
    assert store.send(Read("k", NAMES), 0) == gone
    assert store.send(ReadLimits("k"), 0) == LimitsResult(None)


def test_several_sequences_are_carried_out_in_their_order() -> None:
    store = MemoryStore(clock=FakeClock(7))
    told: list[object] = []

    def sequence(key: str) -> Any:
        told.append((yield ReadClock()))
        told.append((key, (yield Read(key, ()))))
        told.append((yield Wait(Waiter(1, 0, 0, lambda _: None), None)))

    store.send_all([sequence("k"), sequence("l")], 0)
    empty = OperationResult(True, ())
    in_time = False
    assert told == [7, ("k", empty), in_time, 7, ("l", empty), in_time]
    asyncio.run(store.send_all_async([sequence("k"), sequence("l")], 0))
    assert told[6:] == told[:6]


def test_a_take_is_told_what_was_refunded_of_each_of_its_limits() -> None:
    store = MemoryStore()
    take = Take("k", ("a", "b"), (True, True), 0, (10, 10), (5, 5), (99, 99), 9, True, 0, 1, 0)
    assert store.send(take, 0).refunded_ns == (0, 0)
    give_back = GiveBack("k", ("a",), (2,), (15,), (15,), (0,), (2,), 9, None)
    assert store.send(give_back, 0).full_at_ns == (13,)
    again = store.send(take._replace(idle=(False, False)), 0)
    assert (again.full_at_ns, again.refunded_ns) == ((18, 20), (2, 0))
    other = store.send(take._replace(key="another"), 0)
    assert other.refunded_ns == (0, 0)


def test_slots_are_kept_beyond_their_time_where_there_are_few_keys() -> None:
    store = MemoryStore(max_keys=3)
    for number in range(3):
        store.send(TakeSlot(str(number), 0, 10, 20 * number, 20 * number, 0), 0)
    assert store.send(ReadSlots("0"), 0).marks == {0: 10}


def test_a_slot_is_its_takers_until_its_mark_is_less_than_what_is_free() -> None:
    store = MemoryStore()
    take = TakeSlot("k", 0, 20, 10, 9, 99)
    assert store.send(take, 0) == SlotsResult(True, {0: 20})
    assert store.send(take._replace(mark=30, free_below=20), 0) == SlotsResult(False, {0: 20})
    assert store.send(ReadSlots("k"), 0) == SlotsResult(True, {0: 20})
    assert store.send(RenewSlot("k", 0, (19,), 30, 9, 99), 0) == SlotsResult(False, {0: 20})
    assert store.send(take._replace(mark=30, free_below=21), 0) == SlotsResult(True, {0: 30})
    assert store.send(RenewSlot("k", 0, (19, 30), 40, 9, 99), 0) == SlotsResult(True, {})
    assert store.send(take._replace(slot=1), 0).marks == {0: 40, 1: 20}
    for release in (ReleaseSlot("k", 0, (40,)), ReleaseSlot("k", 1, (20,))):
        assert store.send(release, 0) == SlotsResult(True, {})
    assert store.send(ReadSlots("k"), 0) == SlotsResult(True, {})
    assert "k" not in store._slots._keys
    assert store.send(RenewSlot("k", 0, (40,), 50, 9, 99), 0) == SlotsResult(False, {})
    store.send(take, 0)
    store.send(Delete("k"), 0)
    assert store.send(ReadSlots("k"), 0) == SlotsResult(True, {})


def test_slots_are_forgotten_beyond_as_many_keys_where_they_have_run_out() -> None:
    store = MemoryStore(max_keys=2)
    for number in range(3):
        store.send(TakeSlot(str(number), 0, 10, 20 * number, 20 * number, 0), 0)
    left = [store.send(ReadSlots(str(number)), 0).marks for number in range(3)]
    assert left == [{}, {}, {0: 10}]
    store.send(TakeSlot("3", 0, 40, 0, 0, 0), 0)
    store.send(TakeSlot("4", 0, 50, 40, 40, 0), 0)  # the slot of "3" is held until just then
    left = [store.send(ReadSlots(str(number)), 0).marks for number in range(2, 5)]
    assert left == [{}, {0: 40}, {0: 50}]
    begun = store._slots._keys["5"] = {}  # as by a call in whose midst the next one is made
    for number in range(6, 10):
        store.send(TakeSlot(str(number), 0, 60, 60, 60, 0), 0)
    assert store._slots._keys["5"] is begun


def test_a_fork_has_a_lock_of_its_own() -> None:
    store = MemoryStore(clock=FakeClock(7))
    assert store.in_process is True
    with store._lock:
        store.after_fork_in_child()
        assert store.send(ReadClock(), 0) == 7
