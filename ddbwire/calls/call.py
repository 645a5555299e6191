"""One call: an attempt and, if it fails, retries, before a deadline. Does no I/O.

``retry.py`` imports tenacity. So it is not imported with the package, but by ``transport.py`` at
the first resolution, before the deadline of any call.
"""

from collections.abc import Callable, Generator
from functools import partial
from typing import TypeAlias, TypeVar

from ddbwire.calls.key_schema import find_key_schema
from ddbwire.calls.sender import Sender
from ddbwire.errors import failures
from ddbwire.protocol.failed_attempt import FailedAttempt
from ddbwire.protocol.request import DynamoDBRequest
from ddbwire.protocol.result import CallResult
from ddbwire.steps import Step, StepResult

T = TypeVar("T")

StartCall: TypeAlias = Callable[[Sender, int], Generator[Step, StepResult, T]]
"""Starts the generator of a call, for a sender and a deadline."""


def call(
    request: DynamoDBRequest, sender: Sender, deadline_ns: int
) -> Generator[Step, StepResult, CallResult]:
    """Send one request, with retries.

    Raises:
        Unreachable: there was no usable response.
        botocore.exceptions.ClientError: DynamoDB refused for another reason than a condition.
    """
    result = yield from sender.attempt(request, new_connection=False)
    if type(result) is not FailedAttempt:
        return result
    from ddbwire.calls.retry import MakeAttempt, retry

    make_attempt: MakeAttempt[CallResult] = partial(sender.attempt, request)
    try:
        return (yield from retry(sender, make_attempt, result, deadline_ns))
    except failures() as failure:
        yield from find_key_schema(failure, request, sender)
        raise


def sync_clock(sender: Sender, deadline_ns: int) -> Generator[Step, StepResult, None]:
    """Get one response of any kind, for its Date.

    Raises:
        Unreachable: there was none.
    """
    failed = yield from sender.request_date(new_connection=False)
    if failed is not None:
        from ddbwire.calls.retry import retry

        yield from retry(sender, sender.request_date, failed, deadline_ns)
