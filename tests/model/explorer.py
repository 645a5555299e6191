"""Tries every interleaving of a small model, breadth first, so that the trace it finds is short."""

from __future__ import annotations

import gc
from collections.abc import Callable, Hashable, Iterable, Iterator
from contextlib import contextmanager
from typing import NamedTuple, TypeVar

S = TypeVar("S")

Step = tuple[object, ...]
"""What happens, in words with places for what follows, as ``str.format`` fills them."""


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


@contextmanager
def _no_collections() -> Iterator[None]:
    """All that is made is kept, so there is no rubbish to look for."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


@_no_collections()
def explore(
    first: S,
    steps: Callable[[S], Iterable[tuple[Step, S]]],
    broken: Callable[[S], str | None],
    most_states: int,
    key: Callable[[S], Hashable],
) -> Explored:
    """Explore all states that can be reached.

    Args:
        first: where it begins.
        steps: all that may happen next to a state, and what it is then.
        broken: the promise that a state breaks, or None.
        most_states: how many there may be.
        key: what tells a state from those that need not be tried beside it, since the same may
            happen to them, and breaks the same promises.

    Raises:
        AssertionError: there are more of them than ``most_states``, so not all were tried.
    """
    of_first = key(first)
    came_from: dict[Hashable, tuple[Hashable, Step] | None] = {of_first: None}
    level = [(of_first, first)]
    while level:
        following = []
        for of_state, state in level:
            for step, after in steps(state):
                of_after = key(after)
                if of_after in came_from:
                    continue
                came_from[of_after] = (of_state, step)
                violation = broken(after)
                if violation is not None:
                    return Explored(len(came_from), violation, _trace(of_after, came_from))
                following.append((of_after, after))
        assert len(came_from) <= most_states, f"more than {most_states} states: not all were tried"
        level = following
    return Explored(len(came_from), None, ())


def _trace(
    key: Hashable, came_from: dict[Hashable, tuple[Hashable, Step] | None]
) -> tuple[str, ...]:
    trace: list[str] = []
    while (last := came_from[key]) is not None:
        key, (words, *filled) = last
        trace.append(str(words).format(*filled))
    return tuple(reversed(trace))
