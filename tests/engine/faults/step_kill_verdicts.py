"""What is to be said of processes that were killed at each step: by what they noted, and the
table."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence

from ratelimit_ddb import ConcurrencyLimiter, DynamoDBStore, RateLimiter
from tests.engine.faults import step_kills
from tests.engine.faults.step_kills import Run
from tests.engine.faults.verdicts import Verdict
from tests.rate_limit_table import client

MOST_LEASED = 10
"""Of step_kills.HOT: its own rate for half a second."""
_PATIENCE_SECONDS = 10.0


def judge_limits(verdict: Verdict, runs: Iterable[Run], url: str, table: str) -> list[int]:
    """P3, P12: taken is what was admitted, and at most what the one call under way would take.

    Returns:
        how many tokens more than was admitted each run has taken.
    """
    more = []
    with DynamoDBStore(table, endpoint_url=url) as store:
        limiter = RateLimiter(store, step_kills.LIMIT, deadline=_PATIENCE_SECONDS)
        for run in runs:
            sure, unsure = sure_and_unsure(run)
            taken = step_kills.LIMIT.burst - limiter.peek(run.key).remaining
            more.append(taken - sure)
            verdict.require(
                "P3, P12",
                sure + min(unsure, 0) <= taken <= sure + max(unsure, 0),
                f"{run.key}, killed {run.step}: {taken} taken, {sure} and {unsure} asked for",
            )
    return more


def filled(steps: Iterable[int], url: str, table: str) -> dict[str, int]:
    """Fill the keys of runs of ``leases`` so that all takes add up; their ``fullAt``, by key."""
    keys = [f"leases{step}" for step in steps]
    with DynamoDBStore(table, endpoint_url=url) as store:
        limiter = RateLimiter(store, step_kills.HOT, deadline=_PATIENCE_SECONDS)
        for key in keys:
            limiter.acquire(key, cost=1_000)
    return _full_at_ns(keys, url, table)


def judge_leases(
    verdict: Verdict, runs: Sequence[Run], begun_ns: Mapping[str, int], url: str, table: str
) -> list[float]:
    """P1, P12: what was admitted was taken, and what was taken and not admitted is one lease.

    Returns:
        how many tokens each run has lost.
    """
    ended_ns = _full_at_ns([run.key for run in runs], url, table)
    lost = []
    for run in runs:
        taken = (ended_ns[run.key] - begun_ns[run.key]) / step_kills.HOT.unit_ns
        lost.append(taken - sure_and_unsure(run)[0])
        verdict.require("P1, P12", 0 <= lost[-1] <= MOST_LEASED, f"{run.key} lost {lost[-1]:g}")
    return lost


def judge_slots(verdict: Verdict, runs: Iterable[Run], url: str, table: str) -> None:
    """P16: a lifetime later all slots are free."""
    time.sleep(step_kills.LIFETIME_SECONDS)
    with DynamoDBStore(table, endpoint_url=url) as store:
        limiter = ConcurrencyLimiter(
            store,
            step_kills.SLOTS,
            lifetime=step_kills.LIFETIME_SECONDS,
            deadline=_PATIENCE_SECONDS,
        )
        for run in runs:
            free = limiter.peek(run.key).remaining
            verdict.require("P16", free == step_kills.SLOTS, f"{run.key}: {free} slots are free")


def sure_and_unsure(run: Run) -> tuple[int, int]:
    """The tokens that a run surely took, and what the one more that it may have done would take."""
    sure, unsure = 0, 0
    for line in run.lines:
        if line.what == "may":
            unsure = line.value
        elif line.what == "did":
            sure, unsure = sure + line.value, 0
    return sure, unsure


def _full_at_ns(keys: Iterable[str], url: str, table: str) -> dict[str, int]:
    dynamodb = client(url)
    found = {}
    for key in keys:
        read = dynamodb.get_item(TableName=table, Key={"key": {"S": key}}, ConsistentRead=True)
        found[key] = int(read["Item"][f"fullAt:{step_kills.HOT.name}"]["N"])
    dynamodb.close()
    return found
