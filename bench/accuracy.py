"""How much is admitted of what is due, where processes ask for more than there is.

A limit of RATE, asked for by several processes at once through one key. Due is what the contender's
own rules promise: a bucket's burst and what flows in; a window's quantity for each window begun. A
perfect limiter admits just that, whatever the number of processes; one in memory admits it in each.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from bench import field
from bench.crew import Failed, Member, crew
from bench.effort import Effort
from bench.environment import CannotInstall
from bench.field import Entry
from bench.place import Rate
from bench.progress import Progress

RATE = Rate(50, 1, 5)
ROUNDS = 2
SECONDS_TO_GET_READY = 0.5
ENTRIES = (
    field.OURS, field.ZAE, field.MODERN, field.OURS_IN_MEMORY, field.LIMITS_FIXED,
    field.LIMITS_MOVING, field.THROTTLED, field.PYRATE, field.TOKEN_BUCKET,
)  # fmt: skip
SHARED = (field.OURS, field.ZAE, field.MODERN)
"""Those that mean to keep one limit over all processes."""


def measured(engine_url: str, table: str, effort: Effort, progress: Progress) -> dict[str, Any]:
    """Admitted and due, by name and number of processes, a value a round."""
    taken: dict[str, Any] = {}
    failures: dict[str, str] = {}
    for done, entry in enumerate(ENTRIES):
        try:
            taken[entry.name] = _of(entry, engine_url, table, effort)
        except (CannotInstall, Failed) as failure:
            failures[entry.name] = str(failure)[:200]
        progress.step(done + 1, len(ENTRIES), entry.name)
    return {"taken": taken, "failures": failures, "rate": asdict(RATE)}


def _of(entry: Entry, engine_url: str, table: str, effort: Effort) -> dict[str, Any]:
    taken: dict[str, Any] = {}
    most = max(effort.processes)
    with crew(entry.packages, most, None, keys=1, **entry.place(engine_url, table)) as members:
        for processes in effort.processes:
            if entry not in SHARED and processes not in (1, most):
                # They know nothing of each other: what two do says what four do.
                continue
            for round_ in range(ROUNDS if entry in SHARED else 1):
                got = _round(members[:processes], f"saturated{processes}x{round_}", effort)
                of_these = taken.setdefault(str(processes), {})
                for figure, value in got.items():
                    of_these.setdefault(figure, []).append(value)
    return taken


def _round(members: Sequence[Member], key: str, effort: Effort) -> dict[str, float]:
    begin_at = time.time() + SECONDS_TO_GET_READY
    for member in members:
        member.order(
            "saturate",
            rate=asdict(RATE),
            key=key,
            seconds=effort.accuracy_seconds,
            begin_at=begin_at,
        )
    got = [member.answer() for member in members]
    return {
        "admitted": sum(one["admitted"] for one in got),
        "asked": sum(one["asked"] for one in got),
        "due": round(got[0]["due"], 1),
    }
