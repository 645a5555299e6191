"""The head of each page: the commit, day and machine of its figures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

Raw = dict[str, Any]

QUIET_LOAD = 0.5
"""The load average of a machine that does nothing else."""


def head(raw: Raw, sections: Sequence[str]) -> str:
    """A line for each run that these sections are of, and for each that failed or is missing.

    Args:
        raw: the raw figures.
        sections: those of the page.
    """
    runs: dict[tuple[str, ...], list[tuple[str, Raw]]] = {}
    for name in sections:
        taken = raw.get("taken", {}).get(name)
        if taken is not None:
            run = taken["date"][:10], taken["commit"], taken["machine"], _busy(taken)
            runs.setdefault(run, []).append((name, taken))
    lines = [_of_run(run, taken, are_several=len(runs) > 1) for run, taken in runs.items()]
    lines += [
        f"`{name}` was to be taken again on {failed['date'][:10]} at commit {failed['commit']}, "
        f"and failed: {failed['reason']}"
        for name, failed in raw.get("failed", {}).items()
        if name in sections
    ]
    missing = [f"`{name}`" for name in sections if name not in raw]
    if missing:
        lines.append(f"Not measured: {', '.join(missing)}.")
    return "\n\n".join(lines) + "\n"


def _of_run(run: tuple[str, ...], taken: list[tuple[str, Raw]], *, are_several: bool) -> str:
    day, commit, machine, busy = run
    names = (
        f"{', '.join(f'`{name}`' for name, _ in taken)}: measured" if are_several else "Measured"
    )
    minutes = sum(one["seconds"] or 0 for _, one in taken) / 60
    took = f", in {minutes:.0f} minutes" if minutes >= 1 else ""
    return f"{names} on {day} at commit {commit}{took}. {machine}{busy}."


def _busy(taken: Raw) -> str:
    load = taken.get("load")
    if load is None or load < QUIET_LOAD:
        return ""
    return f"; other work ran beside it, a load of {load:g}"
