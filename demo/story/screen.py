"""How the story looks: plain lines, coloured where a person reads them in a terminal."""

from __future__ import annotations

import os
from typing import TextIO

from ratelimit_ddb import Decision

GAUGE_CELLS = 10

_BOLD, _DIM, _RED, _GREEN, _YELLOW = "1", "2", "31", "32", "33"


class Screen:
    """Writes lines to a stream, each at once.

    Colours only where the stream is a terminal and ``NO_COLOR`` is not set (no-color.org); signs
    that the stream's encoding lacks are replaced by plain ones.
    """

    __slots__ = ("_colours", "_empty", "_full", "_stream")

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        dumb = os.environ.get("TERM") == "dumb"
        self._colours = stream.isatty() and not os.environ.get("NO_COLOR") and not dumb
        self._full, self._empty = ("●", "○") if _can_write("●○", stream) else ("#", ".")

    def line(self, text: str = "") -> None:
        """A line as it is."""
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

    def decided(self, when: str, status: int, retry_after: str | None, bucket: Decision) -> None:
        """What one request got, and the bucket after it."""
        words, colour = {200: ("admitted", _GREEN), 429: ("denied", _YELLOW)}.get(
            status, ("not decided", _RED)
        )
        text = f"  {self._styled(f'{when:>8}', _DIM)}   {self._styled(f'{words:8}', colour)}  "
        text += f"{status}   {self.gauge(bucket)}  {bucket.remaining} left"
        if retry_after is not None:
            text += f"   Retry-After: {retry_after}"
            text += "" if bucket.allowed else f", exactly {bucket.retry_after:.3f} s"
        self.line(text)

    def answered(self, who: str, asked: str, status: int, what: str, *, good: bool) -> None:
        """One request of a browser: what it asked for and got, and whether that was right."""
        verdict = "" if good else self._styled("  WRONG", _RED)
        self.line(f"  {self._styled(f'{who:16}', _DIM)}  {asked:23}  {status}  {what}{verdict}")

    def gauge(self, bucket: Decision) -> str:
        """The bucket as a row of signs, at most GAUGE_CELLS long; full ones are tokens."""
        burst = bucket.limit.burst
        cells = min(burst, GAUGE_CELLS)
        full = bucket.remaining * cells // burst
        return self._styled(self._full * full, _GREEN) + self._styled(
            self._empty * (cells - full), _DIM
        )

    def sequence(self, who: str, admitted: list[bool]) -> None:
        """One caller's requests in their order, each a sign."""
        signs = "".join(
            self._styled(self._full, _GREEN) if one else self._styled(self._empty, _YELLOW)
            for one in admitted
        )
        count = sum(admitted)
        self.line(f"  {who:>8}   {signs}   {count} admitted, {len(admitted) - count} denied")

    def _styled(self, text: str, style: str) -> str:
        return f"\x1b[{style}m{text}\x1b[0m" if self._colours and text else text


def _can_write(text: str, stream: TextIO) -> bool:
    try:
        text.encode(stream.encoding or "ascii")
    except UnicodeEncodeError:
        return False
    return True
