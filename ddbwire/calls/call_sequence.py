"""Sequences of calls, in which the answer to one determines the next. Does no I/O.

``Wire.call_all`` makes several sequences side by side.
"""

from collections.abc import Generator, Iterable
from typing import Any, NamedTuple, TypeAlias, final

from ddbwire.calls.call import call, sync_clock
from ddbwire.calls.sender import Sender
from ddbwire.errors import failures
from ddbwire.protocol.request import DynamoDBRequest
from ddbwire.steps import Step, StepResult, WaitFor


@final
class SyncClock(NamedTuple):
    """A step of a sequence: make sure that the clock knows the table's time. The answer is None."""


CallSequence: TypeAlias = Generator[DynamoDBRequest | SyncClock | WaitFor, Any, None]
"""A generator that yields requests, and is sent what ``Wire.call`` returns or raises for each.

Between them it may wait for a future (``WaitFor``), while other sequences continue.
"""


def make_calls(
    sequence: CallSequence, sender: Sender, deadline_ns: int
) -> Generator[Step, StepResult, None]:
    """Make the calls of a sequence, one after the other; the exception of a call is its answer."""
    answer: object = None
    try:
        while True:
            request = sequence.send(answer)
            try:
                if type(request) is SyncClock:
                    yield from sync_clock(sender, deadline_ns)
                    answer = None
                elif type(request) is WaitFor:
                    answer = yield request
                else:
                    answer = yield from call(request, sender, deadline_ns)
            except failures() as failure:
                answer = failure
    except StopIteration:
        return
    finally:
        sequence.close()


def answer_with(failure: Exception, sequences: Iterable[CallSequence]) -> None:
    """Give every request of these sequences the same answer."""
    for sequence in sequences:
        try:
            next(sequence)
            while True:
                sequence.send(failure)
        except StopIteration:
            pass
        finally:
            sequence.close()
