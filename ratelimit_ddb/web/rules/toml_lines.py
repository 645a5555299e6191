"""Which line a key of a rule stands on, since Python's TOML reader doesn't tell.

A TOML text is a row of statements: headers, and keys with values. One statement is a TOML text by
itself, and no beginning of it is, where it goes over several lines. So the reader itself tells
where each ends, and nothing here can differ from it about strings, arrays and comments.

Source: TOML 1.0.0, "Key/Value Pair", "Table", "Array of Tables".
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from typing import Any, NamedTuple

HEADER = ""
"""The key under which a rule's header is listed."""

_MOST_TIMES_READ = 32
"""How many times the text's length is read: a statement of very many lines would take a time that
grows with their square. What is left then has no lines."""

_LAST_SIGNS = ("]", "}", '"""', "'''")


class Lines(NamedTuple):
    """Line numbers, from 1.

    Attributes:
        outside: of the keys and headers that are no rule's.
        rules: for each ``[[rule]]`` of the text, of its keys, and of its header.
    """

    outside: dict[str, int]
    rules: list[dict[str, int]]


def lines_of(text: str) -> Lines:
    """The lines of a text that is valid TOML. Rules in ``rule = [...]`` have none.

    Nor has what follows a statement of some hundred lines, if several of these could end it.
    """
    lines = Lines({}, [])
    below: dict[str, int] | None = lines.outside
    for line, is_header, key, value in _statements(text):
        if not is_header:
            if below is not None:
                below.setdefault(key, line)
            continue
        below = None
        if key == "rule" and value == [{}]:
            below = {HEADER: line}
            lines.rules.append(below)
        elif key == "rule" and value and isinstance(value, dict) and lines.rules:
            lines.rules[-1].setdefault(next(iter(value)), line)  # [rule.by] is the last rule's by
        else:
            lines.outside.setdefault(key, line)
    return lines


def _statements(text: str) -> Iterator[tuple[int, bool, str, Any]]:
    """Each statement's first line, whether it is a header, its key and its value."""
    several: list[str] = []
    unread = _MOST_TIMES_READ * (len(text) + 1)
    for number, line in enumerate(text.split("\n"), 1):
        several.append(line)
        if len(several) > 1 and not _may_end(line):
            continue
        statement = "\n".join(several)
        unread -= len(statement)
        if unread < 0:
            return
        try:
            found = tomllib.loads(statement)
        except tomllib.TOMLDecodeError:
            continue  # the statement goes on
        first, several = several, []
        for key, value in found.items():
            yield number - len(first) + 1, first[0].lstrip().startswith("["), key, value


def _may_end(line: str) -> bool:
    """Whether a statement of several lines can end here; else a long one is not read again."""
    return "#" in line or line.rstrip().endswith(_LAST_SIGNS)
