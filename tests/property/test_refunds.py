"""Refunds: what is given back can be had again, and nothing beyond a full bucket."""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from ratelimit_ddb import Limit, MemoryStore, RateLimiter
from tests.fake_clock import FakeClock
from tests.property.oracle import Reference
from tests.property.strategies import gaps_ns, several_limits

KEY = "api:user-123:endpoint"


class Move(NamedTuple):
    """A taking or a giving back, so long after the one before."""

    gap_ns: int
    takes: bool
    cost: int


@st.composite
def limits_and_moves(draw: st.DrawFn) -> tuple[list[Limit], list[Move]]:
    on = draw(several_limits())
    gap = gaps_ns(draw(st.sampled_from(on)).unit_ns)
    cost = st.integers(1, min(limit.burst for limit in on))
    return on, draw(st.lists(st.builds(Move, gap, st.booleans(), cost), max_size=20))


@given(limits_and_moves())
def test_refunds_are_the_oracles(drawn: tuple[list[Limit], list[Move]]) -> None:
    on, moves = drawn
    clock = FakeClock()
    limiter = RateLimiter(MemoryStore(clock=clock), on)
    reference = Reference(on, clock.now_ns)
    for move in moves:
        clock.advance_ns(move.gap_ns)
        reference.refill(clock.now_ns)
        if move.takes:
            decision = limiter.acquire(KEY, cost=move.cost)
            assert decision._replace(source="table") == reference.decide(move.cost)
        else:
            limiter.refund(KEY, cost=move.cost)
            reference.give_back(move.cost)
        assert limiter.peek(KEY) == reference.say(1)


@given(limits_and_moves())
def test_p1_holds_for_what_was_taken_less_what_was_given_back(
    drawn: tuple[list[Limit], list[Move]],
) -> None:
    on, moves = drawn
    clock = FakeClock()
    limiter = RateLimiter(MemoryStore(clock=clock), on)
    nets: list[tuple[int, int]] = []
    for move in moves:
        clock.advance_ns(move.gap_ns)
        if not move.takes:
            limiter.refund(KEY, cost=move.cost)
            nets.append((clock.now_ns, -move.cost))
        elif limiter.acquire(KEY, cost=move.cost).allowed:
            nets.append((clock.now_ns, move.cost))
    for limit in on:
        for first, (began_ns, _) in enumerate(nets):
            net = 0
            for ended_ns, cost in nets[first:]:
                net += cost
                assert net <= limit.burst + Fraction(ended_ns - began_ns, limit.unit_ns)


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
        limiter.acquire(KEY, cost=before)
        if refund_first:
            limiter.refund(KEY, cost=back)
        assert limiter.acquire(KEY, cost=cost).allowed
        if not refund_first:
            limiter.refund(KEY, cost=back)
        outcomes.append(limiter.peek(KEY))
    assert outcomes[0] == outcomes[1]


@given(several_limits(), st.data())
def test_p1_a_refund_never_fills_beyond_full(on: list[Limit], data: st.DataObject) -> None:
    clock = FakeClock()
    limiter = RateLimiter(MemoryStore(clock=clock), on)
    costs = st.integers(1, min(limit.burst for limit in on))
    limiter.acquire(KEY, cost=data.draw(costs, "taken"))
    for back in data.draw(st.lists(costs, min_size=1, max_size=5), "given back"):
        limiter.refund(KEY, cost=back)
    told = limiter.peek(KEY)
    assert told.remaining <= told.limit.burst
    burst = min(limit.burst for limit in on)
    admitted = [limiter.acquire(KEY).allowed for _ in range(burst + 1)]
    assert not admitted[-1]
