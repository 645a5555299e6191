"""How a decision's cost grows: with keys, limits a key, requests at once, processes on one key."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any

from bench import lineup
from bench.canned_server import canned_server
from bench.cores import CLIENT
from bench.environment import CannotInstall
from bench.lineup import LineupEntry
from bench.progress import Progress
from bench.side_by_side import running_contenders
from bench.workers import ContenderFailed, WorkerProcess, start_workers
from bench.workload import Workload

KEYS = (100, 1_000, 10_000, 100_000, 1_000_000)
LIMITS = (1, 2, 4, 8)
ROUNDS = 3
FILLED_ON_A_TABLE = 70_000
"""More than a limiter remembers of a table's keys (65,536), so what it forgets is in the figure."""
MOST_WORTH_FILLING = 100_000
"""For those that take hundreds of megabytes, or a minute, to hold a million keys."""
PROCESS_AT_ONCE = 8

IN_MEMORY = (lineup.OURS_IN_MEMORY, lineup.LIMITS_FIXED, lineup.THROTTLED, lineup.TOKEN_BUCKET)
ON_ONE_KEY = (lineup.OURS_ASYNC, lineup.BOTO3, lineup.ZAE)

Curve = dict[str, dict[str, dict[str, list[float]]]]
"""By name, x, and figure, the rounds."""


def against_keys(workload: Workload, progress: Progress) -> dict[str, Any]:
    """Allowed decisions on keys drawn from so many that are known, one at a time."""
    curve: Curve = {}
    failures: dict[str, str] = {}
    counts = [keys for keys in KEYS if keys <= workload.most_keys]
    entries = (lineup.OURS, *IN_MEMORY, lineup.PYRATE)
    with canned_server() as url:
        for done, keys in enumerate(counts):
            for entry in entries:
                if entry is lineup.PYRATE and keys > MOST_WORTH_FILLING:
                    continue
                at_most = FILLED_ON_A_TABLE if entry is lineup.OURS else keys
                try:
                    with _one(entry, url, keys=keys) as (worker,):
                        memory = worker.request("fill", keys=keys, at_most=at_most)
                        for _ in range(ROUNDS):
                            _note(curve, entry, keys, _timed_run(worker, 1, workload))
                        curve[entry.name][str(keys)].update(
                            {figure: [round(value, 1)] for figure, value in memory.items()}
                        )
                except (CannotInstall, ContenderFailed) as failure:
                    failures[entry.name] = str(failure)[:200]
            progress.step(done + 1, len(counts), f"{keys:,} keys")
    return {"results": curve, "failures": failures}


def against_limits(workload: Workload, progress: Progress) -> dict[str, Any]:
    """Allowed decisions with so many limits on each key."""
    curve: Curve = {}
    with canned_server() as url:
        for done, limits in enumerate(LIMITS):
            for entry in (lineup.OURS, lineup.OURS_ASYNC, lineup.OURS_IN_MEMORY):
                with _one(entry, url, limits=limits) as (worker,):
                    for _ in range(ROUNDS):
                        _note(curve, entry, limits, _timed_run(worker, 1, workload))
            progress.step(done + 1, len(LIMITS), f"{limits} limits")
    return {"results": curve, "failures": {}}


def against_concurrency(workload: Workload, progress: Progress) -> dict[str, Any]:
    """Allowed decisions, so many at once, on canned replies."""
    curve: Curve = {}
    entries = (lineup.OURS, lineup.OURS_ASYNC, lineup.BOTO3, lineup.AIOBOTOCORE)
    with (
        canned_server() as url,
        running_contenders(
            entries, lambda entry: entry.start_arguments(url, "limits"), CLIENT
        ) as running,
    ):
        for done, concurrency in enumerate(workload.curve):
            for _ in range(ROUNDS):
                for name, (entry, worker) in list(running.workers.items()):
                    try:
                        _note(curve, entry, concurrency, _timed_run(worker, concurrency, workload))
                    except ContenderFailed as failure:
                        running.drop(name, failure)
            progress.step(done + 1, len(workload.curve), f"{concurrency} at once")
        return {"results": curve, "failures": running.failures}


def against_processes(
    engine_url: str, table: str, workload: Workload, progress: Progress
) -> dict[str, Any]:
    """So many processes on one hot key of an engine, each with PROCESS_AT_ONCE requests at once."""
    curve: Curve = {}
    failures: dict[str, str] = {}
    for done, entry in enumerate(ON_ONE_KEY):
        options = {"count": True} if entry.is_ours else {}
        arguments = entry.start_arguments(engine_url, table, prefix="hot.", **options)
        try:
            with start_workers(
                entry.packages, max(workload.processes), None, keys=1, **arguments
            ) as workers:
                for processes in workload.processes:
                    for _ in range(ROUNDS):
                        got = _on_one_key(workers[:processes], entry, workload)
                        _note(curve, entry, processes, got)
        except (CannotInstall, ContenderFailed) as failure:
            failures[entry.name] = str(failure)[:200]
        progress.step(done + 1, len(ON_ONE_KEY), entry.name)
    return {"results": curve, "failures": failures}


def _on_one_key(
    workers: Sequence[WorkerProcess], entry: LineupEntry, workload: Workload
) -> dict[str, float]:
    before = _calls(workers) if entry.is_ours else 0
    for worker in workers:
        worker.send("timed_run", **_one_timed_run(PROCESS_AT_ONCE, workload))
    got = [worker.receive() for worker in workers]
    together = _together(got)
    if entry.is_ours:
        # The probes that found how many requests to send are among the calls too.
        decided = sum(one["probes"] + one["calls"] for one in got)
        together["calls_a_decision"] = (_calls(workers) - before) / decided
    return together


def _calls(workers: Sequence[WorkerProcess]) -> int:
    return sum(sum(worker.request("counters").values()) for worker in workers)


def _together(got: Sequence[dict[str, Any]]) -> dict[str, float]:
    calls = sum(one["calls"] for one in got)
    return {
        "cpu_us": sum(one["cpu_us"] * one["calls"] for one in got) / calls,
        "per_second": sum(one["per_second"] for one in got),
        "p50_us": max(one["p50_us"] for one in got),
        "p99_us": max(one["p99_us"] for one in got),
    }


def _one(
    entry: LineupEntry, url: str, **options: Any
) -> AbstractContextManager[list[WorkerProcess]]:
    return start_workers(
        entry.packages, 1, CLIENT, **entry.start_arguments(url, "limits", **options)
    )


def _timed_run(worker: WorkerProcess, concurrency: int, workload: Workload) -> dict[str, Any]:
    return worker.request("timed_run", **_one_timed_run(concurrency, workload))


def _one_timed_run(concurrency: int, workload: Workload) -> dict[str, Any]:
    return {"case": "allowed", "concurrency": concurrency, "seconds": workload.seconds}


def _note(curve: Curve, entry: LineupEntry, x: int, got: dict[str, Any]) -> None:
    figures = curve.setdefault(entry.name, {}).setdefault(str(x), {})
    for figure in ("cpu_us", "per_second", "p50_us", "p99_us", "calls_a_decision"):
        if figure in got:
            figures.setdefault(figure, []).append(round(got[figure], 3))
