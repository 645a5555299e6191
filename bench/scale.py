"""How a decision's cost grows: with keys, limits a key, requests at once, processes on one key."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any

from bench import field
from bench.canned_server import canned_server
from bench.cores import CLIENT
from bench.crew import Failed, Member, crew
from bench.effort import Effort
from bench.environment import CannotInstall
from bench.field import Entry
from bench.progress import Progress
from bench.side_by_side import gathered

KEYS = (100, 1_000, 10_000, 100_000, 1_000_000)
LIMITS = (1, 2, 4, 8)
ROUNDS = 3
FILLED_ON_A_TABLE = 70_000
"""More than a limiter remembers of a table's keys (65,536), so what it forgets is in the figure."""
MOST_WORTH_FILLING = 100_000
"""For those that take hundreds of megabytes, or a minute, to hold a million keys."""
PROCESS_AT_ONCE = 8

IN_MEMORY = (field.OURS_IN_MEMORY, field.LIMITS_FIXED, field.THROTTLED, field.TOKEN_BUCKET)
ON_ONE_KEY = (field.OURS_ASYNC, field.BOTO3, field.ZAE)

Curve = dict[str, dict[str, dict[str, list[float]]]]
"""By name, x, and figure, the rounds."""


def against_keys(effort: Effort, progress: Progress) -> dict[str, Any]:
    """Allowed decisions on keys drawn from so many that are known, one at a time."""
    curve: Curve = {}
    failures: dict[str, str] = {}
    counts = [keys for keys in KEYS if keys <= effort.most_keys]
    entries = (field.OURS, *IN_MEMORY, field.PYRATE)
    with canned_server() as url:
        for done, keys in enumerate(counts):
            for entry in entries:
                if entry is field.PYRATE and keys > MOST_WORTH_FILLING:
                    continue
                at_most = FILLED_ON_A_TABLE if entry is field.OURS else keys
                try:
                    with _one(entry, url, keys=keys) as (member,):
                        memory = member.ask("fill", keys=keys, at_most=at_most)
                        for _ in range(ROUNDS):
                            _note(curve, entry, keys, _stint(member, 1, effort))
                        curve[entry.name][str(keys)].update(
                            {figure: [round(value, 1)] for figure, value in memory.items()}
                        )
                except (CannotInstall, Failed) as failure:
                    failures[entry.name] = str(failure)[:200]
            progress.step(done + 1, len(counts), f"{keys:,} keys")
    return {"taken": curve, "failures": failures}


def against_limits(effort: Effort, progress: Progress) -> dict[str, Any]:
    """Allowed decisions with so many limits on each key."""
    curve: Curve = {}
    with canned_server() as url:
        for done, limits in enumerate(LIMITS):
            for entry in (field.OURS, field.OURS_ASYNC, field.OURS_IN_MEMORY):
                with _one(entry, url, limits=limits) as (member,):
                    for _ in range(ROUNDS):
                        _note(curve, entry, limits, _stint(member, 1, effort))
            progress.step(done + 1, len(LIMITS), f"{limits} limits")
    return {"taken": curve, "failures": {}}


def against_concurrency(effort: Effort, progress: Progress) -> dict[str, Any]:
    """Allowed decisions, so many at once, on canned replies."""
    curve: Curve = {}
    entries = (field.OURS, field.OURS_ASYNC, field.BOTO3, field.AIOBOTOCORE)
    with (
        canned_server() as url,
        gathered(entries, lambda entry: entry.place(url, "limits"), CLIENT) as gathering,
    ):
        for done, concurrency in enumerate(effort.curve):
            for _ in range(ROUNDS):
                for name, (entry, member) in list(gathering.members.items()):
                    try:
                        _note(curve, entry, concurrency, _stint(member, concurrency, effort))
                    except Failed as failure:
                        gathering.give_up(name, failure)
            progress.step(done + 1, len(effort.curve), f"{concurrency} at once")
        return {"taken": curve, "failures": gathering.failures}


def against_processes(
    engine_url: str, table: str, effort: Effort, progress: Progress
) -> dict[str, Any]:
    """So many processes on one hot key of an engine, each with PROCESS_AT_ONCE requests at once."""
    curve: Curve = {}
    failures: dict[str, str] = {}
    for done, entry in enumerate(ON_ONE_KEY):
        options = {"count": True} if entry.is_ours else {}
        place = entry.place(engine_url, table, prefix="hot.", **options)
        try:
            with crew(entry.packages, max(effort.processes), None, keys=1, **place) as members:
                for processes in effort.processes:
                    for _ in range(ROUNDS):
                        got = _on_one_key(members[:processes], entry, effort)
                        _note(curve, entry, processes, got)
        except (CannotInstall, Failed) as failure:
            failures[entry.name] = str(failure)[:200]
        progress.step(done + 1, len(ON_ONE_KEY), entry.name)
    return {"taken": curve, "failures": failures}


def _on_one_key(members: Sequence[Member], entry: Entry, effort: Effort) -> dict[str, float]:
    before = _calls(members) if entry.is_ours else 0
    for member in members:
        member.order("stint", **_one_stint(PROCESS_AT_ONCE, effort))
    got = [member.answer() for member in members]
    together = _together(got)
    if entry.is_ours:
        # What was asked to find out how many to ask is among the calls too.
        decided = sum(one["probes"] + one["calls"] for one in got)
        together["calls_a_decision"] = (_calls(members) - before) / decided
    return together


def _calls(members: Sequence[Member]) -> int:
    return sum(sum(member.ask("told").values()) for member in members)


def _together(got: Sequence[dict[str, Any]]) -> dict[str, float]:
    calls = sum(one["calls"] for one in got)
    return {
        "cpu_us": sum(one["cpu_us"] * one["calls"] for one in got) / calls,
        "per_second": sum(one["per_second"] for one in got),
        "p50_us": max(one["p50_us"] for one in got),
        "p99_us": max(one["p99_us"] for one in got),
    }


def _one(entry: Entry, url: str, **options: Any) -> AbstractContextManager[list[Member]]:
    return crew(entry.packages, 1, CLIENT, **entry.place(url, "limits", **options))


def _stint(member: Member, concurrency: int, effort: Effort) -> dict[str, Any]:
    return member.ask("stint", **_one_stint(concurrency, effort))


def _one_stint(concurrency: int, effort: Effort) -> dict[str, Any]:
    return {"case": "allowed", "concurrency": concurrency, "seconds": effort.seconds}


def _note(curve: Curve, entry: Entry, x: int, got: dict[str, Any]) -> None:
    figures = curve.setdefault(entry.name, {}).setdefault(str(x), {})
    for figure in ("cpu_us", "per_second", "p50_us", "p99_us", "calls_a_decision"):
        if figure in got:
            figures.setdefault(figure, []).append(round(got[figure], 3))
