"""How much is measured: for a look, or for the report."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Effort:
    """What a run takes upon itself.

    Attributes:
        rounds: how often each figure is taken, turn by turn with all others.
        engine_rounds: the same on an engine, where all are slower.
        seconds: how long each takes on a table; in memory a third of that is enough.
        concurrencies: how many requests are under way at once.
        curve: the same for the curve against concurrency.
        most_keys: the end of the curve against keys.
        accuracy_seconds: how long processes ask for more than there is.
        processes: how many they are.
        load_seconds: how long users of an application load it.
    """

    rounds: int
    engine_rounds: int
    seconds: float
    concurrencies: tuple[int, ...] = (1, 32, 100)
    curve: tuple[int, ...] = (1, 4, 16, 64, 128, 256)
    most_keys: int = 1_000_000
    accuracy_seconds: float = 3.5
    processes: tuple[int, ...] = (1, 2, 4, 8)
    load_seconds: int = 5


WHOLE = Effort(rounds=5, engine_rounds=5, seconds=0.2)
TINY = Effort(
    rounds=2,
    engine_rounds=2,
    seconds=0.02,
    concurrencies=(1, 32),
    curve=(1, 16),
    most_keys=1_000,
    accuracy_seconds=0.5,
    processes=(1, 2),
    load_seconds=2,
)
"""To see that all of it works; its figures say nothing."""
