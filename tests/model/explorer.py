"""Tries every interleaving of a small model, breadth first, so that the trace it finds is short."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from typing import NamedTuple, TypeVar

S = TypeVar("S", bound=Hashable)


class Explored(NamedTuple):
    """What came of it.

    Attributes:
        states: how many different ones there are, or were seen before the violation.
        violation: the promise that is broken; None if none is.
        trace: the steps that lead there, from the first one on.
    """

    states: int
    violation: str | None
    trace: tuple[str, ...]


def explore(
    first: S,
    steps: Callable[[S], Iterable[tuple[str, S]]],
    broken: Callable[[S], str | None],
    most_states: int,
) -> Explored:
    """Explore all states that can be reached.

    Raises:
        AssertionError: there are more of them than ``most_states``, so not all were tried.
    """
    came_from: dict[S, tuple[S, str] | None] = {first: None}
    level = [first]
    while level:
        following = []
        for state in level:
            for what, after in steps(state):
                if after in came_from:
                    continue
                came_from[after] = (state, what)
                violation = broken(after)
                if violation is not None:
                    return Explored(len(came_from), violation, _trace(after, came_from))
                following.append(after)
        assert len(came_from) <= most_states, f"more than {most_states} states: not all were tried"
        level = following
    return Explored(len(came_from), None, ())


def _trace(state: S, came_from: dict[S, tuple[S, str] | None]) -> tuple[str, ...]:
    trace: list[str] = []
    while (step := came_from[state]) is not None:
        state, what = step
        trace.append(what)
    return tuple(reversed(trace))
