"""A measured figure: rounds of it, their median, and how far they spread."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CpuPerCall:
    """Microseconds of CPU per call, one value a round."""

    name: str
    rounds: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.rounds)

    def __str__(self) -> str:
        low, high = min(self.rounds), max(self.rounds)
        return f"{self.name:<52} {self.median:>9.1f} us   ({low:.1f} to {high:.1f})"


def cpu_us_per_call(run: Callable[[int], None], calls: int) -> float:
    """Microseconds of this process's CPU (user and system, all threads) per call."""
    before = time.process_time_ns()
    run(calls)
    return (time.process_time_ns() - before) / calls / 1_000


def interleaved(
    contenders: dict[str, tuple[Callable[[int], None], int]], rounds: int
) -> dict[str, CpuPerCall]:
    """A figure for each contender: (run, calls a round). Turn by turn, after a warm-up each."""
    results: dict[str, list[float]] = {name: [] for name in contenders}
    for run, calls in contenders.values():
        run(max(1, calls // 10))
    for _ in range(rounds):
        for name, (run, calls) in contenders.items():
            results[name].append(cpu_us_per_call(run, calls))
    return {name: CpuPerCall(name, tuple(values)) for name, values in results.items()}
