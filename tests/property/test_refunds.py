"""Refunds: what is given back can be had again, nothing beyond a full bucket, and P1 holds."""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratelimit_ddb import Decision, Limit, MemoryStore, RateLimiter
from tests.fake_clock import FakeClock
from tests.property.oracle import require_at_most_due
from tests.property.strategies import gaps_ns, limits, several_limits, waits_ns

KEY = "api:user-123:endpoint"


class Move(NamedTuple):
    """A taking, or a giving back of some of an earlier one, so long after the move before."""

    gap_ns: int
    process: int
    takes: bool
    cost: int
    wait_ns: int
    which: int


@st.composite
def limits_and_moves(draw: st.DrawFn, *, waits: bool) -> tuple[list[Limit], list[Move]]:
    on = draw(several_limits())
    unit_ns = draw(st.sampled_from(on)).unit_ns
    move = st.builds(
        Move,
        gaps_ns(unit_ns),
        st.integers(0, 1),
        st.booleans(),
        st.integers(1, min(limit.burst for limit in on)),
        waits_ns(unit_ns) if waits else st.just(0),
        st.integers(0, 30),
    )
    return on, draw(st.lists(move, max_size=24))


class Taking(NamedTuple):
    """A request that was admitted: its turn, and the decision, which knows what is kept."""

    turn_ns: int
    decision: Decision

    @property
    def kept(self) -> int:
        assert self.decision.taken is not None
        return self.decision.taken.kept


def played(on: list[Limit], moves: list[Move]) -> list[Taking]:
    clock = FakeClock()
    store = MemoryStore(clock=clock)
    processes = [RateLimiter(store, on) for _ in range(2)]
    takings: list[Taking] = []
    for move in moves:
        clock.advance_ns(move.gap_ns)
        limiter = processes[move.process]
        refundable = [taking for taking in takings if taking.kept]
        if move.takes or not refundable:
            decision = limiter.acquire(KEY, cost=move.cost, max_wait=move.wait_ns / 1e9)
            if decision.allowed:
                takings.append(Taking(clock.now_ns + decision.waited_ns, decision))
        else:
            taking = refundable[move.which % len(refundable)]
            limiter.refund(taking.decision, cost=min(move.cost, taking.kept))
    return takings


@given(limits_and_moves(waits=False) | limits_and_moves(waits=True))
def test_p1_holds_for_what_is_kept_whenever_the_rest_was_given_back(
    drawn: tuple[list[Limit], list[Move]],
) -> None:
    on, moves = drawn
    kept = [(taking.turn_ns, taking.kept) for taking in played(on, moves)]
    for limit in on:
        require_at_most_due(kept, limit.burst, Fraction(limit.unit_ns))


@given(several_limits(), st.data())
def test_p1_waiters_keep_their_turns_and_nobody_is_let_in_at_the_same(
    on: list[Limit], data: st.DataObject
) -> None:
    """A full bucket is taken, some wait for theirs, and then tokens of the first are given back."""
    clock = FakeClock()
    limiter = RateLimiter(MemoryStore(clock=clock), on, deny_cache=0)
    burst = min(limit.burst for limit in on)
    longest = max(limit.unit_ns for limit in on) / 1e9
    first = limiter.acquire(KEY, cost=burst)
    takings = [Taking(clock.now_ns, first)]

    def take(max_wait: float) -> None:
        decision = limiter.acquire(KEY, max_wait=min(30.0, max_wait))
        if decision.allowed:
            takings.append(Taking(clock.now_ns + decision.waited_ns, decision))

    for _ in range(data.draw(st.integers(0, 3), "waiting")):
        take(3 * longest)
    limiter.refund(first, cost=data.draw(st.integers(1, burst), "given back"))
    for _ in range(data.draw(st.integers(1, 4), "coming after")):
        clock.advance_ns(data.draw(gaps_ns(on[0].unit_ns), "gap_ns"))
        take(3 * longest)
    kept = [(taking.turn_ns, taking.kept) for taking in takings]
    for limit in on:
        require_at_most_due(kept, limit.burst, Fraction(limit.unit_ns))


@given(several_limits(), st.data())
def test_p3_what_is_given_back_at_once_leaves_no_trace(
    on: list[Limit], data: st.DataObject
) -> None:
    """Whatever order parallel requests are given back in, after others that are kept."""
    clock = FakeClock()
    limiter = RateLimiter(MemoryStore(clock=clock), on)
    burst = min(limit.burst for limit in on)
    kept = data.draw(st.integers(0, burst - 1), "kept")
    if kept:
        limiter.acquire(KEY, cost=kept)
    before = limiter.peek(KEY)
    pair = [limiter.acquire(KEY) for _ in range(min(2, burst - kept))]
    for decision in data.draw(st.permutations(pair), "order"):
        limiter.refund(decision)
    assert limiter.peek(KEY) == before


@given(limits(least_burst=3), st.data())
def test_a_refund_gives_back_what_the_take_still_weighs(limit: Limit, data: st.DataObject) -> None:
    """A bucket that was full: of n tokens, those that have not flowed back by themselves."""
    clock = FakeClock()
    limiter = RateLimiter(MemoryStore(clock=clock), limit)
    cost = data.draw(st.integers(1, limit.burst), "cost")
    decision = limiter.acquire(KEY, cost=cost)
    units = data.draw(st.integers(0, limit.burst + 1), "tokens' time passed")
    clock.advance_ns(units * limit.unit_ns)
    assert limiter.refund(decision) == (units < cost)
    assert limiter.peek(KEY).remaining == limit.burst
    assert limiter.peek(KEY).reset_after_ns == 0


@given(several_limits(least_burst=3), st.data())
def test_a_refund_and_a_taking_commute(on: list[Limit], data: st.DataObject) -> None:
    """Where both orders are admitted and neither fills the bucket in between."""
    smallest_burst = min(limit.burst for limit in on)
    before = data.draw(st.integers(2, smallest_burst - 1), "taken before")
    back = data.draw(st.integers(1, before - 1), "given back")
    cost = data.draw(st.integers(1, smallest_burst - before), "taken")
    outcomes = []
    for refund_first in (True, False):
        limiter = RateLimiter(MemoryStore(clock=FakeClock()), on)
        decision = limiter.acquire(KEY, cost=before)
        if refund_first:
            limiter.refund(decision, cost=back)
        assert limiter.acquire(KEY, cost=cost).allowed
        if not refund_first:
            limiter.refund(decision, cost=back)
        outcomes.append(limiter.peek(KEY))
    assert outcomes[0] == outcomes[1]


@given(
    st.permutations(range(5)),
    st.lists(st.integers(0, 1), min_size=5, max_size=5),
    st.lists(st.integers(1, 3), min_size=5, max_size=5),
)
def test_p3_takes_of_one_instant_leave_no_trace_whatever_the_order_of_giving_back(
    order: list[int], which_process: list[int], costs: list[int]
) -> None:
    """Logins that are under way together and succeed, each when its password was checked."""
    store = MemoryStore(clock=FakeClock())
    processes = [RateLimiter(store, "100/hour") for _ in range(2)]
    taken = [processes[0].acquire(KEY, cost=cost) for cost in costs]
    for number, process in zip(order, which_process, strict=True):
        assert processes[process].refund(taken[number])
    assert processes[0].peek(KEY).remaining == 100


def test_p1_a_take_given_back_54_seconds_late_does_not_admit_it_twice() -> None:
    """1,000 a minute: 900 are taken and given back when all of them have flowed back already."""
    clock = FakeClock()
    limiter = RateLimiter(MemoryStore(clock=clock), "1000/minute", deny_cache=0)
    decision = limiter.acquire(KEY, cost=900)
    clock.advance(54)
    assert limiter.acquire(KEY, cost=1_000).allowed
    assert limiter.refund(decision) is False
    assert not limiter.acquire(KEY).allowed


def test_more_than_was_taken_is_refused_and_so_is_a_second_refund() -> None:
    limiter = RateLimiter(MemoryStore(), "5/minute")
    decision = limiter.acquire(KEY, cost=3)
    with pytest.raises(ValueError, match="must be from 1 to 3: of the 3 tokens"):
        limiter.refund(decision, cost=4)
    limiter.refund(decision, cost=1)
    limiter.refund(decision)
    with pytest.raises(ValueError, match=r"all 3 tokens .* given back before"):
        limiter.refund(decision)


def test_a_refund_takes_the_decision_and_nothing_else() -> None:
    limiter = RateLimiter(MemoryStore(), "1/minute")
    with pytest.raises(TypeError, match="must be the Decision that acquire returned"):
        limiter.refund(KEY)  # type: ignore[arg-type]
    other = RateLimiter(MemoryStore(), "2/minute").acquire(KEY)
    with pytest.raises(ValueError, match="not this limiter's limits"):
        limiter.refund(other)
    limiter.acquire(KEY)
    assert limiter.refund(limiter.acquire(KEY)) is False
