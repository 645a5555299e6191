"""Minutes of faults, counted: every role under every kind of them, and a kill at every step."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.engine.faults import libfaketime, proxy, step_kill_verdicts, step_kills
from tests.engine.faults.durable_engine import durable_engine
from tests.engine.faults.nursery import Nursery
from tests.engine.faults.storyteller import Story
from tests.engine.faults.trial import Trial, tried
from tests.engine.faults.verdicts import RECOVERS_WITHIN_SECONDS, Verdict, judge_sessions
from tests.rate_limit_table import rate_limit_table
from tests.session_table import session_table

ROLES = ("limiter", "leases", "local", "slots", "sessions")
KINDS: dict[str, tuple[Sequence[str], proxy.Weather]] = {
    "network": (("partition", "cut all"), proxy.FOUL),
    "processes": (("kill a worker", "suspend a worker", "set a clock"), proxy.FAIR),
    "engine": (("kill the engine", "suspend the engine", "partition"), proxy.FAIR),
}
NEAR_CLOCKS_SECONDS = (-0.08, -0.03, 0.0, 0.03, 0.08)
"""Slots hold with clocks that differ by less than a tenth of their lifetime."""
_RECOVERY_SECONDS = RECOVERS_WITHIN_SECONDS + 2.0
_LEASE_STEPS = range(2, 200, 6)

Show = Callable[[str], None]


def measured(seconds: float, seed: int, show: Show) -> dict[str, Any]:
    """All of it, as JSON that bench.report keeps: a row for each role under each kind of faults.

    Args:
        seconds: for how long faults are made in each story.
        seed: of all chances.
        show: told what begins.
    """
    rows: list[dict[str, Any]] = []
    by_kind: Counter[str] = Counter()
    edges: Counter[str] = Counter()
    broken: list[str] = []

    def keep(fault: str, faults: Counter[str], verdict: Verdict) -> None:
        row = {
            "fault": fault,
            "promise": ", ".join(sorted(verdict.looked_at)),
            "tried": faults.total(),
            "violations": len(verdict.violations),
            "judged": dict(verdict.looked_at),
        }
        rows.append(row)
        by_kind.update(faults)
        edges.update(verdict.edges)
        broken.extend(f"{fault}: {text}" for text in verdict.violations[:20])

    with durable_engine() as engine, Nursery() as nursery:
        for play in step_kills.PLAYS:
            show(f"kill -9 at every step, {play}")
            keep(f"kill -9 at every step, {play}", *_killed(play, engine.url))
        for trial in trials(seconds, seed):
            show(f"{trial.name}, {trial.role}")
            outcome = tried(trial, nursery, engine.url, engine)
            keep(f"{trial.name}, {trial.role}", outcome.faults, outcome.verdict)
    return {
        "rows": rows,
        "by_kind": dict(by_kind.most_common()),
        "edges": dict(edges),
        "broken": broken,
        "clocks": "libfaketime" if libfaketime.library() else "shifted in Python",
    }


def trials(seconds: float, seed: int) -> Iterator[Trial]:
    """Every role under every kind."""
    for number, role in enumerate(ROLES):
        for kind, (kinds, weather) in KINDS.items():
            story = Story(seconds, kinds, weather, seed + number, least=3)
            if role == "slots":
                story = replace(story, wrong_seconds=NEAR_CLOCKS_SECONDS)
            recovers = role in {"limiter", "leases"} and kind != "processes"
            yield Trial(kind, role, story, _RECOVERY_SECONDS if recovers else 1.0)


def _killed(play: str, url: str) -> tuple[Counter[str], Verdict]:
    table_of = session_table if play == "sessions" else rate_limit_table
    verdict = Verdict()
    with table_of(url) as table, tempfile.TemporaryDirectory() as folder:
        steps = _LEASE_STEPS if play == "leases" else step_kills.EACH
        begun_ns = step_kill_verdicts.filled(_LEASE_STEPS, url, table) if play == "leases" else {}
        runs = step_kills.killed_at_every_step(play, url, table, Path(folder), steps)
        match play:
            case "limits":
                step_kill_verdicts.judge_limits(verdict, runs, url, table)
            case "leases":
                step_kill_verdicts.judge_leases(verdict, runs, begun_ns, url, table)
            case "slots":
                step_kill_verdicts.judge_slots(verdict, runs, url, table)
            case _:
                judge_sessions(verdict, [line for run in runs for line in run.lines], url, table)
    return Counter(f"kill {run.step}".replace("-", " ") for run in runs if run.step), verdict
