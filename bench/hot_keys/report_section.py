"""What the report measures of one hot key: all cases, in simulated time and by real processes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

from bench import lineup
from bench.environment import CannotInstall
from bench.hot_keys import leased_decision, processes
from bench.hot_keys.case import CASES, Case
from bench.hot_keys.figures import Figures, missed
from bench.hot_keys.simulation import simulated
from bench.hot_keys.throttling_server import throttling_server
from bench.lineup import LineupEntry
from bench.progress import Progress
from bench.workers import ContenderFailed
from bench.workload import FULL, Workload

SIMULATED, ON_A_SERVER, ON_THE_ENGINE = "simulated", "processes", "engine"
SHORT_SECONDS = 0.2


def measured(engine_url: str, table: str, workload: Workload, progress: Progress) -> dict[str, Any]:
    """The rows of each part, and the rounds of what a leased decision costs."""
    full = workload == FULL
    cases: Sequence[Case] = CASES
    results: dict[str, Any] = {SIMULATED: [], ON_A_SERVER: [], ON_THE_ENGINE: []}
    for done, case in enumerate(cases):
        progress.step(done, len(cases), f"simulated, {case.name}")
        wanted = case if full else replace(case, seconds=SHORT_SECONDS)
        results[SIMULATED].append(row(lineup.OURS_LEASED, wanted, simulated(wanted), ""))
    progress.step(len(cases), len(cases))
    for part, of_part, entries, url in (
        (ON_A_SERVER, processes.CASES, (lineup.OURS_LEASED_ASYNC,), ""),
        (ON_THE_ENGINE, processes.ENGINE_CASES, (lineup.OURS_LEASED_ASYNC, lineup.ZAE), engine_url),
    ):
        cases = of_part if full else of_part[:1]
        for done, case in enumerate(cases):
            progress.step(done, len(cases), f"{part}, {case.name}")
            wanted = case if full else replace(case, seconds=SHORT_SECONDS)
            results[part] += [_by_processes(entry, wanted, url, table) for entry in entries]
        progress.step(len(cases), len(cases))
    costs = leased_decision.measured(workload.rounds, 50_000 if full else 2_000)
    results["cpu_us"] = {
        name: [round(value, 2) for value in figure.rounds] for name, figure in costs.items()
    }
    return results


def _by_processes(entry: LineupEntry, case: Case, engine_url: str, table: str) -> dict[str, Any]:
    try:
        with throttling_server(case.ceiling, engine_url) as server:
            figures, note = processes.measured(entry, case, server, table)
    except (CannotInstall, ContenderFailed) as failure:
        return {"who": entry.name, "case": case.name, "failure": str(failure)[:200]}
    return row(entry, case, figures, note)


def row(entry: LineupEntry, case: Case, figures: Figures, note: str) -> dict[str, Any]:
    """A case as the raw figures have it. What is not a number is None, for JSON has no such."""
    rounded = {
        name: None if value != value else float(f"{value:.4g}")
        for name, value in asdict(figures).items()
    }
    return {
        "who": entry.name,
        "case": case.name,
        "limit": case.limit.quantity,
        "processes": case.processes,
        "offered": case.offered,
        "ceiling": case.ceiling,
        **rounded,
        "missed": missed(figures, case.all_aims),
        "note": note,
    }
