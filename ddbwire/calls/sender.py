"""The protocol of a sender of requests: this package's own HTTP, or botocore."""

from collections.abc import Generator
from typing import Protocol, TypeAlias

from ddbwire.protocol.failed_attempt import FailedAttempt
from ddbwire.protocol.request import DynamoDBRequest
from ddbwire.protocol.result import CallResult, StaleTimestamp
from ddbwire.steps import NoResponse, Step, StepResult

Attempt: TypeAlias = Generator[Step, StepResult, CallResult | FailedAttempt]
DateRequest: TypeAlias = Generator[Step, StepResult, FailedAttempt | None]

MAX_DATE_REQUESTS = 4
"""How many requests one attempt makes: two are enough, unless the Dates differ each time."""
CONTRADICTORY_DATES = NoResponse("the Dates of its replies contradict each other", sent=False)

_TIMELY_NS = 5 * 1_000_000_000
"""How old the time in a request may be. Calls take less. A signature's may be minutes old."""


class Sender(Protocol):
    """Makes single attempts, without retries. Its methods are generators that do no I/O."""

    @property
    def endpoint(self) -> str:
        """The endpoint's URL, for messages."""

    def attempt(self, request: DynamoDBRequest, *, new_connection: bool) -> Attempt:
        """Send a request once; with ``new_connection``, not over a pooled connection."""

    def request_date(self, *, new_connection: bool) -> DateRequest:
        """Get one response of any kind, for its Date."""

    def refresh_credentials(self) -> Generator[Step, StepResult, None]:
        """Get new credentials, since the endpoint says that the current ones have expired."""

    def sync_clock(self) -> Generator[Step, StepResult, None]:
        """Get the time again, since the endpoint refused the one in the signature."""

    def close(self) -> None:
        """Close its connections; a later attempt opens new ones."""


def check_timestamp(request: DynamoDBRequest, now_ns: int) -> StaleTimestamp | None:
    """The result of a request whose time differs from the table's; None if it may be sent."""
    if request.now_ns is None or abs(now_ns - request.now_ns) <= _TIMELY_NS:
        return None
    return StaleTimestamp(now_ns - request.now_ns)
