"""How the demo looks: plain lines, coloured where a person reads them in a terminal."""

from __future__ import annotations

import os
from typing import TextIO

_BOLD, _DIM, _RED, _GREEN = "1", "2", "31", "32"


class Screen:
    """Writes lines to a stream, each at once.

    Colours only where the stream is a terminal and ``NO_COLOR`` is not set (no-color.org).
    """

    __slots__ = ("_colours", "_stream")

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        dumb = os.environ.get("TERM") == "dumb"
        self._colours = stream.isatty() and not os.environ.get("NO_COLOR") and not dumb

    def line(self, text: str = "") -> None:
        """A line as it is; signs that the stream's encoding lacks are replaced."""
        encoding = self._stream.encoding or "ascii"
        self._stream.write(text.encode(encoding, "replace").decode(encoding) + "\n")
        self._stream.flush()

    def heading(self, text: str) -> None:
        """A line that begins a part, after an empty one."""
        self.line()
        self.line(self._styled(text, _BOLD))
        self.line()

    def note(self, text: str) -> None:
        """A remark."""
        self.line(f"  {self._styled(text, _DIM)}")

    def verdict(self, text: str, *, good: bool) -> None:
        """What it comes to."""
        self.line(f"  {self._styled(text, _GREEN if good else _RED)}")

    def answered(self, who: str, asked: str, status: int, what: str, *, good: bool) -> None:
        """One request of a browser: what it asked for and got, and whether that was right."""
        verdict = "" if good else self._styled("  WRONG", _RED)
        self.line(f"  {self._styled(f'{who:16}', _DIM)}  {asked:23}  {status}  {what}{verdict}")

    def _styled(self, text: str, style: str) -> str:
        return f"\x1b[{style}m{text}\x1b[0m" if self._colours and text else text
