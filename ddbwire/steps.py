"""The steps that a call yields to its driver, and their results.

A call is a generator that does no I/O: it yields a step; the driver, blocking or asyncio, does the
step and sends its result to the generator.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias, final

if TYPE_CHECKING:
    from concurrent.futures import Future


@final
class Send(NamedTuple):
    """Send ``request`` over a connection. The result is an ``HTTPResponse`` or a ``NoResponse``."""

    request: bytes
    new_connection: bool
    """Whether it must be a new connection, since pooled ones were dead."""
    repeatable: bool
    """Whether it may be sent again if the connection turns out to be dead.

    Before a request that may not, a pooled connection is checked, however recently it was used.
    """


@final
class Sleep(NamedTuple):
    """Wait ``seconds``. The result is None."""

    seconds: float


@final
class WaitFor(NamedTuple):
    """Wait until ``future`` is done or the deadline has passed. The result is None."""

    future: "Future[Any]"
    until_ns: int | None = None
    """When to stop waiting before the deadline, on ``time.monotonic_ns()``."""

    def due_ns(self, deadline_ns: int) -> int:
        """The latest instant to stop waiting."""
        return deadline_ns if self.until_ns is None else min(self.until_ns, deadline_ns)


@final
class HTTPResponse(NamedTuple):
    """A complete HTTP response with a correct checksum."""

    status: int
    body: bytes
    date: bytes
    """The Date header; empty if there was none."""
    headers: Mapping[bytes, bytes]
    """By lower-case name; empty if the status is 200, since nothing reads them then."""


@final
class NoResponse(NamedTuple):
    """An exchange without a complete response."""

    cause: str
    sent: bool
    """Whether any byte of the request may have reached the endpoint."""
    stale: bool = False
    """Whether a pooled connection was closed before the first byte of a response."""
    timed_out: bool = False
    """Whether the deadline ended it."""
    misconfiguration: str = ""
    """What is wrong with the endpoint, and how to correct it; empty if it may be an outage."""


POOL_EXHAUSTED = NoResponse("all connections stayed busy", sent=False, timed_out=True)
NOT_SENT_IN_TIME = NoResponse(
    "the deadline passed before the request was sent", sent=False, timed_out=True
)
TIMED_OUT = NoResponse("the deadline passed", sent=True, timed_out=True)

Step: TypeAlias = Send | Sleep | WaitFor
StepResult: TypeAlias = HTTPResponse | NoResponse | None


def require_no_response(result: StepResult) -> NoResponse:
    """The result of a ``Send`` that is not an ``HTTPResponse``.

    Raises:
        TypeError: it is not a ``NoResponse``: a bug in the driver.
    """
    if type(result) is not NoResponse:
        raise TypeError(f"a Send was answered with {result!r}")
    return result
