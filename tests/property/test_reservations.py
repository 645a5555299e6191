"""Reservations in any order of settling, with crashes between: P1 of estimates, a bound of use."""

from __future__ import annotations

from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from ratelimit_ddb import Limit, MemoryStore, RateLimited, RateLimiter, Reservation
from tests.fake_clock import FakeClock

_LIMITS = (Limit(10, 1.0, 10), Limit(60, 60.0, 5), Limit(7, 3.0, 20))


class Step(NamedTuple):
    """What happens next: after a pause, in one of three processes."""

    what: str
    pause_ms: int
    process: int
    cost: int
    which: int


STEPS = st.lists(
    st.builds(
        Step,
        st.sampled_from(("reserve", "reserve", "reserve", "settle", "settle", "crash", "charge")),
        st.sampled_from((0, 0, 1, 40, 100, 333, 1_000, 5_000)),
        st.integers(0, 2),
        st.integers(1, 20),
        st.integers(0, 5),
    ),
    min_size=5,
    max_size=60,
)


class Use(NamedTuple):
    """What was taken of the limit and kept: when, how much, and whether it could be refused."""

    at_ns: int
    cost: int
    is_asked: bool


class History:
    """Plays steps, and notes in the table's order what was asked, kept and charged."""

    def __init__(self, limit: Limit) -> None:
        self.limit = limit
        self.clock = FakeClock()
        store = MemoryStore(clock=self.clock)
        self.processes = [RateLimiter(store, limit) for _ in range(3)]
        self.open: list[tuple[int, Reservation]] = []
        self.uses: list[Use] = []

    def play(self, steps: list[Step]) -> None:
        for step in steps:
            self.clock.advance_ns(step.pause_ms * 1_000_000)
            limiter = self.processes[step.process]
            if step.what == "reserve":
                self.reserve(limiter, 1 + step.cost % self.limit.burst)
            elif step.what == "charge":
                limiter.charge("k", step.cost)
                self.uses.append(Use(self.clock.now_ns, step.cost, is_asked=False))
            elif self.open:
                index, reservation = self.open.pop(step.which % len(self.open))
                if step.what == "settle":
                    self.settle(index, limiter, reservation, step.cost)

    def reserve(self, limiter: RateLimiter, cost: int) -> None:
        try:
            reservation = limiter.reserve("k", cost)
        except RateLimited:
            return
        self.open.append((len(self.uses), reservation))
        self.uses.append(Use(self.clock.now_ns, cost, is_asked=True))

    def settle(self, index: int, limiter: RateLimiter, reservation: Reservation, used: int) -> None:
        limiter.settle(reservation, used)
        kept = self.uses[index]
        if used < kept.cost:
            self.uses[index] = kept._replace(cost=used)
        elif used > kept.cost:
            self.uses.append(Use(self.clock.now_ns, used - kept.cost, is_asked=False))


def over(limit: Limit, uses: list[Use]) -> int:
    """By how much more than P1 allows was used, up to any use that could have been refused."""
    worst_ns = -1
    for last, use in enumerate(uses):
        if not use.is_asked:
            continue
        used = 0
        for first in range(last, -1, -1):
            used += uses[first].cost
            passed_ns = use.at_ns - uses[first].at_ns
            worst_ns = max(worst_ns, used * limit.unit_ns - limit.window_ns - passed_ns)
    return worst_ns


@given(st.sampled_from(_LIMITS), STEPS)
def test_p1_reservations_are_admitted_within_the_limit_whatever_they_are_settled_for(
    limit: Limit, steps: list[Step]
) -> None:
    history = History(limit)
    history.play(steps)
    assert over(limit, [use for use in history.uses if use.is_asked]) <= 0


@given(st.sampled_from(_LIMITS), STEPS)
def test_p1_what_was_used_exceeds_the_limit_only_by_what_was_charged_after_the_last_admission(
    limit: Limit, steps: list[Step]
) -> None:
    history = History(limit)
    history.play(steps)
    assert over(limit, history.uses) <= 0


@given(st.sampled_from(_LIMITS), STEPS)
def test_p4_after_a_debt_a_request_is_admitted_when_it_was_told_and_not_before(
    limit: Limit, steps: list[Step]
) -> None:
    history = History(limit)
    history.play(steps)
    told = history.processes[0].charge("k", limit.burst + 3)
    history.clock.advance_ns(told.retry_after_ns - 1_000_000)
    assert not history.processes[1].acquire("k")
    history.clock.advance_ns(1_000_000)
    assert history.processes[2].acquire("k")


@given(st.sampled_from(_LIMITS), STEPS, st.integers(1, 100))
def test_a_block_holds_to_the_second_whatever_was_reserved_and_is_settled_under_it(
    limit: Limit, steps: list[Step], seconds: int
) -> None:
    history = History(limit)
    history.play(steps)
    told = history.processes[0].block("k", seconds)
    assert told.retry_after_ns >= seconds * 1_000_000_000
    for _, reservation in history.open:
        reservation.settle(0)
    history.clock.advance_ns(seconds * 1_000_000_000 - 1_000_000)
    assert not history.processes[1].acquire("k")
    assert not history.processes[2].peek("k")
