"""Who proxies say they heard from: the entries of Forwarded and X-Forwarded-For, from the right.

A proxy appends its entry to what it was sent, so the right end is the nearest proxy's and anything
left of the entries of trusted proxies may be a forgery. It is read from the right for that reason,
entry by entry: what nobody asks for is not read, and what an attacker wrote on the left, an open
quote for one, can't change what is found to its right.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

LONGEST_READ = 8_192
"""Characters: what is further from the right end is not read, be it sent or not. It is what common
servers take as a whole line, and sixteen proxies need far less."""

_SPACE = " \t"
# Possessive throughout (*+, ++), so that no field makes the matching go back: time is linear.
_PAIR = re.compile(
    r"""[ \t]*+
    (?:
        (?P<name> [!#$%&'*+.^_`|~0-9A-Za-z-]++ ) =
        (?: " (?P<quoted> (?: [^"\\] | \\. )*+ ) " | (?P<plain> [^\s",;\\]++ ) )
    )?+
    [ \t]*+ (?: ; | \Z )""",
    re.VERBOSE | re.DOTALL,
)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


def x_forwarded_for(value: str) -> Iterator[str]:
    """The entries of X-Forwarded-For, from the right, bare of spaces and of quotes around them.

    The field has no standard, hence no quoting: a comma always separates.
    """
    for element in _elements(value, quoting=False):
        if len(element) >= 2 and element[0] == element[-1] == '"':
            yield element[1:-1]
        else:
            yield element


def forwarded(value: str) -> Iterator[str]:
    """The ``for`` of each element of Forwarded, from the right, bare of quotes and escapes.

    It is ``""`` for an element that has none, has two, or is malformed. Where a quote is open, so
    that nothing tells where elements begin, there are no further ones. Beyond the grammar, spaces
    around ``;`` are taken, and colons and brackets without quotes, as some proxies write them.

    Source: RFC 7239, 4 (syntax) and 6 (what identifies a node); RFC 9110, 5.6.4 (quoted strings).
    """
    for element in _elements(value, quoting=True):
        yield _for_of(element)


READERS: Mapping[str, Callable[[str], Iterator[str]]] = {
    "x-forwarded-for": x_forwarded_for,
    "forwarded": forwarded,
}
"""How each field is read, by its name in lower case."""


def _elements(value: str, *, quoting: bool) -> Iterator[str]:
    """The list's elements, from the right; empty ones are left out (RFC 9110, 5.6.1.2).

    Every character is looked at a few times at most, whatever the text.
    """
    text = value[-LONGEST_READ:]
    end = unread = len(text)
    quote = text.rfind('"') if quoting else -1
    while True:
        comma = text.rfind(",", quote + 1, unread)
        if comma >= 0:
            if element := text[comma + 1 : end].strip(_SPACE):
                yield element
            end = unread = comma
        elif quote >= 0:
            unread = _opening_quote(text, quote)
            if unread < 0:
                return
            quote = text.rfind('"', 0, unread)
        else:
            break
    # The first element of a text that was cut may be the end of another: 203.0.113.9 of 1203.0...
    if len(text) == len(value) and (element := text[:end].strip(_SPACE)):
        yield element


def _opening_quote(text: str, closing: int) -> int:
    """Where the quoted string begins that ends at ``closing``; -1 where none does.

    A quote behind an odd number of backslashes is escaped, and one that opens follows ``=``.
    """
    if _is_escaped(text, closing):
        return -1
    opening = text.rfind('"', 0, closing)
    while opening >= 0 and _is_escaped(text, opening):
        opening = text.rfind('"', 0, opening)
    return opening if opening > 0 and text[opening - 1] == "=" else -1


def _is_escaped(text: str, quote: int) -> bool:
    before = quote
    while before > 0 and text[before - 1] == "\\":
        before -= 1
    return (quote - before) % 2 == 1


def _for_of(element: str) -> str:
    nodes = []
    at = 0
    while at < len(element):
        pair = _PAIR.match(element, at)
        if pair is None:
            return ""
        if pair["name"] is not None and pair["name"].lower() == "for":
            nodes.append(pair["plain"] or _ESCAPED.sub(r"\1", pair["quoted"]))
        at = pair.end()
    return nodes[0] if len(nodes) == 1 else ""
