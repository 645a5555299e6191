"""P1 and P3 over a history: no more is taken than is due, and a denied call takes nothing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

from ratelimit_ddb.limit import Limit
from ratelimit_ddb.operation import Delete, GiveBack, Take
from tests.simulation.history import History
from tests.simulation.promise_of_clocks import worst_error_ns
from tests.simulation.record import Change, Request

Taken = tuple[int, int]
"""An instant, and what was taken at it in nanoseconds' worth of tokens."""


def check(history: History) -> None:
    """Raise AssertionError for a broken P1 or P3."""
    _p1_in_the_order_of_the_table(history)
    if not any(change.lowers for change in history.changes):
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
    """Admitted calls only; by the readings exactly, by true time within 2e."""
    by_reading: dict[tuple[str, Limit], list[Taken]] = defaultdict(list)
    by_true_time: dict[tuple[str, Limit], list[Taken]] = defaultdict(list)
    for request in history.requests:
        decision = request.decision
        if decision is None or not decision.allowed:
            continue
        assert request.reading_ns is not None, request
        for index, limit in enumerate(request.limits):
            cost_ns = request.cost * limit.unit_ns
            # With several limits the call may sleep for another one; this one's turn is its own.
            turn_ns = _at(request.answered_ns, index) - limit.window_ns
            wait_ns = max(0, turn_ns - request.reading_ns)
            assert wait_ns <= decision.waited_ns, f"P1: {request} began before its turn"
            by_reading[request.key, limit].append((request.reading_ns + wait_ns, cost_ns))
            by_true_time[request.key, limit].append((request.reading_true_ns + wait_ns, cost_ns))
    error_ns = worst_error_ns(history)
    _fits(by_reading, 0, "by readings")
    _fits(by_true_time, error_ns, f"by true time, clocks wrong by {error_ns} ns at most")


def _fits(taken: dict[tuple[str, Limit], list[Taken]], error_ns: int, scale: str) -> None:
    for (key, limit), of_limit in taken.items():
        most_ns = most_above_due_ns(sorted(of_limit))
        above_ns = most_ns - limit.window_ns - 2 * error_ns
        assert above_ns <= 0, f"P1: {key}, {limit}: {above_ns} ns too much {scale}"


def _p1_in_the_order_of_the_table(history: History) -> None:
    """All that was applied, for whomever; net of refunds, anew after each reset.

    A changed limit starts anew as well: what was taken under another can't be held against it.
    """
    changes: dict[str, list[Change]] = defaultdict(list)
    for change in history.changes:
        changes[change.operation.key].append(change)
    for key, of_key in changes.items():
        for index in range(len(history.plan.limits)):
            for limit, taken in _spans(of_key, index):
                most_ns = most_above_due_ns(taken)
                assert most_ns <= limit.window_ns, f"P1: {key} {limit} in the table: {most_ns}"


def _spans(changes: list[Change], index: int) -> Iterator[tuple[Limit, list[Taken]]]:
    limit, taken = changes[0].request.limits[index], []
    for request, operation, after_ns in (
        (change.request, change.operation, change.after_ns) for change in changes
    ):
        if isinstance(operation, Take):
            if request.limits[index] != limit:
                yield limit, taken
                limit, taken = request.limits[index], []
            turn_ns = max(operation.now_ns, _at(after_ns, index) - limit.window_ns)
            taken.append((turn_ns, request.cost * limit.unit_ns))
        elif isinstance(operation, GiveBack):
            if limit.name in operation.names and taken:
                # No instant of its own: it lies with what was taken last before it.
                last_ns, cost_ns = taken.pop()
                back_ns = request.cost * request.limits[index].unit_ns
                taken.append((last_ns, cost_ns - back_ns))
        elif isinstance(operation, Delete) or operation.name == limit.name:
            yield limit, taken
            taken = []
    yield limit, taken


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
            # A deleted item is a full bucket, so TTL must not come before it is one.
            assert take.expires_at_seconds * 1_000_000_000 >= after_ns, f"TTL: {change}"


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
