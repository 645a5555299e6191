"""The kept figures: one JSON file, a section a line, and where and when each section was taken.

Sections are taken in several runs: some fail and are repeated, some have commands of their own. So
each has its own date, commit and machine under ``taken``. A section that fails keeps the figures it
had, and the reason is under ``failed`` until it is taken again.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

Raw = dict[str, Any]

ABOUT = ("versions", "machine", "workload", "notes", "taken", "failed")
"""What is not a section."""


def read(file: Path) -> Raw:
    """The object in a JSON file; empty where there is no such file."""
    if not file.exists():
        return {}
    found: Raw = json.loads(file.read_text(encoding="utf-8"))
    return found


def compact_json(sections: Raw) -> str:
    """JSON with a section a line, and no other white space."""
    lines = (
        f"{json.dumps(name)}:{json.dumps(section, separators=(',', ':'))}"
        for name, section in sections.items()
    )
    return "{\n" + ",\n".join(lines) + "\n}\n"


def write(file: Path, raw: Raw) -> None:
    """Replace the file."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(compact_json(raw), encoding="utf-8")


def keep(file: Path, section: str, figures: Any, machine: Raw, seconds: float) -> None:
    """Put a section's figures into the file, in place of those that it had.

    Args:
        file: made if it is not there.
        section: its name.
        figures: anything that JSON has.
        machine: as machine.described() tells it.
        seconds: what taking them took.
    """
    raw = read(file)
    raw[section] = figures
    raw.setdefault("taken", {})[section] = {**taken_on(machine), "seconds": round(seconds)}
    raw.get("failed", {}).pop(section, None)
    write(file, raw)


def keep_failure(file: Path, section: str, reason: str, machine: Raw) -> None:
    """Note that a section failed; the figures that it had stay."""
    raw = read(file)
    raw.setdefault("failed", {})[section] = {**taken_on(machine), "reason": reason}
    write(file, raw)


def taken_on(machine: Raw) -> Raw:
    """Date, commit and machine, in the words of a page."""
    return {
        "date": machine["date"],
        "commit": machine["commit"],
        "machine": (
            f"{machine['cpu']}, {machine['cores']} cores, {machine['memory_gigabytes']} GB; "
            f"{machine['system']}; {machine['implementation']} {machine['python']}"
        ),
        "load": machine.get("load"),
    }
