"""P1 and P3 over a history: no more is taken than is due, and a denied call takes nothing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

from ratelimit_ddb.limit import Limit
from ratelimit_ddb.operations.operation import Delete, GiveBack, Take
from tests.simulation.history import History
from tests.simulation.promise_of_clocks import worst_error_ns
from tests.simulation.record import Change, Request

Taken = tuple[int, int]
"""An instant, and what was taken at it in nanoseconds' worth of tokens."""


def check(history: History) -> None:
    """Raise AssertionError for a broken P1 or P3."""
    _p1_in_the_order_of_the_table(history)
    if not history.plan.resets:
        _p1_in_every_interval(history)
    _p1_each_take_fits(history)
    _p3_denied_took_nothing(history)


def most_above_due_ns(taken: Iterable[Taken]) -> int:
    """Over all intervals from one taking to a later or equal one: the most of (sum - D).

    The sum over i..j less the time between is (C[j] - t[j]) - (C[i-1] - t[i]), C being the running
    sum; so the least bracket of any i <= j is kept while j goes on.
    """
    running_ns, least_ns, most_ns = 0, None, 0
    for instant_ns, cost_ns in taken:
        bracket_ns = running_ns - instant_ns
        if least_ns is None or bracket_ns < least_ns:
            least_ns = bracket_ns
        running_ns += cost_ns
        most_ns = max(most_ns, running_ns - instant_ns - least_ns)
    return most_ns


def _p1_in_every_interval(history: History) -> None:
    """What admitted calls kept; by the readings exactly, by true time within 2e.

    With refunds by true time alone: a refund by one host is held against takes by another, and
    while its write is under way it is as wrong as a clock that stands still for so long.
    """
    by_reading: dict[tuple[str, Limit], list[Taken]] = defaultdict(list)
    by_true_time: dict[tuple[str, Limit], list[Taken]] = defaultdict(list)
    for request in history.requests:
        decision = request.decision
        if decision is None or not decision.allowed:
            continue
        assert request.reading_ns is not None, request
        for index, limit in enumerate(request.limits):
            cost_ns = (request.cost - request.refunded) * limit.unit_ns
            # With several limits the call may sleep for another one; this one's turn is its own.
            turn_ns = _at(request.answered_ns, index) - limit.window_ns
            wait_ns = max(0, turn_ns - request.reading_ns)
            assert wait_ns <= decision.waited_ns, f"P1: {request} began before its turn"
            by_reading[request.key, limit].append((request.reading_ns + wait_ns, cost_ns))
            by_true_time[request.key, limit].append((request.reading_true_ns + wait_ns, cost_ns))
    error_ns = worst_error_ns(history)
    refunds = [one for one in history.changes if isinstance(one.operation, GiveBack)]
    if not refunds:
        _fits(by_reading, 0, "by readings")
    delay_ns = max((one.true_ns - one.request.reading_true_ns for one in refunds), default=0)
    scale = f"by true time, clocks wrong by {error_ns} ns, refunds under way for {delay_ns} ns"
    _fits(by_true_time, 2 * error_ns + delay_ns, scale)


def _fits(taken: dict[tuple[str, Limit], list[Taken]], error_ns: int, scale: str) -> None:
    for (key, limit), of_limit in taken.items():
        most_ns = most_above_due_ns(sorted(of_limit))
        above_ns = most_ns - limit.window_ns - error_ns
        assert above_ns <= 0, f"P1: {key}, {limit}: {above_ns} ns too much {scale}"


def _p1_in_the_order_of_the_table(history: History) -> None:
    """All that was applied, for whomever; net of refunds, anew after each reset."""
    changes: dict[str, list[Change]] = defaultdict(list)
    for change in history.changes:
        changes[change.operation.key].append(change)
    for key, of_key in changes.items():
        for limit in {limit for change in of_key for limit in change.request.limits}:
            for taken in _spans(of_key, limit):
                most_ns = most_above_due_ns(taken)
                assert most_ns <= limit.window_ns, f"P1: {key} {limit} in the table: {most_ns}"


def _spans(changes: list[Change], limit: Limit) -> Iterator[list[Taken]]:
    """What was taken of a limit and not given back, between the resets.

    What another limit of the same name gives back counts as a reset: it is none of this one's.
    """
    taken: list[Taken] = []
    for change in changes:
        request, operation = change.request, change.operation
        if isinstance(operation, Delete):
            yield taken
            taken = []
        elif limit.name not in operation.names:
            continue
        elif limit not in request.limits:
            if isinstance(operation, GiveBack):
                yield taken
                taken = []
        elif isinstance(operation, Take):
            after_ns = _at(change.after_ns, operation.names.index(limit.name))
            turn_ns = max(operation.now_ns, after_ns - limit.window_ns)
            taken.append((turn_ns, request.cost * limit.unit_ns))
        elif taken:
            # No instant of its own: it lies with what was taken last before it.
            last_ns, cost_ns = taken.pop()
            back_ns = operation.amount_ns[operation.names.index(limit.name)]
            taken.append((last_ns, cost_ns - back_ns))
    yield taken


def _p1_each_take_fits(history: History) -> None:
    """One step of the promise: max(fullAt, now) + cost, and no more than window + wait ahead."""
    for change in history.changes:
        take, request = change.operation, change.request
        if not isinstance(take, Take):
            continue
        for index, limit in enumerate(request.limits):
            held_ns, after_ns = change.before_ns[index], _at(change.after_ns, index)
            started_ns = take.now_ns if held_ns is None else max(held_ns, take.now_ns)
            assert after_ns == started_ns + request.cost * limit.unit_ns, f"P1: {change}"
            ahead_ns = after_ns - take.now_ns
            assert ahead_ns <= limit.window_ns + request.wait_ns, f"P1: {change}"


def _p3_denied_took_nothing(history: History) -> None:
    """Each admitted call was applied once, each denied one never; but for losses and repeats."""
    for request in history.requests:
        decision = request.decision
        if request.what != "acquire" or decision is None:
            continue
        expected = 1 if decision.allowed else 0
        assert request.applications >= expected, f"P3: {request}"
        if not request.disturbed:
            assert request.applications == expected, f"P3: {request}"
    applied = sum(isinstance(change.operation, Take) for change in history.changes)
    assert applied == sum(map(_applications, history.requests)), "P3: a taking without a call"


def _applications(request: Request) -> int:
    return request.applications


def _at(full_at_ns: tuple[int | None, ...], index: int) -> int:
    one_ns = full_at_ns[index]
    assert one_ns is not None, "a take leaves every fullAt there"
    return one_ns
