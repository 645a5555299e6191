"""P4, P6 and P7 over a history: answers are exact, memory denies as the table, writes are few."""

from __future__ import annotations

from itertools import pairwise

from ratelimit_ddb.limit import Limit
from tests.simulation.history import History
from tests.simulation.promise_of_clocks import worst_error_ns
from tests.simulation.record import Change, Request

Ahead = list[tuple[Limit, int]]
"""Each limit, and how far its fullAt lies ahead of the call's reading: 0 or less when full."""


def check(history: History) -> None:
    """Raise AssertionError for a broken P4, P6 or P7."""
    lowerings = [change for change in history.changes if change.lowers]
    error_ns = worst_error_ns(history)
    for request in history.requests:
        decision = request.decision
        if request.what != "acquire":
            continue
        _p7_takes(request, lowerings)
        if decision is None:
            assert request.outage, f"no decision: {request}"
            continue
        if decision.source == "seen":
            _p6_the_table_denies_too(request, lowerings, history.plan.deny_cache_ns + 2 * error_ns)
        elif decision.allowed:
            _p4_admitted(request)
        else:
            _p4_denied(request)
    for process in history.processes:
        for before, request in pairwise(process.requests):
            _p7_what_was_told_saves_writes(before, request, history.plan.deny_cache_ns)


def _ahead(request: Request, full_at_ns: tuple[int | None, ...]) -> Ahead:
    assert request.reading_ns is not None, request
    now_ns = request.reading_ns
    return [
        (limit, 0 if one_ns is None else one_ns - now_ns)
        for limit, one_ns in zip(request.limits, full_at_ns, strict=True)
    ]


def _missing_ns(request: Request, ahead: Ahead) -> int:
    """Until the bucket with least in it could serve the call: more than 0 where it can't now."""
    return max(
        max(ahead_ns, 0) + request.cost * limit.unit_ns - limit.window_ns - request.wait_ns
        for limit, ahead_ns in ahead
    )


def _tokens(limit: Limit, ahead_ns: int) -> int:
    return max(0, (limit.window_ns - max(0, ahead_ns)) // limit.unit_ns)


def _p4_admitted(request: Request) -> None:
    decision = request.decision
    assert decision is not None
    ahead = _ahead(request, request.answered_ns)
    assert decision.retry_after_ns == 0, f"P4: {request}"
    assert decision.remaining == min(_tokens(*one) for one in ahead), f"P4: {request}"
    assert decision.reset_after_ns == max(ahead_ns for _, ahead_ns in ahead), f"P4: {request}"
    over_ns = max(ahead_ns - limit.window_ns for limit, ahead_ns in ahead)
    assert decision.waited_ns == max(0, over_ns), f"P4: {request}"
    assert decision.waited_ns <= request.wait_ns, f"P4: {request}"


def _p4_denied(request: Request) -> None:
    decision = request.decision
    assert decision is not None
    ahead = _ahead(request, request.answered_ns)
    assert decision.retry_after_ns > 0, f"P4: {request}"
    assert decision.retry_after_ns == _missing_ns(request, ahead), f"P4: {request}"
    assert decision.reset_after_ns == max(ahead_ns for _, ahead_ns in ahead), f"P4: {request}"
    binding = [one for one in ahead if one[0] == decision.limit]
    assert decision.remaining == _tokens(*binding[0]), f"P4: {request}"


def _p6_the_table_denies_too(request: Request, lowerings: list[Change], trusted_ns: int) -> None:
    """Unless another process filled the bucket while an observation is trusted."""
    if _missing_ns(request, _ahead(request, request.held_ns)) > 0:
        return
    now_ns = request.reading_true_ns
    assert any(
        now_ns - trusted_ns <= lowering.true_ns <= now_ns and not _noticed(request, lowering)
        for lowering in lowerings
    ), f"P6: the table holds {request.held_ns} for {request}"


def _noticed(request: Request, lowering: Change) -> bool:
    """Whether a process knows of it: it was its own call, in time, with no other under way."""
    own = lowering.request.process == request.process
    return own and request.serial and not lowering.late


def _p7_takes(request: Request, lowerings: list[Change]) -> None:
    """One reading of the clock, and a write for each limit and one more.

    And one more still where another process moved the item's expiry in between, once an hour.
    """
    readings_ns = {take.now_ns for take in request.takes}
    assert readings_ns <= {request.reading_ns}, f"two readings in {request}"
    overtaken = any(not take.extends for take in request.takes)
    if len(request.takes) <= len(request.limits) + 1 + overtaken:
        return
    assert any(
        lowering.true_ns <= request.ended_ns and lowering.operation.key == request.key
        for lowering in lowerings
    ), f"P7: {len(request.takes)} takes in {request}"


def _p7_what_was_told_saves_writes(before: Request, request: Request, trusted_ns: int) -> None:
    """What the call before was told picks the branch, or is enough to deny without a call."""
    same = before.key == request.key and before.limits == request.limits
    acquires = before.what == request.what == "acquire" and before.serial
    if not same or not acquires or before.decision is None or before.decision.source == "seen":
        return
    assert request.reading_ns is not None, request
    assert before.reading_ns is not None, before
    ahead = _ahead(request, before.answered_ns)
    # With a deny_cache of 0 nothing denies from memory, not even at the very same instant.
    trusted = 0 < trusted_ns >= abs(request.reading_ns - before.reading_ns)
    if trusted and _missing_ns(request, ahead) > 0:
        assert not request.takes, f"P7: {before} told enough for {request}"
    elif request.takes:
        idle = tuple(
            full_at_ns is None or full_at_ns < request.reading_ns
            for full_at_ns in before.answered_ns
        )
        assert request.takes[0].idle == idle, f"P7: {before} told better for {request}"
