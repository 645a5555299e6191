"""Seeded histories of one hot key: queues and leases among crashes, forks, losses, wrong clocks."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.simulation.leased.history import History, play
from tests.simulation.leased.promise import check

HISTORIES = 20_000
BLOCK = 1_000
QUICK = 400


@pytest.mark.parametrize("first_seed", range(QUICK, HISTORIES, BLOCK))
def test_p1_p3_p12_hold_over_every_history_with_leases(first_seed: int) -> None:
    for seed in range(first_seed, first_seed + BLOCK):
        check(play(seed))


def test_p1_p3_p12_hold_over_the_first_histories_in_which_all_happens() -> None:
    happened: Counter[str] = Counter()
    for seed in range(QUICK):
        history = play(seed)
        check(history)
        happened.update(_happenings(history))
    assert {what: times for what, times in happened.items() if times < QUICK // 50} == {}
    assert happened["leased"] > QUICK // 3
    assert len(happened) == 15


def test_a_seed_always_plays_the_same_history() -> None:
    first, second = play(8), play(8)
    assert [process.admitted for process in first.processes] == [
        process.admitted for process in second.processes
    ]


def _happenings(history: History) -> set[str]:
    """What a history has of all that may go well or wrong."""
    plan, processes = history.plan, history.processes
    found = {
        "leased": any(process.leased for process in processes),
        "returned to a lease": any(process.refunds_to_leases for process in processes),
        "waited": any(process.waited for process in processes),
        "throttled": any(process.throttled for process in processes),
        "without a queue": any(host.lease_ns is None for host in plan.hosts),
        "lease=0": any(host.lease_ns == 0 for host in plan.hosts),
        "leased beside a quota": any(process.leased for process in processes)
        and plan.limits != plan.buckets,
        "wrong clocks": plan.error_ns > 0,
        "crashes": plan.crashes > 0,
        "forks": plan.forks > 0,
        "suspensions": plan.suspensions > 0,
        "wall clock set": plan.wall_steps > 0,
        "lost": plan.lost > 0,
        "late": plan.late > 0,
        "repeated": plan.repeated > 0,
    }
    return {what for what, is_there in found.items() if is_there}
