"""Real processes on one hot key: what they saw is put together, and judged as a simulation is."""

from __future__ import annotations

from bench import lineup
from bench.hot_keys.case import Case
from bench.hot_keys.processes import measured, observed_by
from bench.hot_keys.throttling_server import throttling_server
from ratelimit_ddb import Limit


def test_what_the_processes_saw_is_in_the_order_of_the_answers() -> None:
    one = {"called_ns": [1, 3], "answered_ns": [4, 5], "admitted": [True, False]}
    other = {"called_ns": [2], "answered_ns": [2], "admitted": [True]}
    observed = observed_by([one, other], 0)
    assert list(observed.called_ns) == [2, 1, 3]
    assert list(observed.answered_ns) == [2, 4, 5]
    assert list(observed.admitted) == [1, 1, 0]
    assert list(observed.process) == [1, 0, 0]


def test_p1_two_processes_on_the_throttling_server_admit_what_is_due() -> None:
    case = Case(Limit(10, 1), 2, 60, 1, {}, ceiling=1_000)
    with throttling_server(case.ceiling) as server:
        figures, note = measured(lineup.OURS_ASYNC, case, server, "limits")
    assert note == ""
    assert figures.excess <= 0
    assert 0.5 <= figures.admitted_over_due <= 1
    assert figures.writes > 0
    assert figures.throttled == 0
