"""What a process saw, a line for each thing, in a file that outlives a ``kill -9`` of it.

A line is one ``write`` to a file opened for appending, which the kernel has from then on. Instants
are of the machine's monotonic clock, which its processes share.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple


class Line(NamedTuple):
    """One thing that was seen.

    Attributes:
        process: whose, a number that no two processes of a fleet have.
        what: in a word.
        from_ns, to_ns: between which instants it was.
        stalled_ns: for how long the process stood still meanwhile.
        subject: the key, the slot or the session.
        value: a number, such as tokens.
    """

    process: int
    what: str
    from_ns: int
    to_ns: int
    stalled_ns: int
    subject: str
    value: int


class Journal:
    """Appends lines.

    Args:
        file: where to.
        process: whose they are.
    """

    def __init__(self, file: Path, process: int) -> None:
        self.process = process
        self._descriptor = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def note(
        self,
        what: str,
        from_ns: int,
        to_ns: int,
        subject: str,
        value: int = 0,
        *,
        stalled_ns: int = 0,
    ) -> None:
        """Write one."""
        line = f"{self.process} {what} {from_ns} {to_ns} {stalled_ns} {subject} {value}\n"
        os.write(self._descriptor, line.encode())

    def close(self) -> None:
        """Close the file."""
        os.close(self._descriptor)


def lines_of(file: Path) -> Iterator[Line]:
    """All that was written, in its order; of a process that was killed too."""
    if not file.exists():
        return
    for text in file.read_text(encoding="utf-8").splitlines():
        process, what, from_ns, to_ns, stalled_ns, subject, value = text.split(" ")
        yield Line(
            int(process), what, int(from_ns), int(to_ns), int(stalled_ns), subject, int(value)
        )
