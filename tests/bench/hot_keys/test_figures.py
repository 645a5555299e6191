"""The figures of a hot key, by small cases that can be worked out by hand."""

from __future__ import annotations

from array import array
from collections import deque

import pytest

from bench.hot_keys.case import Case
from bench.hot_keys.figures import (
    Figures,
    Observed,
    admitted_without_delay,
    excess,
    figures_of,
    missed,
)
from ratelimit_ddb.limit import SECOND_NS, Limit

ONE_A_SECOND = Limit(1, 1, burst=2)


def at(*seconds: float) -> list[tuple[int, int]]:
    """Decisions that took no time."""
    return [(int(second * SECOND_NS), int(second * SECOND_NS)) for second in seconds]


@pytest.mark.parametrize(
    ("spans", "tokens"),
    [
        (at(10, 10), 0),
        (at(10, 10, 10), 1),
        (at(10, 10, 11, 12), 0),
        (at(10, 10, 11, 11.5), 0.5),
        (at(10, 11, 12, 13, 13, 13), 1),
        ([*at(10, 10), (10 * SECOND_NS, 12 * SECOND_NS)], 0),
        ([*at(10, 10), (10 * SECOND_NS, 10 * SECOND_NS + SECOND_NS // 2)], 0.5),
        ([(0, 9 * SECOND_NS), *at(8, 9, 9)], 0),
        # Those who had called before may have been served from what was there then.
        ([(0, 9 * SECOND_NS)] * 3 + at(9, 9), 0),
        ([], 0),
    ],
)
def test_p1_the_excess_is_what_is_surely_within_an_interval_above_its_due(
    spans: list[tuple[int, int]], tokens: float
) -> None:
    assert excess(spans, ONE_A_SECOND) == pytest.approx(tokens)


def test_room_that_was_left_is_a_negative_excess() -> None:
    assert excess([(0, SECOND_NS)], ONE_A_SECOND) == pytest.approx(-2)


def test_a_bucket_without_delay_admits_its_burst_and_what_flows_in() -> None:
    calls = [0, 0, 0, SECOND_NS // 2, SECOND_NS, SECOND_NS]
    assert admitted_without_delay(calls, ONE_A_SECOND) == [0, 0, SECOND_NS]


def observed(*calls: tuple[float, float, bool]) -> Observed:
    seen = Observed(0, taken=[deque()])
    for called, answered, admitted in calls:
        seen.called_ns.append(int(called * SECOND_NS))
        seen.answered_ns.append(int(answered * SECOND_NS))
        seen.admitted.append(admitted)
        seen.process.append(0)
    return seen


def test_each_figure_of_four_requests() -> None:
    seen = observed((0, 0.25, True), (1, 1, True), (1.5, 1.5, True), (1.75, 1.75, False))
    # The first of the tokens lapsed, and the last, of a lease of three.
    seen.taken[0] += [
        (SECOND_NS // 8, SECOND_NS // 8, 1),
        (SECOND_NS // 4, SECOND_NS, 1),
        (SECOND_NS, 3 * SECOND_NS // 2, 3),
    ]
    seen.writes, seen.throttled = array("q", [0, SECOND_NS]), array("q", [3 * SECOND_NS // 2])
    figures = figures_of(Case(ONE_A_SECOND, 1, 2, 2, {}), seen)
    assert figures == Figures(
        admitted_over_due=3 / 4,
        steady=1.0,  # of those that came after the first second, both admit the one at 1.5 s
        excess=-0.5,  # from 1 s to 1.5 s, and from the beginning to then
        writes=1.0,
        throttled=0.5,
        settled=1.0,
        units=2 / 3,
        p50_ms=0.0,
        p99_ms=250.0,
        denied=0.0,
        least_served=1.0,
        lapsed=2 / 5,
    )


def test_an_aim_that_is_missed_is_named_with_its_bound() -> None:
    figures = figures_of(Case(ONE_A_SECOND, 1, 2, 2, {}), observed((0, 0, True), (1.5, 1.5, True)))
    assert missed(figures, {"steady": (0.99, None), "excess": (None, 0.0)}) == []
    assert missed(figures, {"units": (1.0, None), "p99_ms": (None, -1.0)}) == [
        "units 0 < 1",
        "p99_ms 0 > -1",
    ]
