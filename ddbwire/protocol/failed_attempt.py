"""A failed attempt, and what the call does then.

Source: "Error handling with DynamoDB", Amazon DynamoDB Developer Guide.
"""

from collections.abc import Callable
from enum import Enum, auto
from functools import partial
from typing import NamedTuple, final

from ddbwire.errors import ConfigurationError
from ddbwire.steps import NoResponse


class RetryAction(Enum):
    """What to do after a failed attempt."""

    FAIL = auto()
    """Nothing: another attempt would fail in the same way, or might apply the request twice."""
    BACK_OFF = auto()
    """Try again after a pause."""
    RECONNECT = auto()
    """Try again at once on a new connection: the pooled one had been closed by the other side."""
    REFRESH_CREDENTIALS = auto()
    """Try again at once, signed with new credentials."""
    SYNC_CLOCK = auto()
    """Ask for the time and try again at once: the time in the signature was refused."""


@final
class FailedAttempt(NamedTuple):
    """An attempt that failed."""

    action: RetryAction
    cause: str
    make_error: Callable[[int], Exception] | None = None
    """Makes the exception to raise if it is the last attempt, from the number of retries.

    None if the endpoint sent no error: the exception is ``Unreachable`` then.
    """
    maybe_applied: bool = False
    """Whether the request may have been applied."""
    timed_out: bool = False
    """Whether the deadline ended the attempt."""


def classify_failure(failure: NoResponse, *, repeatable: bool) -> FailedAttempt:
    """The failed attempt for an exchange without a complete response.

    ``repeatable`` is the request's: whether it may be sent again though it may have been applied.
    """
    if failure.timed_out or (failure.sent and not repeatable):
        action = RetryAction.FAIL
    elif failure.stale:
        action = RetryAction.RECONNECT
    else:
        action = RetryAction.BACK_OFF
    return FailedAttempt(
        action, failure.cause, maybe_applied=failure.sent, timed_out=failure.timed_out
    )


def misconfigured(failure: NoResponse, endpoint: str) -> FailedAttempt:
    """The failed attempt for a failure with a ``misconfiguration``, before any call succeeded."""
    error = partial(_configuration_error, f"{endpoint}: {failure.misconfiguration}")
    return FailedAttempt(RetryAction.FAIL, failure.cause, error)


def _configuration_error(message: str, _retries: int) -> ConfigurationError:
    return ConfigurationError(message)
