"""Whether some order of overlapping operations explains what each of them answered.

A history is linearizable if its operations can be put into one order, in which each of them happens
at once, somewhere between its call and its return, and answers what a sequential specification says
(Herlihy and Wing, "Linearizability: A Correctness Condition for Concurrent Objects", 1990).

The search is Wing and Gong's ("Testing and Verifying Concurrent Objects", 1993): of the operations
that no other one must precede, take one, ask the specification for the states in which it may leave
the object, go on from each, and go back where nothing fits. Lowe's addition ("Testing for
Linearizability", 2017) makes it fast: a set of operations and a state that led nowhere once is not
tried again.

An operation that never returned may happen at any time after its call, or never.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Generic, NamedTuple, TypeVar

State = TypeVar("State", bound=Hashable)


class Interval(NamedTuple):
    """When an operation happens.

    Attributes:
        call_ns: not before.
        return_ns: not after; None where nobody knows whether it happens at all.
        after: the indexes of operations that it comes after, whatever their intervals are.
    """

    call_ns: int
    return_ns: int | None
    after: tuple[int, ...] = ()


class Order(NamedTuple, Generic[State]):
    """What was found.

    Attributes:
        explains: whether all operations that returned are in it.
        indexes: the operations in their order; the longest one where none explains all.
        state: in which it leaves the object.
    """

    explains: bool
    indexes: tuple[int, ...]
    state: State


Outcomes = Callable[[State, int], Iterable[State]]
"""The states in which an operation, by its index, may leave the object if it is to answer what it
did; none where it can't."""


def order_of(
    intervals: Sequence[Interval], first: State, outcomes: Outcomes[State]
) -> Order[State]:
    """An order that explains all operations, or the longest that explains some.

    Args:
        intervals: those of all operations.
        first: the object's state before them.
        outcomes: the specification.
    """
    preceding = [_preceding(intervals, index) for index in range(len(intervals))]
    returned = sum(1 << i for i, one in enumerate(intervals) if one.return_ns is not None)
    soonest = sorted(range(len(intervals)), key=lambda index: intervals[index].call_ns)
    longest = Order(False, (), first)
    tried: set[tuple[int, State]] = set()
    ways: list[tuple[int, State, tuple[int, ...]]] = [(0, first, ())]
    while ways:
        done, state, indexes = ways.pop()
        if returned & ~done == 0:
            return Order(True, indexes, state)
        if (done, state) in tried:
            continue
        tried.add((done, state))
        if len(indexes) > len(longest.indexes):
            longest = Order(False, indexes, state)
        for index in reversed(soonest):
            if not done >> index & 1 and preceding[index] & ~done == 0:
                ways += [
                    (done | 1 << index, after, (*indexes, index))
                    for after in outcomes(state, index)
                ]
    return longest


def _preceding(intervals: Sequence[Interval], index: int) -> int:
    """The operations that must come before one, as a bit for each."""
    one = intervals[index]
    bits = 0
    for other, interval in enumerate(intervals):
        if interval.return_ns is not None and interval.return_ns < one.call_ns:
            bits |= 1 << other
    for other in one.after:
        bits |= 1 << other
    return bits
