"""What proxies say of the client: the entries of Forwarded and X-Forwarded-For, from the right.

A proxy appends its entry to the field that it received, so the last entry is the nearest proxy's,
and everything to the left of the trusted proxies' entries may be forged. So the field is read from
the right, entry by entry, and no further than the caller asks: what an attacker wrote on the left,
such as an opening quote, can't change the entries to its right.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

LONGEST_READ = 8_192
"""Characters: only so many are read, at the right end of the field. Common servers accept a line of
this length, and sixteen proxies need far less."""

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
    """The entries of X-Forwarded-For, from the right, without the spaces and quotes around them.

    The field has no standard and so no quoting: a comma always separates.
    """
    for element in _elements(value, quoting=False):
        if len(element) >= 2 and element[0] == element[-1] == '"':
            yield element[1:-1]
        else:
            yield element


def forwarded(value: str) -> Iterator[str]:
    """The ``for`` of each element of Forwarded, from the right, without quotes and escapes.

    It is ``""`` for an element that has none, has two, or is malformed. The iteration ends at an
    unmatched quote, since the elements can't be separated there. Beyond the grammar, spaces around
    ``;`` are accepted, and colons and brackets without quotes, as some proxies write them.

    Source: RFC 7239, 4 (syntax) and 6 (what identifies a node); RFC 9110, 5.6.4 (quoted strings).
    """
    for element in _elements(value, quoting=True):
        yield _for_of(element)


READERS: Mapping[str, Callable[[str], Iterator[str]]] = {
    "x-forwarded-for": x_forwarded_for,
    "forwarded": forwarded,
}
"""How each field is read, by its name in lower case."""


def without_port(value: str) -> str:
    """An address without the port that follows it, which may be an IPv6 address without brackets.

    CloudFront-Viewer-Address is written so: ``2001:db8::7:443``.
    """
    address, _, _ = value.rpartition(":")
    return value if value.startswith("[") else address


WITH_PORT = "cloudfront-viewer-address"
"""The field of a single address that is always followed by its port."""


def _elements(value: str, *, quoting: bool) -> Iterator[str]:
    """The list's elements, from the right, without empty ones (RFC 9110, 5.6.1.2).

    The time is linear: each character is read a few times at most.
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
    # The first element of a text that was cut may be the end of another one: 203.0.113.9 of 1203...
    if len(text) == len(value) and (element := text[:end].strip(_SPACE)):
        yield element


def _opening_quote(text: str, closing: int) -> int:
    """The index where the quoted string begins that ends at ``closing``; -1 if there is none.

    A quote after an odd number of backslashes is escaped, and an opening quote follows ``=``.
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
