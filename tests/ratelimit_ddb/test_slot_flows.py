"""The flows of slots, operation by operation: what is tried next, and what is left behind."""

from __future__ import annotations

from typing import Any

import pytest

from ratelimit_ddb import ConcurrencyLimiter, Decision, KeyThrottled, StoreUnavailable
from ratelimit_ddb.limit import SECOND_NS
from ratelimit_ddb.operations.operation import ClockMoved, NotAsked, ReadClock
from ratelimit_ddb.operations.slot_operation import SlotsResult, TakeSlot
from ratelimit_ddb.slot_limit import SlotLimit
from ratelimit_ddb.slots.held_slot import HeldSlot
from ratelimit_ddb.slots.mark import free_below, new_mark
from ratelimit_ddb.slots.seen_slots import SeenSlots
from ratelimit_ddb.slots.slot_flows import SlotAttempt, SlotFlows, decision_by_marks
from tests.flaky_store import FlakyStore

KEY = "report:slots"
LIFETIME_NS = 60 * SECOND_NS


class Taking:
    """One take of a slot, and what was abandoned by it."""

    def __init__(self, slots: int) -> None:
        self.limit = SlotLimit(slots, 60)
        self.store = FlakyStore()
        self.slots = SlotFlows(self.limit, self.store.clock, SeenSlots(8))
        self.abandoned: list[HeldSlot] = []
        self.flow: Any = self.slots.take(KEY, None, self.abandoned.append)
        take = next(self.flow)
        assert isinstance(take, TakeSlot)
        self.take = take

    def mark(self, seconds_left: float) -> int:
        """Somebody else's."""
        return new_mark(self.store.time.now_ns + round(seconds_left * SECOND_NS))

    def result_of(self, result: SlotsResult) -> SlotAttempt:
        with pytest.raises(StopIteration) as done:
            self.flow.send(result)
        taken: SlotAttempt = done.value.value
        return taken


def test_a_slot_that_was_taken_is_its_takers_and_the_others_are_counted() -> None:
    taking = Taking(3)
    others = {0: taking.mark(10), 1: taking.mark(20), 2: taking.mark(30), 3: taking.mark(40)}
    taken = taking.result_of(SlotsResult(True, {**others, taking.take.slot: taking.take.mark}))
    assert taken.decision == Decision(True, 0, 0, LIFETIME_NS, taking.limit, 0, "table")
    assert taken.held is not None
    assert (taken.held.key, taken.held.slot) == (KEY, taking.take.slot)
    assert taking.abandoned == []


def test_a_take_that_was_sent_again_finds_its_own_mark() -> None:
    taking = Taking(3)
    taken = taking.result_of(SlotsResult(False, {taking.take.slot: taking.take.mark}))
    assert taken.decision == Decision(True, 2, 0, LIFETIME_NS, taking.limit, 0, "table")
    assert taken.held is not None


def test_a_lost_race_is_tried_again_where_there_is_room() -> None:
    taking = Taking(3)
    first = taking.take.slot
    free, run_out = [slot for slot in range(3) if slot != first]
    marks = {first: taking.mark(10), free: taking.mark(10), run_out: taking.mark(-0.001)}
    again: TakeSlot = taking.flow.send(SlotsResult(False, marks))
    assert again.slot == run_out
    assert again.mark != taking.take.mark
    denied = taking.result_of(SlotsResult(False, {**marks, run_out: taking.mark(0.25)}))
    retry_ns = SECOND_NS // 4
    assert denied.decision == Decision(False, 0, retry_ns, 10 * SECOND_NS, taking.limit, 0, "table")
    assert denied.held is None


def test_p4_a_denial_in_the_last_millisecond_of_a_slot_is_over_at_the_next_instant() -> None:
    taking = Taking(1)
    denied = taking.result_of(SlotsResult(False, {0: taking.mark(0)}))
    assert denied.decision == Decision(False, 0, 1, 0, taking.limit, 0, "table")


def test_a_mark_of_this_very_millisecond_is_held_as_the_table_sees_it() -> None:
    """It may have the least random number; a take is written over lesser marks only."""
    limit, now_ns = SlotLimit(1, 60), 5_000_000
    assert not decision_by_marks(limit, {0: free_below(now_ns)}, now_ns).allowed
    assert decision_by_marks(limit, {0: free_below(now_ns) - 1}, now_ns).allowed
    taking = Taking(1)
    denied = taking.result_of(SlotsResult(False, {0: taking.take.free_below}))
    assert not denied.decision.allowed


def test_a_denial_that_shows_no_holder_may_be_repeated_at_once() -> None:
    limit = SlotLimit(1, 60)
    denied = decision_by_marks(limit, {}, 5_000_000, allowed=False)
    assert denied == Decision(False, 0, 1, 0, limit)


def test_of_several_keys_each_has_its_own_slots_that_are_believed_free() -> None:
    store = FlakyStore()
    limiter = ConcurrencyLimiter(store, 2)
    held = [limiter.acquire(f"report {number // 2}") for number in range(40)]
    assert all(held)
    for number in range(20):
        held[2 * number].release()
        held[2 * number] = limiter.acquire(f"report {number}")
        assert held[2 * number]
    assert sum(isinstance(sent, TakeSlot) for sent in store.operations) == 60
    for slot in held:
        slot.release()


def test_a_slot_is_chosen_of_those_that_were_not_seen_taken() -> None:
    seen = SeenSlots(2)

    def chosen(key: str) -> set[int]:
        return {seen.choice(key, 4) for _ in range(100)}

    assert chosen("a") == {0, 1, 2, 3}
    seen.note("a", {0: 9, 2: 5, 3: 4}, free_below=5)
    assert chosen("a") == {1, 3}
    seen.free("a", 2)
    assert chosen("a") == {1, 2, 3}
    seen.free("a", 0)
    seen.free("b", 1)
    assert chosen("a") == chosen("b") == {0, 1, 2, 3}
    seen.note("a", dict.fromkeys(range(4), 9), free_below=5)
    assert chosen("a") == {0, 1, 2, 3}, "one may have become free"


def test_p9_what_was_seen_of_slots_is_bounded() -> None:
    seen = SeenSlots(2)
    for number in range(10):
        seen.note(f"key {number}", {0: 9}, free_below=5)
        assert seen.choice(f"key {number}", 2) == 1
        assert len(seen._taken) <= 2
    for key in ("key 8", "key 9", "key 8"):
        seen.note(key, {0: 9}, free_below=5)
    assert {seen.choice("key 9", 2) for _ in range(50)} == {1}


def test_after_eight_lost_races_it_is_denied() -> None:
    taking = Taking(2)
    for _ in range(7):
        taking.take = taking.flow.send(SlotsResult(False, {taking.take.slot: taking.mark(10)}))
    denied = taking.result_of(SlotsResult(False, {taking.take.slot: taking.mark(10)}))
    assert denied.decision == Decision(
        False, 0, SECOND_NS, 10 * SECOND_NS, taking.limit, 0, "table"
    )


def test_what_was_not_sent_leaves_nothing_to_be_released() -> None:
    taking = Taking(1)
    taking.store.time.advance(5)
    anew = taking.flow.throw(ClockMoved("five seconds"))
    assert anew.now_ns == taking.take.now_ns + 5 * SECOND_NS
    with pytest.raises(NotAsked):
        taking.flow.throw(NotAsked("three outages"))
    assert taking.abandoned == []


def test_a_throttled_take_is_denied_and_leaves_nothing_to_be_released() -> None:
    taking = Taking(1)
    with pytest.raises(StopIteration) as done:
        taking.flow.throw(KeyThrottled("too many writes"))
    assert done.value.value == SlotAttempt(
        Decision(False, 0, SECOND_NS, LIFETIME_NS, taking.limit, 0, "throttled")
    )
    assert taking.abandoned == []


@pytest.mark.parametrize("how", ["no answer", "closed"])
def test_what_was_sent_and_got_no_answer_is_to_be_released(how: str) -> None:
    taking = Taking(1)
    if how == "closed":
        taking.flow.close()
    else:
        with pytest.raises(StoreUnavailable):
            taking.flow.throw(StoreUnavailable("out of reach"))
    (abandoned,) = taking.abandoned
    assert (abandoned.key, abandoned.slot) == (KEY, 0)
    assert abandoned.begin_release() == (taking.take.mark,)


def test_where_the_time_is_not_known_it_is_asked_for_first() -> None:
    class Unknown:
        known = False
        now_ns = wall_ns = monotonic_ns = staticmethod(lambda: 0)

    slots = SlotFlows(SlotLimit(2, 60), Unknown(), SeenSlots(8))
    for flow in (slots.take(KEY, None, lambda _: None), slots.peek(KEY)):
        assert next(flow) == ReadClock()
        operation: Any = flow.send(1_800_000_000 * SECOND_NS)
        assert operation.key == KEY
        flow.close()


def test_a_look_tells_how_many_are_free_and_when_one_will_be() -> None:
    store = FlakyStore()
    limiter = ConcurrencyLimiter(store, 2)
    limit = limiter.limit
    assert limiter.peek("report") == Decision(True, 2, 0, 0, limit, 0, "table")
    first = limiter.acquire("report")
    store.time.advance(20)
    second = limiter.acquire("report")
    assert limiter.peek("report") == Decision(False, 0, SECOND_NS, LIFETIME_NS, limit, 0, "table")
    store.time.advance(39.5)
    assert limiter.peek("report").retry_after == 0.5
    first.release()
    assert limiter.peek("report") == Decision(
        True, 1, 0, 20 * SECOND_NS + SECOND_NS // 2, limit, 0, "table"
    )
    second.release()


def test_a_slot_is_told_as_lost_once_and_what_that_raises_is_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    told: list[str] = []

    def fails() -> None:
        told.append("lost")
        raise ZeroDivisionError

    held = HeldSlot(KEY, SlotLimit(1, 60), 0, (1,), fails)
    for _ in range(2):
        held.lose()
    assert told == ["lost"]
    lost, raised = caplog.messages
    assert {record.name for record in caplog.records} == {"ratelimit_ddb"}
    assert lost == (
        "slot of 'report:slots': lost, as it was not renewed within 60 s; "
        "another holder may have it"
    )
    assert raised == "on_lost of 'report:slots' raised"
    assert caplog.records[1].exc_info is not None


def test_a_slot_that_was_released_is_not_told_as_lost() -> None:
    told: list[str] = []
    held = HeldSlot(KEY, SlotLimit(1, 60), 0, (1,), lambda: told.append("lost"))
    held.begin_release()
    held.lose()
    assert (told, held.begin_renewal(2)) == ([], None)


class SetClocks:
    """A store's clocks, each at an instant of its own."""

    known = True

    def __init__(self, monotonic_ns: int, wall_ns: int) -> None:
        self._monotonic_ns = monotonic_ns
        self._wall_ns = wall_ns

    def now_ns(self) -> int:
        raise AssertionError("the table's time is not asked for")

    def monotonic_ns(self) -> int:
        return self._monotonic_ns

    def wall_ns(self) -> int:
        return self._wall_ns


def test_p12_a_slot_lives_nine_tenths_of_its_lifetime_by_both_clocks_and_not_at_their_end() -> None:
    held = HeldSlot("k", SlotLimit(1, 60), 0, (7,), None)
    assert not held.lives(SetClocks(0, 0)), "nothing is known of it yet"
    now_ns = 1_800_000_000_000_000_001
    held.last_from(100, now_ns)
    ends_ns = 54_000_000_000
    for monotonic_ns, wall_ns, lives in (
        (ends_ns + 99, ends_ns + now_ns - 1, True),
        (ends_ns + 100, ends_ns + now_ns - 1, False),
        (ends_ns + 99, ends_ns + now_ns, False),
    ):
        assert held.lives(SetClocks(monotonic_ns, wall_ns)) is lives


def is_renewed_again(slots: SlotFlows, held: HeldSlot) -> bool:
    with pytest.raises(StopIteration) as done:
        next(slots.renew(held))
    again: bool = done.value.value
    return again


def test_a_slot_that_is_lost_or_was_released_meanwhile_is_renewed_no_longer() -> None:
    class ReleasesMeanwhile(SetClocks):
        def now_ns(self) -> int:
            held.begin_release()
            return 0

    held = HeldSlot("k", SlotLimit(1, 60), 0, (7,), None)
    slots = SlotFlows(held.limit, ReleasesMeanwhile(0, 0), SeenSlots(8))
    held.last_from(0, 0)
    assert not is_renewed_again(slots, held)
    held = HeldSlot("k", SlotLimit(1, 60), 0, (7,), None)
    assert not is_renewed_again(slots, held)
    assert held.lost


def test_the_marks_that_a_slot_may_have_are_known_while_it_is_renewed_and_released() -> None:
    held = HeldSlot("k", SlotLimit(1, 60), 0, (7,), None)
    assert held.is_of_this_process
    assert (held.lost, held.released, held.due_ns) == (False, False, 0)
    assert held.begin_renewal(8) == (7, 8)
    assert held.begin_renewal(9) == (7, 8, 9)
    held.renewed(9)
    assert held.begin_renewal(10) == (9, 10)
    assert held.begin_release() == (9, 10)
    assert held.released
    assert held.begin_renewal(11) is None


@pytest.mark.parametrize(("lifetime", "retry_ms"), [(60, 1_000), (5, 500), (1.000000009, 100)])
def test_a_slot_is_renewed_thrice_in_its_lifetime_and_after_a_failure_soon(
    monkeypatch: pytest.MonkeyPatch, lifetime: float, retry_ms: int
) -> None:
    monkeypatch.setattr("ratelimit_ddb.slots.held_slot.monotonic_ns", lambda: 1_000)
    held = HeldSlot("k", SlotLimit(1, lifetime), 0, (7,), None)
    held.last_from(0, 0)
    assert held.due_ns == 1_000 + held.limit.lifetime_ns // 3
    held.retry()
    assert held.due_ns == 1_000 + retry_ms * 10**6
