"""How much is measured: for a look, or for the report."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Workload:
    """The size of a run.

    Attributes:
        rounds: how often each figure is measured, interleaved with all others.
        engine_rounds: the same on an engine, where all contenders are slower.
        seconds: duration of a timed run on a table; in memory a third of it.
        concurrencies: how many requests at once.
        curve: the same for the curve against concurrency.
        most_keys: the end of the curve against keys.
        accuracy_seconds: duration of a saturated run (accuracy.py).
        processes: how many processes a saturated run has.
        load_seconds: duration of a Locust run.
    """

    rounds: int
    engine_rounds: int
    seconds: float
    concurrencies: tuple[int, ...] = (1, 32)
    curve: tuple[int, ...] = (1, 4, 16, 64, 128, 256)
    most_keys: int = 1_000_000
    accuracy_seconds: float = 3.5
    processes: tuple[int, ...] = (1, 4, 8)
    load_seconds: int = 5


FULL = Workload(rounds=5, engine_rounds=5, seconds=0.2)
SMOKE = Workload(
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
"""To see that everything runs; its figures mean nothing."""
