"""The simulation of a hot key: every case runs, and a seed decides all."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bench.hot_keys import simulation
from bench.hot_keys.case import CASES, Case
from bench.hot_keys.figures import missed
from bench.hot_keys.table import line


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_each_case_can_be_simulated(case: Case) -> None:
    short = replace(case, seconds=30 / case.offered)
    assert line(case, simulation.simulated(short)).startswith(case.name)


def test_the_same_seed_gives_the_same_figures() -> None:
    short = replace(CASES[-1], seconds=1)
    assert simulation.simulated(short) == simulation.simulated(short)
    assert simulation.simulated(short) != simulation.simulated(short, seed=2)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_p1_p2_p13_p14_each_case_meets_its_aims(case: Case) -> None:
    assert missed(simulation.simulated(case), case.all_aims) == []


def test_p1_cold_keys_of_a_few_processes_get_all_that_is_due() -> None:
    case = next(case for case in CASES if case.name == "10/s,4,20")
    figures = simulation.simulated(case)
    assert figures.excess <= 0
    assert figures.steady >= 0.99


def test_an_unknown_case_is_refused_with_those_that_there_are(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", ["simulation", "1/s"])
    with pytest.raises(SystemExit):
        simulation.main()
    assert "unknown case '1/s'; expected one of 10/s,4,5" in capsys.readouterr().err
