"""The parts of a whole run, in their order, and how each is measured."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from bench import (
    accuracy,
    hot_path,
    import_cost,
    kinds_of_limits,
    lineup,
    load,
    many_sessions,
    middleware,
    money,
    outage,
    rules_side_by_side,
    scale,
    session_peers,
    sessions,
    suite,
    value_cost,
)
from bench.cpu_per_call import CpuPerCall
from bench.hot_keys import report_section as hot_key
from bench.mixed_load import PROCESSES, mixed_load
from bench.progress import Progress
from bench.workload import FULL, Workload

Section = Callable[[str, str, Workload, Progress], Any]
"""Takes an engine's URL, a table on it, a workload and where to show progress; URL and table are
empty for those of NEEDS_NO_ENGINE."""

RULES_REQUESTS = 150


def _canned(url: str, table: str, workload: Workload, progress: Progress) -> Any:
    return hot_path.on_canned_replies(lineup.ON_CANNED_REPLIES, url, table, workload, progress)


def _engine(url: str, table: str, workload: Workload, progress: Progress) -> Any:
    return hot_path.on_the_engine(lineup.ON_A_TABLE, url, table, workload, progress)


def _memory(url: str, table: str, workload: Workload, progress: Progress) -> Any:
    return hot_path.in_memory(lineup.IN_MEMORY, workload, progress)


def _scale_keys(url: str, table: str, workload: Workload, progress: Progress) -> Any:
    return scale.against_keys(workload, progress)


def _scale_limits(url: str, table: str, workload: Workload, progress: Progress) -> Any:
    return scale.against_limits(workload, progress)


def _scale_concurrency(url: str, table: str, workload: Workload, progress: Progress) -> Any:
    return scale.against_concurrency(workload, progress)


def _money(url: str, table: str, workload: Workload, progress: Progress) -> Any:
    return {
        "decisions": money.of_decisions(url, table, progress),
        "ours": money.of_ours(url, table),
        "sessions": money.of_sessions(url),
    }


def _load(url: str, table: str, workload: Workload, progress: Progress) -> Any:
    runs = load.measured(load.full(url), workload.load_seconds, progress)
    for run in runs:
        # So few seconds say nothing of it; bench.soak does.
        run.pop("megabytes", None)
    return runs


def _middleware(url: str, table: str, workload: Workload, progress: Progress) -> Any:
    return _rounds(middleware.measured(workload.rounds, _calls(workload)))


def _sessions(url: str, table: str, workload: Workload, progress: Progress) -> Any:
    return _rounds(sessions.measured(workload.rounds, _calls(workload)))


def _session_peers(url: str, table: str, workload: Workload, progress: Progress) -> Any:
    if workload == FULL:
        return session_peers.measured(url, table, progress)
    return session_peers.measured(url, table, progress, rounds=1, requests=2)


def _many_sessions(url: str, table: str, workload: Workload, progress: Progress) -> Any:
    if workload == FULL:
        return many_sessions.measured(url, table, progress)
    return many_sessions.measured(url, table, progress, rounds=1, sessions=300)


def _imports(url: str, table: str, workload: Workload, progress: Progress) -> Any:
    return import_cost.measured(workload.rounds)


def _mixed(url: str, table: str, workload: Workload, progress: Progress) -> Any:
    results = {}
    for processes in (1, PROCESSES):
        calls, kinds = mixed_load(processes)
        results[str(processes)] = {"calls_a_decision": calls, "kinds": dict(kinds)}
    return results


def _values(url: str, table: str, workload: Workload, progress: Progress) -> Any:
    return _rounds(value_cost.measured(workload.rounds, 5 * _calls(workload)))


def _outage(url: str, table: str, workload: Workload, progress: Progress) -> Any:
    # It warns of the outage, as it should.
    logging.getLogger("ratelimit_ddb").setLevel(logging.ERROR)
    found = outage.measured()
    return {**asdict(found), "missed": outage.missed(found)}


def _rules(url: str, table: str, workload: Workload, progress: Progress) -> Any:
    waits = rules_side_by_side.measured(RULES_REQUESTS if workload == FULL else 2)
    return {
        style: {
            str(rules): [round(wait_ms, 3) for wait_ms in of_rules]
            for rules, of_rules in by.items()
        }
        for style, by in waits.items()
    }


def _kinds(url: str, table: str, workload: Workload, progress: Progress) -> Any:
    slots_held = kinds_of_limits.SLOTS_HELD if workload == FULL else kinds_of_limits.SLOTS_HELD[:1]
    return {
        name: {"first": uses.first._asdict(), "warm": uses.warm and uses.warm._asdict()}
        for name, uses in kinds_of_limits.measured(url, table, slots_held).items()
    }


def _suite(url: str, table: str, workload: Workload, progress: Progress) -> Any:
    return suite.measured()


def _calls(workload: Workload) -> int:
    return 4_000 if workload == FULL else 200


def _rounds(figures: dict[str, CpuPerCall]) -> dict[str, list[float]]:
    return {name: [round(value, 2) for value in figure.rounds] for name, figure in figures.items()}


SECTIONS: dict[str, Section] = {
    "canned": _canned,
    "engine": _engine,
    "memory": _memory,
    "scale_keys": _scale_keys,
    "scale_limits": _scale_limits,
    "scale_concurrency": _scale_concurrency,
    "scale_processes": scale.against_processes,
    "accuracy": accuracy.measured,
    "hot_key": hot_key.measured,
    "outage": _outage,
    "money": _money,
    "kinds": _kinds,
    "load": _load,
    "middleware": _middleware,
    "rules": _rules,
    "sessions": _sessions,
    "session_peers": _session_peers,
    "many_sessions": _many_sessions,
    "import": _imports,
    "mixed": _mixed,
    "values": _values,
    "suite": _suite,
}
"""By the name that each has in the raw figures."""

NEEDS_NO_ENGINE = {
    "memory", "scale_keys", "scale_limits", "scale_concurrency", "outage", "middleware",
    "rules", "sessions", "import", "mixed", "values", "suite",
}  # fmt: skip

MEASURED_APART = ("soak", "faults")
"""Sections with commands of their own, for they take many minutes."""
