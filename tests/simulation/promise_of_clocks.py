"""P11 over a history: no clock stays wrong, gains tokens or starves the others."""

from __future__ import annotations

from ratelimit_ddb.bucket import BEYOND_DOUBT_NS
from ratelimit_ddb.limit import SECOND_NS
from ratelimit_ddb.operation import SetBack, Take
from tests.simulation.history import History
from tests.simulation.process import Process

_MEMORY_NS = 120 * SECOND_NS
"""For how long at least a clock remembers what a reply told; at most twice as long."""


def check(history: History) -> None:
    """Raise AssertionError for a broken P11."""
    for process in history.processes:
        _each_reading_is_near(process)
        _the_last_reading_is_nearest(process)
    _nobody_is_starved(history)
    _only_the_impossible_is_set_back(history)


def worst_error_ns(history: History) -> int:
    """How wrong any reading of any process was."""
    return max(
        (
            abs(reading_ns - true_ns)
            for process in history.processes
            for true_ns, reading_ns, _ in process.readings
        ),
        default=0,
    )


def _each_reading_is_near(process: Process) -> None:
    """Within a second and the last reply's round trip, however wrong the host's own clock is."""
    for true_ns, reading_ns, replies in process.readings:
        assert replies, "P11: the clock was read before the table was asked"
        last = process.replies[replies - 1]
        error_ns = abs(reading_ns - true_ns)
        width_ns = last.most_offset_ns - last.least_offset_ns
        slack_ns = _slack_ns(process, true_ns - last.true_ns)
        assert error_ns <= width_ns + slack_ns, (
            f"P11: process {process.number} is {error_ns} ns wrong after {replies} replies"
        )


def _the_last_reading_is_nearest(process: Process) -> None:
    """Within what all replies of the last two minutes allow together: it narrows."""
    if not process.readings:
        return
    true_ns, reading_ns, replies = process.readings[-1]
    heard = process.replies[:replies]
    recent = [one for one in heard if one.true_ns > heard[-1].true_ns - _MEMORY_NS]
    least_ns = max(one.least_offset_ns for one in recent)
    most_ns = min(one.most_offset_ns for one in recent)
    error_ns = abs(reading_ns - true_ns)
    slack_ns = _slack_ns(process, true_ns - heard[-1].true_ns + 2 * _MEMORY_NS)
    assert error_ns <= max(0, most_ns - least_ns) + slack_ns, (
        f"P11: process {process.number} is {error_ns} ns wrong; its replies say "
        f"{least_ns} to {most_ns}"
    )


def _slack_ns(process: Process, elapsed_ns: int) -> int:
    return abs(process.local.drift_ppm) * elapsed_ns // 1_000_000 + process.local.tick_ns


def _nobody_is_starved(history: History) -> None:
    """No fullAt lies further ahead than a full window, the wait, and the worst clock's error."""
    error_ns = worst_error_ns(history)
    for change in history.changes:
        if not isinstance(change.operation, Take | SetBack):
            continue
        for limit, after_ns in zip(change.request.limits, change.after_ns, strict=False):
            if isinstance(change.operation, SetBack):
                limit = next(
                    one for one in change.request.limits if one.name == change.operation.name
                )
            assert after_ns is not None, change
            ahead_ns = after_ns - change.true_ns
            most_ns = limit.window_ns + change.request.wait_ns + error_ns
            assert ahead_ns <= most_ns, f"P11: {change} is {ahead_ns} ns ahead"


def _only_the_impossible_is_set_back(history: History) -> None:
    """What a limit in force has produced, waits and clocks allowed for, is left alone."""
    error_ns = worst_error_ns(history)
    for change in history.changes:
        if not isinstance(change.operation, SetBack):
            continue
        name, held_ns = change.operation.name, change.operation.seen_ns
        limit = next(one for one in change.request.limits if one.name == name)
        asked_ns = change.request.started_ns
        assert held_ns > asked_ns + limit.window_ns + BEYOND_DOUBT_NS - error_ns, change
        if history.plan.next_limits is None:
            assert 2 * error_ns > 5 * SECOND_NS, f"no limit was changed: {change}"
