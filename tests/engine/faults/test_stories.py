"""Some seconds of each kind of fault, on several processes; ``python -m tests.engine.faults`` is
the long form."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest

from tests.engine.faults.durable_engine import durable_engine
from tests.engine.faults.nursery import Nursery
from tests.engine.faults.proxy import FAIR, FOUL, Weather
from tests.engine.faults.storyteller import Story
from tests.engine.faults.trial import Outcome, Trial, tried
from tests.session_table import aws_settings

SECONDS = 3.0
NETWORK = ("partition", "cut all")
PROCESSES = ("kill a worker", "suspend a worker")


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    with aws_settings(), Nursery() as forked_of:
        yield forked_of


def story(kinds: Sequence[str], weather: Weather, seed: int = 1) -> Story:
    return Story(SECONDS, kinds, weather, seed)


def require_kept(outcome: Outcome, *promises: str) -> None:
    """No violation, though there was what could have brought one."""
    assert not outcome.verdict.violations
    assert outcome.faults.total() >= 3
    assert set(promises) <= set(outcome.verdict.looked_at)


def test_p1_p10_a_limit_holds_behind_a_network_that_drops_delays_repeats_and_cuts(
    nursery: Nursery, dynamodb_endpoint: str
) -> None:
    trial = Trial("network", "limiter", story(NETWORK, FOUL))
    require_kept(tried(trial, nursery, dynamodb_endpoint), "P1", "P10")


def test_p1_p11_p12_leases_hold_where_processes_are_killed_suspended_and_have_wrong_clocks(
    nursery: Nursery, dynamodb_endpoint: str
) -> None:
    trial = Trial("processes", "leases", story((*PROCESSES, "set a clock"), FAIR))
    require_kept(tried(trial, nursery, dynamodb_endpoint), "P1", "P10")


def test_p10_each_process_has_one_limit_in_a_partition_and_three_decisions_wait(
    nursery: Nursery, dynamodb_endpoint: str
) -> None:
    trial = Trial("partition", "local", story(NETWORK, FAIR))
    require_kept(tried(trial, nursery, dynamodb_endpoint), "P1", "P10")


def test_p16_slots_hold_where_holders_are_killed_and_suspended_and_replies_are_lost(
    nursery: Nursery, dynamodb_endpoint: str
) -> None:
    trial = Trial("slots", "slots", story((*PROCESSES, *NETWORK), FOUL))
    require_kept(tried(trial, nursery, dynamodb_endpoint), "P16")


def test_sessions_are_whole_and_stay_saved_and_ended_though_the_engine_is_killed(
    nursery: Nursery,
) -> None:
    with durable_engine() as engine:
        trial = Trial("engine", "sessions", story(("kill a worker", "kill the engine"), FOUL))
        require_kept(tried(trial, nursery, engine.url, engine), "saved is there", "none torn")


@pytest.mark.alone
def test_p2_after_a_partition_all_that_is_due_is_given_again(
    nursery: Nursery, dynamodb_endpoint: str
) -> None:
    trial = Trial("recovery", "leases", Story(2.0, NETWORK, FAIR, seed=2), seconds_after=7.0)
    require_kept(tried(trial, nursery, dynamodb_endpoint), "P1", "P2")
