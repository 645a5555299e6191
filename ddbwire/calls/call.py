"""The flow of one call: an attempt, and if it fails, what may cure it, within a deadline.

Nothing here does I/O. The first attempt goes straight through; all that concerns failure is
entered only once there has been one.
"""

from collections.abc import Generator
from functools import partial

from ddbwire.calls.sender import Carrier
from ddbwire.protocol.request import Operation
from ddbwire.protocol.result import Outcome, Trouble
from ddbwire.steps import Answer, Step


def call(
    carrier: Carrier, operation: Operation, deadline_ns: int
) -> Generator[Step, Answer, Outcome]:
    """Carry out one operation.

    Raises:
        Unreachable: there was no usable answer.
        botocore.exceptions.ClientError: DynamoDB refused for another reason than a condition.
    """
    outcome = yield from carrier.attempt(operation, fresh=False)
    if type(outcome) is not Trouble:
        return outcome
    from ddbwire.calls.retry import Again, recover  # imports tenacity

    again: Again[Outcome] = partial(carrier.attempt, operation)
    return (yield from recover(carrier, again, outcome, deadline_ns))


def ask_time(carrier: Carrier, deadline_ns: int) -> Generator[Step, Answer, None]:
    """Get one reply of any kind, for its Date.

    Raises:
        Unreachable: there was none.
    """
    trouble = yield from carrier.ask(fresh=False)
    if trouble is not None:
        from ddbwire.calls.retry import recover  # imports tenacity

        yield from recover(carrier, carrier.ask, trouble, deadline_ns)
