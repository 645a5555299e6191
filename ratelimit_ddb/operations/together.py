"""Flows side by side: decisions on several keys in the time of one.

The driver passes the flows' operations to the store as sequences, which it carries out side by
side. Each flow goes on as soon as it gets its result, whatever the others wait for; so a key
without an answer does not affect the decisions on other keys (P14).
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
        leaves_time: whether a quarter of the deadline is left for what comes after.
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
    """What a flow returns or raises if none of its operations gets an answer."""
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
    """Raise the first StoreError that is no outage: a mistake of set-up."""
    for outcome in outcomes:
        if isinstance(outcome, StoreError) and not isinstance(outcome, StoreUnavailable):
            raise outcome


class SideBySide:
    """One run of several flows, for a driver.

    Attributes:
        sequences: the operations of each flow, for ``Store.send_all``.
        outcomes: what each flow returned, or the StoreError that ended it.
    """

    __slots__ = ("_answered", "_outage", "outcomes", "sequences")

    def __init__(self, flows: Sequence[Flow[object]]) -> None:
        self.outcomes: list[object] = [None] * len(flows)
        self._answered = False
        self._outage: StoreUnavailable | None = None
        self.sequences = [self._operations_of(flow, index) for index, flow in enumerate(flows)]

    def close(self) -> None:
        """Close the flows that have not ended."""
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
