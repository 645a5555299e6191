"""The parts of a whole run, in their order, and how each is taken."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bench import (
    accuracy,
    field,
    hot_path,
    import_cost,
    load,
    middleware,
    money,
    scale,
    sessions,
    value_cost,
)
from bench import wrk as wrk_
from bench.effort import WHOLE, Effort
from bench.figure import Figure
from bench.mixed_load import PROCESSES, mixed_load
from bench.progress import Progress

Section = Callable[[str, str, Effort, Progress], Any]
"""Takes an engine's URL, a table on it, an effort and where to show progress."""


def _canned(url: str, table: str, effort: Effort, progress: Progress) -> Any:
    return hot_path.on_canned_replies(field.ON_A_TABLE, url, table, effort, progress)


def _engine(url: str, table: str, effort: Effort, progress: Progress) -> Any:
    return hot_path.on_the_engine(field.ON_A_TABLE, url, table, effort, progress)


def _memory(url: str, table: str, effort: Effort, progress: Progress) -> Any:
    return hot_path.in_memory(field.IN_MEMORY, effort, progress)


def _wrk(url: str, table: str, effort: Effort, progress: Progress) -> Any:
    return wrk_.measured(effort)


def _scale_keys(url: str, table: str, effort: Effort, progress: Progress) -> Any:
    return scale.against_keys(effort, progress)


def _scale_limits(url: str, table: str, effort: Effort, progress: Progress) -> Any:
    return scale.against_limits(effort, progress)


def _scale_concurrency(url: str, table: str, effort: Effort, progress: Progress) -> Any:
    return scale.against_concurrency(effort, progress)


def _money(url: str, table: str, effort: Effort, progress: Progress) -> Any:
    return {
        "decisions": money.of_decisions(url, table, progress),
        "ours": money.of_ours(url, table),
        "sessions": money.of_sessions(url),
    }


def _load(url: str, table: str, effort: Effort, progress: Progress) -> Any:
    return load.measured(load.whole(url), effort.load_seconds, progress)


def _middleware(url: str, table: str, effort: Effort, progress: Progress) -> Any:
    return _rounds(middleware.measured(effort.rounds, _calls(effort)))


def _sessions(url: str, table: str, effort: Effort, progress: Progress) -> Any:
    return _rounds(sessions.measured(effort.rounds, _calls(effort)))


def _imports(url: str, table: str, effort: Effort, progress: Progress) -> Any:
    return import_cost.measured(effort.rounds)


def _mixed(url: str, table: str, effort: Effort, progress: Progress) -> Any:
    taken = {}
    for processes in (1, PROCESSES):
        calls, kinds = mixed_load(processes)
        taken[str(processes)] = {"calls_a_decision": calls, "kinds": dict(kinds)}
    return taken


def _values(url: str, table: str, effort: Effort, progress: Progress) -> Any:
    return _rounds(value_cost.measured(effort.rounds, 5 * _calls(effort)))


def _calls(effort: Effort) -> int:
    return 4_000 if effort == WHOLE else 200


def _rounds(figures: dict[str, Figure]) -> dict[str, list[float]]:
    return {name: [round(value, 2) for value in figure.rounds] for name, figure in figures.items()}


SECTIONS: dict[str, Section] = {
    "canned": _canned,
    "wrk": _wrk,
    "engine": _engine,
    "memory": _memory,
    "scale_keys": _scale_keys,
    "scale_limits": _scale_limits,
    "scale_concurrency": _scale_concurrency,
    "scale_processes": scale.against_processes,
    "accuracy": accuracy.measured,
    "money": _money,
    "load": _load,
    "middleware": _middleware,
    "sessions": _sessions,
    "import": _imports,
    "mixed": _mixed,
    "values": _values,
}
"""By the name that each has in the raw figures."""
