"""P11 over a history: no clock stays wrong, gains tokens or starves the others."""

from __future__ import annotations

from ratelimit_ddb.limit import SECOND_NS
from ratelimit_ddb.operations.operation import Take
from tests.simulation.history import History
from tests.simulation.process import Process
from tests.simulation.record import Reply

_MEMORY_NS = 120 * SECOND_NS
"""For how long at least a clock remembers what a reply told; at most twice as long."""


def check(history: History) -> None:
    """Raise AssertionError for a broken P11."""
    for process in history.processes:
        _each_reading_is_near(process)
        _the_last_reading_is_nearest(process)
    _nobody_is_starved(history)


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
        if not process.local.offset_ns and not process.local.drift_ppm:
            assert error_ns < process.local.tick_ns, "P11: a well-kept clock was corrected"
        assert error_ns <= width_ns + slack_ns, (
            f"P11: process {process.number} is {error_ns} ns wrong after {replies} replies"
        )


def _the_last_reading_is_nearest(process: Process) -> None:
    """Within what all replies of the last two minutes allow together: it narrows.

    Where a drift has made replies contradict each other, the newest alone is believed.
    """
    if not process.readings:
        return
    true_ns, reading_ns, replies = process.readings[-1]
    heard = process.replies[:replies]
    if _width_ns(heard) < 0:
        return
    recent = [one for one in heard if one.true_ns > heard[-1].true_ns - _MEMORY_NS]
    error_ns = abs(reading_ns - true_ns)
    slack_ns = _slack_ns(process, true_ns - heard[0].true_ns)
    assert error_ns <= _width_ns(recent) + slack_ns, (
        f"P11: process {process.number} is {error_ns} ns wrong, its replies leave "
        f"{_width_ns(recent)} ns"
    )


def _width_ns(replies: list[Reply]) -> int:
    """How wide the interval is that all of them allow; below 0 if they contradict each other."""
    least_ns = max(one.least_offset_ns for one in replies)
    return min(one.most_offset_ns for one in replies) - least_ns


def _slack_ns(process: Process, elapsed_ns: int) -> int:
    return abs(process.local.drift_ppm) * elapsed_ns // 1_000_000 + process.local.tick_ns


def _nobody_is_starved(history: History) -> None:
    """No fullAt lies further ahead than a full window, the wait, and the worst clock's error."""
    error_ns = worst_error_ns(history)
    for change in history.changes:
        request, operation = change.request, change.operation
        if not isinstance(operation, Take):
            continue
        for limit, after_ns in zip(request.limits, change.after_ns, strict=True):
            assert after_ns is not None, change
            ahead_ns = after_ns - change.true_ns
            most_ns = limit.window_ns + request.wait_ns + error_ns
            assert ahead_ns <= most_ns, f"P11: {change} is {ahead_ns} ns ahead"
