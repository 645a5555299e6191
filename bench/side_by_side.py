"""Contenders interleaved in one run, each in its own process: figures with all their rounds."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from bench.environment import CannotInstall, python_with
from bench.lineup import LineupEntry
from bench.progress import Progress
from bench.workers import ContenderFailed, WorkerProcess

FIGURES = ("cpu_us", "per_second", "p50_us", "p99_us")


@dataclass(slots=True)
class RunningContenders:
    """The contenders that run, and why the others do not.

    Attributes:
        workers: the process of each.
        failures: a line for each that could not be installed or did not work.
    """

    workers: dict[str, tuple[LineupEntry, WorkerProcess]] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)

    def drop(self, name: str, failure: Exception) -> None:
        """Go on without a contender that failed."""
        self.failures[name] = str(failure)[:200]
        if name in self.workers:
            del self.workers[name]


@contextlib.contextmanager
def running_contenders(
    entries: Iterable[LineupEntry],
    arguments_of: Callable[[LineupEntry], dict[str, Any]],
    core: int | None,
    keys: int = 100,
) -> Iterator[RunningContenders]:
    """A started worker process for each entry, stopped after the block."""
    running = RunningContenders()
    with contextlib.ExitStack() as ending:
        for entry in entries:
            try:
                worker = WorkerProcess(python_with(entry.packages), core)
                ending.callback(worker.stop)
                worker.request("start", keys=keys, **arguments_of(entry))
            except (CannotInstall, ContenderFailed) as failure:
                running.drop(entry.name, failure)
                continue
            running.workers[entry.name] = entry, worker
        yield running


def interleaved(
    running: RunningContenders,
    cases: Sequence[str],
    concurrencies: Sequence[int],
    rounds: int,
    seconds: float,
    progress: Progress,
) -> dict[str, Any]:
    """Every figure of everyone, one value a round.

    Returns:
        by name, case and concurrency, the values of each of FIGURES.
    """
    results: dict[str, Any] = {}
    steps = rounds * len(cases) * len(concurrencies)
    done = 0
    for _ in range(rounds):
        for case in cases:
            for concurrency in concurrencies:
                for name, (entry, worker) in list(running.workers.items()):
                    if case not in entry.cases:
                        continue
                    try:
                        got = worker.request(
                            "timed_run", case=case, concurrency=concurrency, seconds=seconds
                        )
                    except ContenderFailed as failure:
                        running.drop(name, failure)
                        results.pop(name, None)
                        continue
                    _note(results, name, case, concurrency, got)
                done += 1
                progress.step(done, steps, f"{case}, {concurrency} at once")
    return results


def _note(
    results: dict[str, Any], name: str, case: str, concurrency: int, got: dict[str, Any]
) -> None:
    wrong = {"allowed": got["admitted"] < got["calls"] * 0.9, "denied": got["admitted"] > 0}
    figures = results.setdefault(name, {}).setdefault(case, {}).setdefault(str(concurrency), {})
    for figure in FIGURES:
        figures.setdefault(figure, []).append(round(got[figure], 2))
    if wrong.get(case):
        share = got["admitted"] / got["calls"]
        figures.setdefault("wrong", []).append(round(share, 3))
