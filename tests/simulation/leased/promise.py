"""P1, P3 and P12 over a history of a hot key."""

from __future__ import annotations

from collections import Counter

from ratelimit_ddb.quota import Quota
from tests.simulation.leased.history import History
from tests.simulation.leased.plan import MINUTE_NS
from tests.simulation.promise_of_amounts import most_above_due_ns


def check(history: History) -> None:
    """Raise AssertionError for a broken promise."""
    _p1_in_every_interval(history)
    _p1_in_each_window_of_a_quota(history)
    _p3_nobody_spends_more_than_was_taken(history)
    _p12_a_lease_ends_and_what_is_left_of_it_lapses(history)


def _p1_in_every_interval(history: History) -> None:
    """By the readings exactly, by true time within 2e; with refunds as long as one is under way.

    A refund by one host is held against takes by another, by true time alone; while its write is
    under way, it is as wrong as a clock that stands still for so long.
    """
    plan = history.plan
    admitted = [one for process in history.processes for one in process.admitted]
    slack_ns = 2 * plan.error_ns
    slack_ns += max((process.slowest_refund_ns for process in history.processes), default=0)
    for limit in plan.buckets:
        by_reading = sorted((one.reading_ns, one.cost * limit.unit_ns) for one in admitted)
        by_true_time = sorted((one.true_ns, one.cost * limit.unit_ns) for one in admitted)
        if not plan.refunds:
            above_ns = most_above_due_ns(by_reading) - limit.window_ns
            assert above_ns <= 0, _broken(history, "P1", f"{limit}: {above_ns} ns by readings")
        above_ns = most_above_due_ns(by_true_time) - limit.window_ns - slack_ns
        assert above_ns <= 0, _broken(history, "P1", f"{limit}: {above_ns} ns by true time")


def _p1_in_each_window_of_a_quota(history: History) -> None:
    """By the readings, whatever was leased: no lease is spent in another window."""
    for quota in history.plan.limits:
        if not isinstance(quota, Quota):
            continue
        admitted: Counter[int] = Counter()
        for process in history.processes:
            for one in process.admitted:
                admitted[one.reading_ns // MINUTE_NS] += one.cost
        most = max(admitted.values(), default=0)
        assert most <= quota.quantity, _broken(history, "P1", f"{most} in a window of {quota}")


def _p3_nobody_spends_more_than_was_taken(history: History) -> None:
    """What a process admits, its own writes have brought: no token is spent twice (P12)."""
    for process in history.processes:
        spent = sum(one.cost for one in process.admitted)
        assert spent <= process.bought, _broken(
            history, "P3, P12", f"{spent} spent of {process.bought}"
        )


def _p12_a_lease_ends_and_what_is_left_of_it_lapses(history: History) -> None:
    changes = [change for change in history.table.changes if change.lowers]
    for process in history.processes:
        assert not process.too_late, _broken(history, "P12", f"late by {process.too_late} ns")
        for change in changes:
            returned = change.request in process.refunds_of_leases
            assert not returned, _broken(history, "P12", f"{change.operation} of a lease")


def _broken(history: History, promise: str, what: str) -> str:
    return f"{promise}: seed {history.seed}: {what}; {history.plan}"
