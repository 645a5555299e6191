"""``kill -9`` of a process at every step of what it has on the wire (P1, P3, P12, P16)."""

from __future__ import annotations

from pathlib import Path

from tests.engine.faults import step_kill_verdicts
from tests.engine.faults.step_kills import killed_at_every_step
from tests.engine.faults.verdicts import Verdict, judge_sessions
from tests.session_table import session_table

STEPS = {"before-sending", "after-sending", "after-reading", ""}


def test_p3_p12_a_kill_at_any_step_takes_nothing_that_was_not_asked_for(
    dynamodb_endpoint: str, table: str, tmp_path: Path
) -> None:
    runs = killed_at_every_step("limits", dynamodb_endpoint, table, tmp_path)
    verdict = Verdict()
    more = step_kill_verdicts.judge_limits(verdict, runs, dynamodb_endpoint, table)
    assert not verdict.violations
    assert {run.step for run in runs} == STEPS
    assert len(set(more)) > 2, "what was sent is taken or given back, though nobody hears of it"


def test_p1_p12_a_kill_at_any_step_loses_one_lease_at_most(
    dynamodb_endpoint: str, table: str, tmp_path: Path
) -> None:
    steps = range(2, 100, 7)
    begun_ns = step_kill_verdicts.filled(steps, dynamodb_endpoint, table)
    runs = killed_at_every_step("leases", dynamodb_endpoint, table, tmp_path, steps)
    verdict = Verdict()
    lost = step_kill_verdicts.judge_leases(verdict, runs, begun_ns, dynamodb_endpoint, table)
    assert not verdict.violations
    assert max(lost) > 1, "some were killed with a lease in hand"


def test_p16_a_kill_at_any_step_gives_the_slots_back_after_their_lifetime(
    dynamodb_endpoint: str, table: str, tmp_path: Path
) -> None:
    runs = killed_at_every_step("slots", dynamodb_endpoint, table, tmp_path)
    verdict = Verdict()
    step_kill_verdicts.judge_slots(verdict, runs, dynamodb_endpoint, table)
    assert not verdict.violations
    assert {run.step for run in runs} == STEPS


def test_a_kill_at_any_step_leaves_each_session_as_it_was_saved_or_ended(
    dynamodb_endpoint: str, tmp_path: Path
) -> None:
    verdict = Verdict()
    with session_table(dynamodb_endpoint) as table:
        runs = killed_at_every_step("sessions", dynamodb_endpoint, table, tmp_path)
        lines = [line for run in runs for line in run.lines]
        judge_sessions(verdict, lines, dynamodb_endpoint, table)
    assert not verdict.violations
    assert {"ended stays ended", "saved is there", "none torn"} <= set(verdict.looked_at)
