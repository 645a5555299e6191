"""Histories of real processes on the real engine are linearizable: thousands of short ones.

``LINEARIZABILITY_HISTORIES=10000`` tries so many of each kind, and
``LINEARIZABILITY_SEED=123 LINEARIZABILITY_HISTORIES=1`` those of a seed that a failure told.
docs/decisions/023 says what is claimed, and how to read a failure.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.linearizability.counterexample import counterexample
from tests.linearizability.history import is_linearizable
from tests.linearizability.process import Processes, processes
from tests.linearizability.program import SETUPS, Setup, program_of
from tests.rate_limit_table import rate_limit_table

HISTORIES = int(os.environ.get("LINEARIZABILITY_HISTORIES", "430"))
FIRST_SEED = int(os.environ.get("LINEARIZABILITY_SEED", "0"))
_BATCH = 50

OF_NAME = {setup.name: setup for setup in SETUPS}


@pytest.fixture(scope="module")
def some_processes(dynamodb_endpoint: str) -> Iterator[Processes]:
    with pytest.MonkeyPatch.context() as environment:
        # As for single tests, whose fixtures come later.
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            environment.delenv(name)
        environment.setenv("AWS_CONFIG_FILE", os.devnull)
        environment.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
        environment.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
        environment.setenv("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
        environment.setenv("AWS_DEFAULT_REGION", "us-east-1")
        with (
            rate_limit_table(dynamodb_endpoint) as table,
            processes(dynamodb_endpoint, table) as some,
        ):
            yield some


def counterexamples(
    some: Processes, setup: Setup, histories: int, mutant: str = ""
) -> Iterator[str]:
    """Those of the histories of a kind that no order explains."""
    for first in range(FIRST_SEED, FIRST_SEED + histories, _BATCH):
        seeds = range(first, min(first + _BATCH, FIRST_SEED + histories))
        programs = [program_of(setup, seed) for seed in seeds]
        for program, calls in zip(programs, some.run(programs, mutant), strict=True):
            assert len(calls) == sum(map(len, program.steps))
            if not setup.deny_cache_ns:
                assert not any(call.from_memory for call in calls), "it always asks the store"
            if not is_linearizable(setup, calls):
                yield counterexample(program, calls)


@pytest.mark.parametrize("setup", SETUPS, ids=lambda setup: setup.name)
def test_some_order_explains_what_all_calls_answered(
    some_processes: Processes, setup: Setup
) -> None:
    found = next(counterexamples(some_processes, setup, HISTORIES), None)
    assert found is None, found


@pytest.mark.parametrize(
    ("mutant", "setup"),
    [
        ("reads, then writes", "one limit"),
        ("reads of a stale replica", "two limits"),
        ("gives back twice", "one limit"),
        ("gives out a slot that is held", "slots"),
    ],
)
def test_a_store_with_a_fault_is_found(some_processes: Processes, mutant: str, setup: str) -> None:
    found = next(counterexamples(some_processes, OF_NAME[setup], 2_000, mutant), None)
    assert found is not None
    assert "no order explains" in found
