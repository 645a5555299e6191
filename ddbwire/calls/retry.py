"""Retries after a failed attempt: at once, or with backoff and full jitter; finally an error."""

from collections.abc import Generator
from time import monotonic_ns
from typing import Generic, Protocol, TypeVar

from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_result,
    stop_after_attempt,
    wait_random_exponential,
)

from ddbwire.calls.sender import Sender
from ddbwire.errors import DeadlineExceeded, Unreachable
from ddbwire.protocol.failed_attempt import FailedAttempt, RetryAction
from ddbwire.steps import Sleep, Step, StepResult

_ATTEMPTS = 8
_FIRST_PAUSE_SECONDS = 0.010
"""The longest first pause; each further one may be twice as long.

DynamoDB answers in 5 to 10 ms and a call has 250 ms, typically. Source for the full jitter:
"Exponential Backoff And Jitter", AWS Architecture Blog.
"""
_LONGEST_PAUSE_SECONDS = 0.5

_IMMEDIATE = frozenset(
    {RetryAction.RECONNECT, RetryAction.REFRESH_CREDENTIALS, RetryAction.SYNC_CLOCK}
)
_WITH_BACKOFF = frozenset({RetryAction.BACK_OFF, RetryAction.RECONNECT})

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class MakeAttempt(Protocol[T_co]):
    """Starts one more attempt."""

    def __call__(
        self, *, new_connection: bool
    ) -> Generator[Step, StepResult, T_co | FailedAttempt]:
        """Start it; with ``new_connection``, not over a pooled connection."""


def retry(
    sender: Sender, make_attempt: MakeAttempt[T], failed: FailedAttempt, deadline_ns: int
) -> Generator[Step, StepResult, T]:
    """Retry after a first attempt that ``failed``.

    Raises:
        Unreachable: no attempt got a usable response; DeadlineExceeded if time ran out.
        botocore.exceptions.ClientError: the error of the endpoint in the last attempt.
    """
    retries = _Retries(sender, make_attempt, deadline_ns)
    result = yield from retries.retry_at_once(failed)
    if type(result) is FailedAttempt and result.action in _WITH_BACKOFF:
        result = yield from retries.retry_with_backoff(result)
    if type(result) is FailedAttempt:
        raise retries.error(result)
    return result


class _Retries(Generic[T]):
    """The attempts after the first, and the state between them."""

    __slots__ = ("_deadline_ns", "_make_attempt", "_maybe_applied", "_retries", "_sender", "_taken")

    def __init__(self, sender: Sender, make_attempt: MakeAttempt[T], deadline_ns: int) -> None:
        self._sender = sender
        self._make_attempt = make_attempt
        self._deadline_ns = deadline_ns
        self._taken: set[RetryAction] = set()
        self._maybe_applied = False
        self._retries = 0

    def retry_at_once(
        self, result: T | FailedAttempt
    ) -> Generator[Step, StepResult, T | FailedAttempt]:
        """Make the retries that need no pause, each action once in a call."""
        while type(result) is FailedAttempt and result.action in _IMMEDIATE - self._taken:
            self._taken.add(result.action)
            if result.action is RetryAction.REFRESH_CREDENTIALS:
                yield from self._sender.refresh_credentials()
            elif result.action is RetryAction.SYNC_CLOCK:
                yield from self._sender.sync_clock()
            result = yield from self._attempt(result)
        return result

    def retry_with_backoff(
        self, failed: FailedAttempt
    ) -> Generator[Step, StepResult, T | FailedAttempt]:
        """Retry after pauses until an attempt succeeds or must not be retried, or time runs out.

        Tenacity counts the attempts, the one already made included, and chooses the pauses. Its
        pauses are collected and yielded, so that the driver sleeps.
        """
        pauses: list[float] = []
        result: T | FailedAttempt = failed
        for attempt in Retrying(
            stop=stop_after_attempt(_ATTEMPTS),
            wait=wait_random_exponential(
                multiplier=_FIRST_PAUSE_SECONDS, max=_LONGEST_PAUSE_SECONDS
            ),
            retry=retry_if_result(_is_worth_a_pause),
            retry_error_callback=_give_up,
            sleep=pauses.append,
        ):
            if pauses and type(result) is FailedAttempt:
                pause_seconds = pauses.pop()
                if monotonic_ns() + pause_seconds * 1e9 >= self._deadline_ns:
                    break
                yield Sleep(pause_seconds)
                result = yield from self._attempt(result)
                result = yield from self.retry_at_once(result)
            attempt.retry_state.set_result(result)
        return result

    def error(self, failed: FailedAttempt) -> Exception:
        """The exception to raise for the last attempt."""
        if failed.make_error is not None:
            return failed.make_error(self._retries)
        late = failed.timed_out or monotonic_ns() >= self._deadline_ns
        return (DeadlineExceeded if late else Unreachable)(
            self._sender.endpoint,
            failed.cause,
            maybe_applied=failed.maybe_applied or self._maybe_applied,
        )

    def _attempt(self, before: FailedAttempt) -> Generator[Step, StepResult, T | FailedAttempt]:
        self._retries += 1
        self._maybe_applied |= before.maybe_applied
        return (
            yield from self._make_attempt(new_connection=before.action is RetryAction.RECONNECT)
        )


def _is_worth_a_pause(result: object) -> bool:
    return type(result) is FailedAttempt and result.action in _WITH_BACKOFF


def _give_up(_state: RetryCallState) -> None:
    """End the attempts: without it, Tenacity raises an error of its own."""
