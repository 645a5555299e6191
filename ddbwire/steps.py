"""What a call's flow asks its driver to do, and what it is told in return.

A flow is a generator that does no I/O: it yields a step, and the driver, blocking or asyncio,
carries the step out and sends back the answer.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias, final

if TYPE_CHECKING:
    from concurrent.futures import Future


@final
class Send(NamedTuple):
    """Send ``request`` over a connection and answer with a ``Reply`` or a ``Failure``."""

    request: bytes
    fresh: bool
    """Whether it must be a new connection, as pooled ones have turned out to be dead."""


@final
class Pause(NamedTuple):
    """Let ``seconds`` go by. Answered with None."""

    seconds: float


@final
class Await(NamedTuple):
    """Wait until ``future`` is done or the deadline has passed. Answered with None."""

    future: "Future[Any]"


@final
class Reply(NamedTuple):
    """A whole, checked HTTP response."""

    status: int
    body: bytes
    date: bytes
    """The Date header; empty if there was none."""
    headers: Mapping[bytes, bytes]
    """By lower-case name; left empty when the status is 200, where nobody asks."""


@final
class Failure(NamedTuple):
    """An attempt that brought no whole reply."""

    cause: str
    sent: bool
    """Whether any byte of the request may have reached the endpoint."""
    stale: bool = False
    """Whether a pooled connection was closed before the first byte of an answer."""
    timed_out: bool = False
    """Whether it was the deadline that ended it."""
    mistake: str = ""
    """What is wrong with the endpoint, and the way out; empty where it may be an outage."""


ALL_BUSY = Failure("all connections stayed busy", sent=False, timed_out=True)

Step: TypeAlias = Send | Pause | Await
Answer: TypeAlias = Reply | Failure | None


def answered(answer: Answer) -> Failure:
    """``answer`` to a ``Send``, known not to be a ``Reply``; anything but a failure is a bug."""
    if type(answer) is not Failure:
        raise TypeError(f"a Send was answered with {answer!r}")
    return answer
