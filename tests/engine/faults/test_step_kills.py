"""``kill -9`` of a process at every step of what it has on the wire (P1, P3, P12, P16)."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ratelimit_ddb import ConcurrencyLimiter, DynamoDBStore, RateLimiter
from tests.engine.faults import step_kills
from tests.engine.faults.step_kills import killed_at_every_step, sure_and_unsure
from tests.engine.faults.verdicts import Verdict, judge_sessions
from tests.rate_limit_table import client
from tests.session_table import session_table

MOST_LEASED = 10
"""Of HOT: its own rate for half a second."""
STEPS = {"before-sending", "after-sending", "after-reading", ""}


def test_p3_p12_a_kill_at_any_step_takes_nothing_that_was_not_asked_for(
    dynamodb_endpoint: str, table: str, tmp_path: Path
) -> None:
    runs = killed_at_every_step("limits", dynamodb_endpoint, table, tmp_path)
    assert {run.step for run in runs} == STEPS
    with DynamoDBStore(table, endpoint_url=dynamodb_endpoint) as store:
        limiter = RateLimiter(store, step_kills.LIMIT, deadline=10)
        changes: dict[str, set[int]] = defaultdict(set)
        for run in runs:
            sure, unsure = sure_and_unsure(run)
            taken = step_kills.LIMIT.burst - limiter.peek(run.key).remaining
            assert sure + min(unsure, 0) <= taken <= sure + max(unsure, 0), run
            changes[run.step].add(taken - sure)
    # What was sent is taken, whoever hears of it.
    assert changes["before-sending"] != changes["after-sending"]


def test_p1_p12_a_kill_at_any_step_loses_one_lease_at_most(
    dynamodb_endpoint: str, table: str, tmp_path: Path
) -> None:
    steps = range(2, 100, 7)
    with (
        full_at_of(dynamodb_endpoint, table) as full_at_ns,
        DynamoDBStore(table, endpoint_url=dynamodb_endpoint) as store,
    ):
        limiter = RateLimiter(store, step_kills.HOT, deadline=10)
        keys = [f"leases{step}" for step in steps]
        for key in keys:
            limiter.acquire(key, cost=1_000)  # so that all that comes adds up
        begun_ns = {key: full_at_ns(key) for key in keys}
        runs = killed_at_every_step("leases", dynamodb_endpoint, table, tmp_path, steps)
        sources = set()
        for run in runs:
            admitted, _ = sure_and_unsure(run)
            taken_ns = full_at_ns(run.key) - begun_ns[run.key]
            lost = taken_ns / step_kills.HOT.unit_ns - admitted
            assert 0 <= lost <= MOST_LEASED, run.key
            sources.add(lost)
    assert len(sources) > 1, "some were killed with a lease in hand"


def test_p16_a_kill_at_any_step_gives_the_slots_back_after_their_lifetime(
    dynamodb_endpoint: str, table: str, tmp_path: Path
) -> None:
    runs = killed_at_every_step("slots", dynamodb_endpoint, table, tmp_path)
    assert {run.step for run in runs} == STEPS
    time.sleep(step_kills.LIFETIME_SECONDS)
    with DynamoDBStore(table, endpoint_url=dynamodb_endpoint) as store:
        limiter = ConcurrencyLimiter(store, step_kills.SLOTS, lifetime=1.0, deadline=10)
        for run in runs:
            assert limiter.peek(run.key).remaining == step_kills.SLOTS, run


def test_a_kill_at_any_step_leaves_each_session_as_it_was_saved_or_ended(
    dynamodb_endpoint: str, tmp_path: Path
) -> None:
    with session_table(dynamodb_endpoint) as table:
        runs = killed_at_every_step("sessions", dynamodb_endpoint, table, tmp_path)
        verdict = Verdict()
        lines = [line for run in runs for line in run.lines]
        judge_sessions(verdict, lines, dynamodb_endpoint, table)
    assert not verdict.violations
    assert {"ended", "saved", "torn"} <= set(verdict.looked_at)


@contextmanager
def full_at_of(endpoint_url: str, table: str) -> Iterator[Callable[[str], int]]:
    """What the table holds of a key of HOT."""
    dynamodb = client(endpoint_url)

    def full_at_ns(key: str) -> int:
        found = dynamodb.get_item(TableName=table, Key={"key": {"S": key}}, ConsistentRead=True)
        return int(found["Item"][f"fullAt:{step_kills.HOT.name}"]["N"])

    yield full_at_ns
    dynamodb.close()
