"""What follows a failed attempt: a cure, or pauses with full jitter, and in the end an error."""

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

from ddbwire.calls.sender import Carrier
from ddbwire.errors import DeadlineExceeded, Unreachable
from ddbwire.protocol.result import Cure, Trouble
from ddbwire.steps import Answer, Pause, Step

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
    recovery = _Recovery(carrier, again, deadline_ns)
    result = yield from recovery.cure(trouble)
    if type(result) is Trouble and result.cure in _AFTER_A_PAUSE:
        result = yield from recovery.persist(result)
    if type(result) is Trouble:
        raise recovery.error(result)
    return result


class _Recovery(Generic[T]):
    """The attempts after the first, and what is remembered between them."""

    __slots__ = ("_again", "_carrier", "_deadline_ns", "_maybe_applied", "_retries", "_tried")

    def __init__(self, carrier: Carrier, again: Again[T], deadline_ns: int) -> None:
        self._carrier = carrier
        self._again = again
        self._deadline_ns = deadline_ns
        self._tried: set[Cure] = set()
        self._maybe_applied = False
        self._retries = 0

    def cure(self, result: T | Trouble) -> Generator[Step, Answer, T | Trouble]:
        """Apply the cures that need no pause, each of them once a call."""
        while type(result) is Trouble and result.cure in _AT_ONCE - self._tried:
            self._tried.add(result.cure)
            if result.cure is Cure.FRESH_CREDENTIALS:
                yield from self._carrier.renew_credentials()
            elif result.cure is Cure.FRESH_TIME:
                yield from self._carrier.renew_time()
            result = yield from self._attempt(result)
        return result

    def persist(self, trouble: Trouble) -> Generator[Step, Answer, T | Trouble]:
        """Try again after pauses, until it works, can't be cured, or no time or try is left.

        Tenacity keeps the count and chooses the pauses. It is told of the attempt already made as
        the first, and what it would sleep is collected and yielded, for the driver to sleep.
        """
        pauses: list[float] = []
        result: T | Trouble = trouble
        for attempt in Retrying(
            stop=stop_after_attempt(_ATTEMPTS),
            wait=wait_random_exponential(
                multiplier=_FIRST_PAUSE_SECONDS, max=_LONGEST_PAUSE_SECONDS
            ),
            retry=retry_if_result(_worth_a_pause),
            retry_error_callback=_last_result,
            sleep=pauses.append,
        ):
            if pauses and type(result) is Trouble:
                pause_seconds = pauses.pop()
                if monotonic_ns() + pause_seconds * 1e9 >= self._deadline_ns:
                    break
                yield Pause(pause_seconds)
                result = yield from self._attempt(result)
                result = yield from self.cure(result)
            attempt.retry_state.set_result(result)
        return result

    def error(self, trouble: Trouble) -> Exception:
        """What to raise for the trouble that is left in the end."""
        if trouble.refusal is not None:
            return trouble.refusal(self._retries)
        late = trouble.timed_out or monotonic_ns() >= self._deadline_ns
        return (DeadlineExceeded if late else Unreachable)(
            self._carrier.endpoint,
            trouble.cause,
            maybe_applied=trouble.maybe_applied or self._maybe_applied,
        )

    def _attempt(self, before: Trouble) -> Generator[Step, Answer, T | Trouble]:
        self._retries += 1
        self._maybe_applied |= before.maybe_applied
        return (yield from self._again(fresh=before.cure is Cure.FRESH_CONNECTION))


def _worth_a_pause(result: object) -> bool:
    return type(result) is Trouble and result.cure in _AFTER_A_PAUSE


def _last_result(state: RetryCallState) -> object:
    return None if state.outcome is None else state.outcome.result()
