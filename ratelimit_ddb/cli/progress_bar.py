"""The progress of a scan, on one line of a terminal."""

from __future__ import annotations

import shutil
import sys
from typing import TextIO

from ddbwire.shared.command_line.terminal import obeys_escapes
from ratelimit_ddb.cli.table_scan import Progress

_CELLS = 24
_ERASE_LINE = "\r\x1b[K"


class ProgressBar:
    """A progress bar; it writes nothing if the stream is not a terminal that can erase a line.

    Args:
        expected_items: the approximate number of items; None if not known.
        stream: where to write; stderr unless given.
    """

    __slots__ = ("_expected_items", "_is_shown", "_stream")

    def __init__(self, expected_items: int | None, stream: TextIO | None = None) -> None:
        self._expected_items = expected_items
        self._stream = sys.stderr if stream is None else stream
        self._is_shown = obeys_escapes(self._stream)

    def show(self, progress: Progress) -> None:
        """Write the line over the previous one."""
        if self._is_shown:
            # A longer line would wrap, and only its last row be erased.
            most_columns = shutil.get_terminal_size().columns - 1
            self._stream.write(_ERASE_LINE + self.line(progress)[:most_columns])
            self._stream.flush()

    def line(self, progress: Progress) -> str:
        """The text of the line."""
        said = f"{progress.items:,} items"
        if progress.units is not None:
            said += f", {progress.units:,.1f} read units"
        if not self._expected_items:
            return said
        # DynamoDB updates the count every six hours, so there may be more items.
        share = 1.0 if progress.is_complete else min(progress.items / self._expected_items, 0.99)
        cells = int(share * _CELLS)
        return f"[{'#' * cells}{'.' * (_CELLS - cells)}] {share:4.0%}  {said}"

    def clear(self) -> None:
        """Erase the line."""
        if self._is_shown:
            self._stream.write(_ERASE_LINE)
            self._stream.flush()
