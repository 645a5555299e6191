"""Flows side by side: what several keys are asked of costs the time of one.

The driver hands the flows' operations to the store as sequences, which it carries out all at once.
Each flow goes on as soon as it is answered, whatever the others wait for; so a key that gives no
answer changes nothing of what other keys decide (P14).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeVar

from ratelimit_ddb.errors import StoreError, StoreUnavailable
from ratelimit_ddb.operations.breaker import Breaker
from ratelimit_ddb.operations.operation import (
    Flow,
    JointFlow,
    OperationSequence,
    ReadClock,
    Together,
    Wait,
)

T = TypeVar("T")


def side_by_side(
    flows: Sequence[Flow[T]], *, leaves_time: bool = False
) -> JointFlow[list[T | StoreError]]:
    """What each flow returns, or the StoreError that ended it. None of them outlives the others.

    Args:
        flows: what to run.
        leaves_time: whether a quarter of the deadline is left for what comes after it.
    """
    if not flows:
        return []
    outcomes: list[T | StoreError]
    try:
        outcomes = yield Together(tuple(flows), leaves_time)
    except StoreUnavailable as outage:  # of the store as a whole: none was begun
        outcomes = [outcome_of_outage(flow, outage) for flow in flows]
    return outcomes


def outcome_of_outage(flow: Flow[T], outage: StoreUnavailable) -> T | StoreError:
    """What a flow that was not begun returns or raises where none of its operations is answered."""
    try:
        next(flow)
        while True:
            flow.throw(outage)
    except StopIteration as done:
        returned: T = done.value
        return returned
    except StoreError as error:
        return error
    finally:
        flow.close()


def raise_mistake(outcomes: Iterable[object]) -> None:
    """Raise the first StoreError that is no outage: a mistake of set-up, for the caller to mend."""
    for outcome in outcomes:
        if isinstance(outcome, StoreError) and not isinstance(outcome, StoreUnavailable):
            raise outcome


class SideBySide:
    """One run of several flows, for a driver.

    Attributes:
        sequences: the operations of each flow, for ``Store.send_all``.
        outcomes: what came of each flow, once its sequence has ended.
    """

    __slots__ = ("_answered", "_outage", "outcomes", "sequences")

    def __init__(self, flows: Sequence[Flow[object]]) -> None:
        self.outcomes: list[object] = [None] * len(flows)
        self._answered = False
        self._outage: StoreUnavailable | None = None
        self.sequences = [self._operations_of(flow, index) for index, flow in enumerate(flows)]

    def close(self) -> None:
        """End the flows that have not come to their ends."""
        for sequence in self.sequences:
            sequence.close()

    def count(self, breaker: Breaker) -> None:
        """Count an answer to any of them, or the outage of all."""
        if self._answered:
            breaker.answered()
        elif self._outage is not None:
            breaker.failed(self._outage)

    def _operations_of(self, flow: Flow[object], index: int) -> OperationSequence:
        try:
            operation = next(flow)
            while True:
                answer = yield operation
                if isinstance(answer, StoreUnavailable):
                    self._outage = answer
                elif not isinstance(operation, ReadClock | Wait):
                    self._answered = True
                if isinstance(answer, StoreError):
                    operation = flow.throw(answer)
                else:
                    operation = flow.send(answer)
        except StopIteration as done:
            self.outcomes[index] = done.value
        except StoreError as error:
            self.outcomes[index] = error
        finally:
            flow.close()
