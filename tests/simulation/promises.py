"""All promises that a history is held to."""

from __future__ import annotations

from tests.simulation import promise_of_amounts, promise_of_answers, promise_of_clocks
from tests.simulation.history import History


def check(history: History) -> None:
    """Raise AssertionError, saying which promise was broken and where."""
    promise_of_clocks.check(history)
    promise_of_amounts.check(history)
    promise_of_answers.check(history)
