"""Which of the media types on offer a client would rather have, by its ``Accept`` header."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

LONGEST_CHARACTERS = 512
"""So much of a header is read. A browser's takes about 150; a longer one would only cost time."""

_HEADERS_REMEMBERED = 128

# Possessive throughout (*+, ++), so that no header makes the matching go back: time is linear.
_TCHARS = r"[!#$%&'*+.^_`|~0-9a-z-]++"
_QUOTED = r'"(?:[^"\\]|\\.)*+"'
_PARAMETER = rf"({_TCHARS})=({_TCHARS}|{_QUOTED})"
_PARAMETERS = re.compile(_PARAMETER)
_MEDIA_RANGE = re.compile(
    rf"[ \t]*+(?P<range>{_TCHARS}/{_TCHARS})"
    rf"(?P<parameters>(?:[ \t]*+;[ \t]*+(?:{_PARAMETER})?+)*+)[ \t]*+"
)
_ELEMENT = re.compile(r'(?:[^,"]++|"(?:[^"\\]++|\\.)*+"?+)++')
_UNACCEPTABLE = (0.0, 0)
_QUALITY = re.compile(r"0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?")


def preferred(accept: str | None, offered: Sequence[str]) -> str:
    """The media type, out of those offered, that the client gives the highest quality.

    The most specific range decides: the type itself, then for a type such as
    ``application/problem+json`` also ``application/json``, since who reads JSON reads that (RFC
    6838, 4.2.8), then ``application/*``, then ``*/*``. Between equals one that is named goes before
    one that a ``*`` lets in, as in ``text/html, */*``; then the one offered first wins. So it does
    where nothing offered is acceptable, or the client says nothing: an answer in a form that was
    not asked for is better than none (RFC 9110, 12.4.1).

    A range's parameters other than ``q`` are passed over, except that a range without them goes
    before the same range with them. Malformed ranges are passed over, as is what lies beyond the
    first 512 characters.

    Source: RFC 9110, 12.5.1.

    Args:
        accept: the header's value, fields joined by commas; None where there is none.
        offered: media types in lower case, without parameters, the server's favourite first.

    Raises:
        ValueError: nothing is offered.
    """
    if not offered:
        raise ValueError("offered []: must have at least one media type")
    if not accept:
        return offered[0]
    if len(accept) > LONGEST_CHARACTERS:
        # The last range may be cut before its q, so it goes.
        accept = accept[:LONGEST_CHARACTERS].rpartition(",")[0]
    return _best(accept, tuple(offered))


@lru_cache(_HEADERS_REMEMBERED)
def _best(accept: str, offered: tuple[str, ...]) -> str:
    qualities = _qualities(accept)
    return max(offered, key=lambda media_type: _rank(media_type, qualities))


def _qualities(accept: str) -> dict[str, float]:
    """The quality of each media range, of which each is there once."""
    found: dict[str, tuple[bool, float]] = {}
    for element in _ELEMENT.findall(accept.lower()):
        match = _MEDIA_RANGE.fullmatch(element)
        if match is None:
            continue
        media_range, parameters = match.group("range", "parameters")
        given = dict(_PARAMETERS.findall(parameters)) if parameters else {}
        quality = given.pop("q", "1")
        if not _QUALITY.fullmatch(quality):
            continue
        this = (not given, float(quality))
        found[media_range] = max(this, found.get(media_range, this))
    return {media_range: quality for media_range, (_, quality) in found.items()}


def _rank(media_type: str, qualities: dict[str, float]) -> tuple[float, int]:
    """The quality of a media type, and how specific the range is that gives it."""
    whole, _, _ = media_type.partition("/")
    _, plus, syntax = media_type.rpartition("+")
    generic = f"application/{syntax}" if plus else media_type
    ranges = ((media_type, 2), (generic, 2), (f"{whole}/*", 1), ("*/*", 0))
    for media_range, specificity in ranges:
        if media_range in qualities:
            quality = qualities[media_range]
            return (quality, specificity) if quality else _UNACCEPTABLE
    return _UNACCEPTABLE
