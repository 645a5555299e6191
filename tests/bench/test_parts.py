"""Each part of `make bench` still runs, as far as a moment tells."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest

from bench import middleware, outage, rules_side_by_side, sessions, value_cost
from ratelimit_ddb.bucket.decision import Decision

MAKEFILE = Path(__file__).parents[2] / "Makefile"


def test_the_middlewares_part_runs() -> None:
    assert middleware.measured(rounds=1, calls=2)


def test_the_sessions_part_runs() -> None:
    assert sessions.measured(rounds=1, calls=2)


def test_the_values_part_runs_with_every_field_of_a_decision() -> None:
    assert len(value_cost.VALUES) == len(Decision._fields)
    assert value_cost.measured(rounds=1, calls=10)


def test_the_rules_part_runs() -> None:
    results = rules_side_by_side.measured(requests=2)
    assert {style: set(waits) for style, waits in results.items()} == {
        "blocking": {1, 3},
        "asyncio": {1, 3},
    }


def test_an_outage_that_costs_too_much_misses_its_aims() -> None:
    assert outage.missed(outage.Outage((251.0,), 0.04, 1.0, 3.3)) == []
    assert outage.missed(outage.Outage((251.0,), 1.1, 2.1, 4.1)) == [
        "more than 1 ms a request",
        "more than 2 s until it is over",
        "more than 4 limits",
    ]


@pytest.mark.parametrize("module", re.findall(r"-m (bench[.\w]+)", MAKEFILE.read_text()))
def test_each_part_can_be_called(module: str) -> None:
    assert callable(importlib.import_module(module).main)
