"""How far a scan is, on a line of a terminal that is written over."""

from __future__ import annotations

import sys
from typing import TextIO

from ratelimit_ddb.cli.table_scan import Progress

_CELLS = 24
_ERASE_LINE = "\r\x1b[K"


class ProgressBar:
    """A bar on stderr; nothing where that is no terminal.

    Args:
        expected_items: about how many items there are; None where nobody knows.
        stream: where it goes.
    """

    __slots__ = ("_expected_items", "_is_shown", "_stream")

    def __init__(self, expected_items: int | None, stream: TextIO | None = None) -> None:
        self._expected_items = expected_items
        self._stream = sys.stderr if stream is None else stream
        self._is_shown = self._stream.isatty()

    def show(self, progress: Progress) -> None:
        """Write it over what it was."""
        if self._is_shown:
            self._stream.write(_ERASE_LINE + self.line(progress))
            self._stream.flush()

    def line(self, progress: Progress) -> str:
        """What it is."""
        said = f"{progress.items:,} items"
        if progress.units is not None:
            said += f", {progress.units:,.1f} read units"
        if not self._expected_items:
            return said
        # The table counts its items every six hours, so there may be more of them.
        share = 1.0 if progress.is_complete else min(progress.items / self._expected_items, 0.99)
        cells = int(share * _CELLS)
        return f"[{'#' * cells}{'.' * (_CELLS - cells)}] {share:4.0%}  {said}"

    def clear(self) -> None:
        """Take it away."""
        if self._is_shown:
            self._stream.write(_ERASE_LINE)
            self._stream.flush()
