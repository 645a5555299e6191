"""One line on standard error that says how far a run is."""

from __future__ import annotations

import sys
import time


class Progress:
    """Steps of a run, shown as they begin: overwritten on a terminal, a line each elsewhere."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._what = ""
        self._overwrites = sys.stderr.isatty()

    def section(self, what: str) -> None:
        """A new part of the run begins."""
        self._what = what
        self._show("", end="\n")

    def step(self, done: int, of: int, what: str = "") -> None:
        """So many steps of the part are done."""
        filled = 24 * done // of
        bar = "#" * filled + "." * (24 - filled)
        if self._overwrites:
            self._show(f" [{bar}] {done}/{of} {what}", end="")
        elif done == of:
            self._show(f" {done}/{of}", end="\n")

    def note(self, what: str) -> None:
        """A line that the reader should see."""
        self._show(f": {what}", end="\n")

    @property
    def duration_seconds(self) -> float:
        """Since the beginning."""
        return time.monotonic() - self._began

    def _show(self, rest: str, end: str) -> None:
        start = "\r\x1b[2K" if self._overwrites else ""
        took = f"{self.duration_seconds:5.0f} s  "
        print(f"{start}{took}{self._what}{rest}"[:120], end=end, file=sys.stderr, flush=True)
