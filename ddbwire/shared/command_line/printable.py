"""Texts from requests, made safe for a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from unicodedata import combining, east_asian_width


def printable(text: str) -> str:
    """The text with control characters escaped, which a terminal would execute."""
    if text.isprintable():
        return text
    return "".join(
        sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in text
    )


def print_table(rows: Sequence[Sequence[str]]) -> None:
    """Print rows in columns; the first row has the headings."""
    widths = [max(map(_width, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (
            cell + " " * (width - _width(cell)) for cell, width in zip(row, widths, strict=True)
        )
        print("  ".join(cells).rstrip())


def _width(text: str) -> int:
    """In how many columns a terminal shows the text."""
    if text.isascii():
        return len(text)
    return sum(
        0 if combining(sign) else 2 if east_asian_width(sign) in ("F", "W") else 1 for sign in text
    )
