"""What a call needs of whatever sends its requests: the wire's own HTTP, or botocore."""

from collections.abc import Generator
from typing import Protocol, TypeAlias

from ddbwire.protocol.request import Operation
from ddbwire.protocol.result import Outcome, Outdated, Trouble
from ddbwire.steps import Answer, Failure, Step

Attempt: TypeAlias = Generator[Step, Answer, Outcome | Trouble]
Question: TypeAlias = Generator[Step, Answer, Trouble | None]

MOST_QUESTIONS = 4
"""How often the time is asked for at once: twice will do, unless its Dates differ each time."""
NO_TIME = Failure("the Dates of its replies contradict each other", sent=False)

_TIMELY_NS = 5 * 1_000_000_000
"""How old the time in an operation may be. Calls take less; a signature's may be minutes old."""


class Carrier(Protocol):
    """What carries an attempt to the endpoint: the lean wire, or botocore."""

    @property
    def endpoint(self) -> str:
        """The endpoint's URL, for messages."""

    def attempt(self, operation: Operation, *, fresh: bool) -> Attempt:
        """One attempt at an operation; ``fresh`` asks for a new connection."""

    def ask(self, *, fresh: bool) -> Question:
        """One attempt at getting any reply at all, for its Date."""

    def renew_credentials(self) -> Generator[Step, Answer, None]:
        """Have the credentials fetched anew, as the endpoint calls them expired."""

    def renew_time(self) -> Generator[Step, Answer, None]:
        """Ask for the time once more, as the endpoint calls the signature's wrong."""

    def close(self) -> None:
        """Close what it holds; a later attempt opens other."""


def outdated(operation: Operation, now_ns: int) -> Outdated | None:
    """What an attempt at ``operation`` comes to if its time is not the table's, ``now_ns``."""
    if operation.now_ns is None or abs(now_ns - operation.now_ns) <= _TIMELY_NS:
        return None
    return Outdated(now_ns - operation.now_ns)
