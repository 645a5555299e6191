"""When a call is tried again, and which error it ends in: without a server."""

from __future__ import annotations

import random
from collections.abc import Generator
from typing import Any

import pytest

from ddbwire.calls.retry import retry
from ddbwire.errors import DeadlineExceeded, Unreachable
from ddbwire.protocol.failed_attempt import FailedAttempt, RetryAction
from ddbwire.steps import Sleep, Step, StepResult

NOW_NS = 1_000_000_000_000
BUSY = FailedAttempt(RetryAction.BACK_OFF, "busy")


class Nowhere:
    """A sender whose attempts all fail."""

    endpoint = "http://nowhere"


def retried(failed: FailedAttempt, deadline_ns: int) -> tuple[list[float], Unreachable]:
    """The pauses between the attempts, none of which asks for a new connection; then the error."""

    def attempt(*, new_connection: bool) -> Generator[Step, StepResult, FailedAttempt]:
        assert new_connection is False
        yield from ()
        return BUSY

    sender: Any = Nowhere()
    pauses: list[float] = []
    steps: Generator[Step, StepResult, str] = retry(sender, attempt, failed, deadline_ns)
    try:
        for step in steps:
            assert type(step) is Sleep
            pauses.append(step.seconds)
    except Unreachable as error:
        return pauses, error
    raise AssertionError("a call that never succeeds has ended")


@pytest.fixture(autouse=True)
def _longest_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ddbwire.calls.retry._FIRST_PAUSE_SECONDS", 0.010)
    monkeypatch.setattr("ddbwire.calls.retry.monotonic_ns", lambda: NOW_NS)
    monkeypatch.setattr(random, "uniform", lambda low, high: high if low == 0 else None)


def test_pauses_are_of_chance_up_to_a_length_that_doubles_from_10_ms_to_half_a_second() -> None:
    pauses, error = retried(BUSY, NOW_NS + 10**12)
    assert pauses == pytest.approx([0.010, 0.020, 0.040, 0.080, 0.160, 0.320, 0.5])
    assert type(error) is Unreachable


def test_what_one_attempt_may_have_applied_the_last_one_says() -> None:
    _, error = retried(BUSY._replace(maybe_applied=True), NOW_NS + 10**12)
    assert error.maybe_applied
    _, error = retried(BUSY, NOW_NS + 10**12)
    assert not error.maybe_applied


@pytest.mark.parametrize(("left_ns", "pauses"), [(10_000_000, []), (10_000_001, [0.010])])
def test_a_pause_that_would_take_all_that_is_left_is_not_begun(
    left_ns: int, pauses: list[float]
) -> None:
    found, error = retried(BUSY, NOW_NS + left_ns)
    assert found == pauses
    assert type(error) is Unreachable


@pytest.mark.parametrize(
    ("left_ns", "kind"), [(1, Unreachable), (0, DeadlineExceeded), (-1, DeadlineExceeded)]
)
def test_an_error_at_the_deadline_is_the_deadlines(left_ns: int, kind: type[Exception]) -> None:
    failed = FailedAttempt(RetryAction.FAIL, "closed", maybe_applied=True)
    _, error = retried(failed, NOW_NS + left_ns)
    assert type(error) is kind
    assert error.maybe_applied
    assert "http://nowhere" in str(error)
    assert "closed" in str(error)


def test_after_a_pooled_connection_that_was_closed_the_attempt_is_on_a_new_one() -> None:
    sender: Any = Nowhere()
    on_new: list[bool] = []

    def attempt(*, new_connection: bool) -> Generator[Step, StepResult, str]:
        on_new.append(new_connection)
        yield from ()
        return "done"

    closed = FailedAttempt(RetryAction.RECONNECT, "closed")
    with pytest.raises(StopIteration) as returned:
        next(retry(sender, attempt, closed, NOW_NS + 10**9))
    assert returned.value.value == "done"
    assert on_new == [True]
