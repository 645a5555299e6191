"""Texts from requests, as they may go to a terminal."""

from __future__ import annotations


def printable(text: str) -> str:
    """The text with control characters escaped: a terminal would obey them."""
    if text.isprintable():
        return text
    return "".join(
        sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in text
    )
