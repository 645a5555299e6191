"""Processes that want more than a limit gives, and what the sum of them was given."""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing.synchronize import Barrier

from ratelimit_ddb import DynamoDBStore, Limit, RateLimiter
from ratelimit_ddb.limit import SECOND_NS

all_ready: Barrier


@dataclass(frozen=True, slots=True)
class Demand:
    """What one process does: ask without end for so long."""

    endpoint_url: str
    table: str
    limit: str
    seconds: float
    clock_wrong_by_seconds: float = 0


@dataclass(frozen=True, slots=True)
class Admission:
    """When a request was admitted: its decision read the clock between the two instants.

    The instants are of the machine's monotonic clock, which its processes share.
    """

    asked_ns: int
    answered_ns: int


def satisfy(demand: Demand) -> list[Admission]:
    """In a process of its own: be admitted as often as may be."""
    _set_wall_clock_wrong(demand.clock_wrong_by_seconds)
    store = DynamoDBStore(demand.table, endpoint_url=demand.endpoint_url)
    store.warm_up()
    limiter = RateLimiter(store, demand.limit, on_outage="raise", deadline=5)
    # Twenty requests a second for three seconds: what a busy process would have sent before.
    for _ in range(60):
        limiter.acquire(f"warming up {os.getpid()}")
        time.sleep(0.05)
    all_ready.wait()
    until_ns = time.monotonic_ns() + round(demand.seconds * SECOND_NS)
    admissions = []
    while (asked_ns := time.monotonic_ns()) < until_ns:
        decision = limiter.acquire("wanted")
        if decision.allowed:
            admissions.append(Admission(asked_ns, time.monotonic_ns()))
        else:
            time.sleep(min(decision.retry_after, 0.005))
    store.close()
    return admissions


def satisfy_all(demands: Sequence[Demand]) -> list[list[Admission]]:
    """Every demand in its own process, side by side, all beginning to ask at once."""
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(
        len(demands),
        mp_context=spawn,
        initializer=_know_when_all_are_ready,
        initargs=(spawn.Barrier(len(demands)),),
    ) as processes:
        return list(processes.map(satisfy, demands))


def _know_when_all_are_ready(barrier: Barrier) -> None:
    global all_ready  # noqa: PLW0603 - a barrier can only be inherited
    all_ready = barrier


def most_over(admissions: Sequence[Admission], limit: Limit, clock_error_ns: int = 0) -> float:
    """By how many tokens P1 was broken in the worst interval; zero or less when it was kept.

    Counted are the admissions that surely lie within an interval, for every interval that begins
    with one and ends with one.
    """
    by_answer = sorted(admissions, key=lambda admission: admission.answered_ns)
    worst = float("-inf")
    for first in admissions:
        begin_ns, count = first.asked_ns, 0
        for admission in by_answer:
            if admission.asked_ns >= begin_ns:
                count += 1
                length_ns = admission.answered_ns - begin_ns + 2 * clock_error_ns
                worst = max(worst, count - limit.burst - length_ns / limit.unit_ns)
    return worst


def _set_wall_clock_wrong(by_seconds: float) -> None:
    right_ns = time.time_ns
    time.time_ns = lambda: right_ns() + round(by_seconds * SECOND_NS)
