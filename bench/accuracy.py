"""How much of what is due is admitted, if processes request more than a limit allows.

Several processes saturate one key with a limit of RATE. Due is what the contender's own rules
promise: a bucket's burst and its refill; a window's quantity for each window that has started. A
perfect limiter admits just that, whatever the number of processes; one in memory admits it in each.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from bench import lineup
from bench.environment import CannotInstall
from bench.lineup import LineupEntry
from bench.progress import Progress
from bench.worker.contender import Rate
from bench.workers import ContenderFailed, WorkerProcess, start_workers
from bench.workload import Workload

RATE = Rate(50, 1, 5)
ROUNDS = 2
SECONDS_TO_GET_READY = 0.5
ENTRIES = (
    lineup.OURS, lineup.ZAE, lineup.MODERN, lineup.OURS_IN_MEMORY, lineup.LIMITS_FIXED,
    lineup.LIMITS_MOVING, lineup.THROTTLED, lineup.PYRATE, lineup.TOKEN_BUCKET,
)  # fmt: skip
SHARED = (lineup.OURS, lineup.ZAE, lineup.MODERN)
"""Those that mean to keep one limit over all processes."""


def measured(engine_url: str, table: str, workload: Workload, progress: Progress) -> dict[str, Any]:
    """Admitted and due, by name and number of processes, a value a round."""
    results: dict[str, Any] = {}
    failures: dict[str, str] = {}
    for done, entry in enumerate(ENTRIES):
        try:
            results[entry.name] = _of(entry, engine_url, table, workload)
        except (CannotInstall, ContenderFailed) as failure:
            failures[entry.name] = str(failure)[:200]
        progress.step(done + 1, len(ENTRIES), entry.name)
    return {"results": results, "failures": failures, "rate": asdict(RATE)}


def _of(entry: LineupEntry, engine_url: str, table: str, workload: Workload) -> dict[str, Any]:
    results: dict[str, Any] = {}
    most = max(workload.processes)
    with start_workers(
        entry.packages, most, None, keys=1, **entry.start_arguments(engine_url, table)
    ) as workers:
        for processes in workload.processes:
            if entry not in SHARED and processes not in (1, most):
                # They know nothing of each other: what two do says what four do.
                continue
            for round_ in range(ROUNDS if entry in SHARED else 1):
                got = _round(workers[:processes], f"saturated{processes}x{round_}", workload)
                of_these = results.setdefault(str(processes), {})
                for figure, value in got.items():
                    of_these.setdefault(figure, []).append(value)
    return results


def _round(workers: Sequence[WorkerProcess], key: str, workload: Workload) -> dict[str, float]:
    begin_at = time.time() + SECONDS_TO_GET_READY
    for worker in workers:
        worker.send(
            "saturate",
            rate=asdict(RATE),
            key=key,
            seconds=workload.accuracy_seconds,
            begin_at=begin_at,
        )
    got = [worker.receive() for worker in workers]
    return {
        "admitted": sum(one["admitted"] for one in got),
        "asked": sum(one["asked"] for one in got),
        "due": round(got[0]["due"], 1),
    }
