"""What follows a failed attempt: a cure, or pauses with full jitter, and in the end an error."""

from collections.abc import Generator
from time import monotonic_ns
from typing import Protocol, TypeVar

from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_result,
    stop_after_attempt,
    wait_random_exponential,
)

from ddbwire.call import Carrier
from ddbwire.errors import DeadlineExceeded, Unreachable
from ddbwire.outcome import Cure, Trouble
from ddbwire.step import Answer, Pause, Step

_ATTEMPTS = 8
_FIRST_PAUSE_SECONDS = 0.010
"""The most that the first pause may last; each further one may last twice as long.

DynamoDB answers in 5 to 10 ms and a call has 250 ms, typically. Source for the full jitter:
"Exponential Backoff And Jitter", AWS Architecture Blog.
"""
_LONGEST_PAUSE_SECONDS = 0.5

_AT_ONCE = frozenset({Cure.FRESH_CONNECTION, Cure.FRESH_CREDENTIALS, Cure.FRESH_TIME})
_AFTER_A_PAUSE = frozenset({Cure.PAUSE, Cure.FRESH_CONNECTION})

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Again(Protocol[T_co]):
    """Makes one more attempt."""

    def __call__(self, *, fresh: bool) -> Generator[Step, Answer, T_co | Trouble]:
        """Start it; ``fresh`` asks for a new connection."""


def recover(
    carrier: Carrier, again: Again[T], trouble: Trouble, deadline_ns: int
) -> Generator[Step, Answer, T]:
    """Follow up a first attempt that ended in ``trouble``.

    Raises:
        Unreachable: no attempt brought a usable answer; DeadlineExceeded if time ran out.
        botocore.exceptions.ClientError: what the endpoint said in the last attempt.
    """
    tried: set[Cure] = set()
    result = yield from _cure(carrier, again, trouble, tried)
    if type(result) is Trouble and result.cure in _AFTER_A_PAUSE:
        result = yield from _persist(carrier, again, result, tried, deadline_ns)
    if type(result) is not Trouble:
        return result
    if result.error is not None:
        raise result.error
    late = result.timed_out or monotonic_ns() >= deadline_ns
    raise (DeadlineExceeded if late else Unreachable)(
        carrier.endpoint, result.cause, maybe_applied=result.maybe_applied
    )


def _cure(
    carrier: Carrier, again: Again[T], result: T | Trouble, tried: set[Cure]
) -> Generator[Step, Answer, T | Trouble]:
    """Apply the cures that need no pause, each of them once a call."""
    while type(result) is Trouble and result.cure in _AT_ONCE and result.cure not in tried:
        tried.add(result.cure)
        if result.cure is Cure.FRESH_CREDENTIALS:
            yield from carrier.renew_credentials()
        fresh = result.cure is Cure.FRESH_CONNECTION
        result = _remembering(result, (yield from again(fresh=fresh)))
    return result


def _persist(
    carrier: Carrier, again: Again[T], trouble: Trouble, tried: set[Cure], deadline_ns: int
) -> Generator[Step, Answer, T | Trouble]:
    """Try again after pauses, until it works, can't be cured, or no time or try is left.

    Tenacity keeps the count and chooses the pauses. It is told of the attempt already made as
    the first, and what it would sleep is collected and yielded, for the driver to sleep.
    """
    pauses: list[float] = []
    result: T | Trouble = trouble
    for attempt in Retrying(
        stop=stop_after_attempt(_ATTEMPTS),
        wait=wait_random_exponential(multiplier=_FIRST_PAUSE_SECONDS, max=_LONGEST_PAUSE_SECONDS),
        retry=retry_if_result(_worth_a_pause),
        retry_error_callback=_last_result,
        sleep=pauses.append,
    ):
        if pauses:
            pause_seconds = pauses.pop()
            if monotonic_ns() + pause_seconds * 1e9 >= deadline_ns:
                break
            yield Pause(pause_seconds)
            again_result = yield from again(fresh=False)
            result = yield from _cure(carrier, again, _remembering(result, again_result), tried)
        attempt.retry_state.set_result(result)
    return result


def _worth_a_pause(result: object) -> bool:
    return type(result) is Trouble and result.cure in _AFTER_A_PAUSE


def _last_result(state: RetryCallState) -> object:
    return None if state.outcome is None else state.outcome.result()


def _remembering(before: T | Trouble, result: T | Trouble) -> T | Trouble:
    """``result``; if it is trouble, mindful that an earlier attempt may have been applied."""
    if type(result) is Trouble and type(before) is Trouble and before.maybe_applied:
        return result._replace(maybe_applied=True)
    return result
