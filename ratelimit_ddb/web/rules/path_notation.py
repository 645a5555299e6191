"""The notation of path patterns: text, parameters in braces, and ``*`` as the last segment.

A text that can't be a pattern would match no request and so limit nothing: it is refused when the
rule is made. That holds for the notations of other routers (``<int:id>``, ``:id``, regular
expressions), for what is no part of a path (query, fragment, host), and for what no decoded path
contains (``%20``). The message has the pattern that is meant, where that is certain.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import unquote


class Parameter(NamedTuple):
    """A parameter of a pattern, such as ``{id:int}``.

    Attributes:
        characters: the characters that its text is made of, as a class of a regular expression.
        may_be_empty: whether the empty text is one of its texts.
    """

    characters: str
    may_be_empty: bool


Segment = tuple[str | Parameter, ...]
"""Literal texts and parameters, in their order. A segment of no text has no parts."""


LONGEST_PATTERN = 2_000
"""Characters. Each ending of a pattern is compared with paths below mounts, so that compiling one
takes the square of its segments."""


class AnotherPatternMeant(ValueError):
    """A text can't be a pattern, and is certain to mean another one.

    Attributes:
        meant: that one.
    """

    def __init__(self, pattern: str, meant: str, why: str) -> None:
        super().__init__(f"path {pattern!r}: {why}; write {meant!r}")
        self.meant = meant


_TEXT = Parameter("[^/]", may_be_empty=True)
_INTEGER = r"\d\s_+\-."
EVERYTHING = Parameter(r"[\s\S]", may_be_empty=True)
"""``{name:path}``: any text, slashes included."""

CONVERTERS = {
    "str": _TEXT,
    "int": Parameter(f"[{_INTEGER}]", may_be_empty=False),
    "float": Parameter(f"[{_INTEGER}eEinfatyINFATY]", may_be_empty=False),
    "uuid": Parameter(rf"[{_INTEGER}A-Fa-fxXurni:{{}}]", may_be_empty=False),
    "slug": Parameter(r"[\w-]", may_be_empty=False),
    "path": EVERYTHING,
    "date": _TEXT,
    "datetime": _TEXT,
    "decimal": _TEXT,
    "dt": _TEXT,
    "time": _TEXT,
    "timedelta": _TEXT,
}
"""What each converter of a framework accepts, at the least.

Routers hand a text to ``int()``, ``float()`` and ``uuid.UUID()``: digits of any script, signs,
underscores, white space around it, ``inf``, ``0x`` and ``urn:uuid:`` are accepted by these. FastAPI
reads a path's ``{id}`` as its function's annotation says, and takes ``5.0`` for an ``int``.
"""

_PARAMETER = re.compile(r"\{([A-Za-z_]\w*)(?::([A-Za-z_]\w*))?\}", re.ASCII)
_IN_BRACES = re.compile(r"\{[^{}/]*\}")
_REGULAR_EXPRESSION = re.compile(r"\\.?|\(\?|\^|[\[\]|]|\.[*+]|\$(?=/|$)")
_ENCODED = re.compile("%[0-9A-Fa-f]{2}")
_UNSEEN = re.compile(
    r"[^\S ]|[\x00-\x1f\x7f-\x9f\ud800-\udfff]"
    r"|[\xad\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]"
)
"""White space, controls, and what is copied along from a page (a zero-width space, a hyphen that is
not shown, marks of direction). Joiners are not among them: they belong to the words of scripts."""
_DOTLESS_AND_DOTTED = {0x131: "i", 0x130: "i"}
"""Two letters that ``re.IGNORECASE`` takes for an ``i``, and ``casefold`` does not."""
_SLASHES = re.compile("//+")
_HOST_FIRST = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/]*|//(?=[^/{]*[.:])[^/{]*+(?=/|$)")
_METHOD_FIRST = re.compile(r"[A-Z]+(?:,[A-Z]+)* +(/.*)", re.DOTALL)


def _of_angles(angled: re.Match[str]) -> str:
    return _parameter_text(angled[2], angled[1])


def _of_arguments(braced: re.Match[str]) -> str:
    return _parameter_text(braced[1], braced[2])


def _parameter_text(name: str, converter: str | None) -> str:
    plain = converter == "str" or converter not in CONVERTERS
    return f"{{{name}}}" if plain else f"{{{name}:{converter}}}"


_OTHER_NOTATIONS: tuple[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]], ...] = (
    (re.compile(r"<(?:([A-Za-z_]\w*)(?:\([^()/]*\))?:)?([A-Za-z_]\w*)>"), _of_angles),
    (re.compile(r"\{([A-Za-z_]\w*):([A-Za-z_]\w*)\([^{}/]*\)\}"), _of_arguments),
    (re.compile(r"(?<=/):([A-Za-z_]\w*)"), r"{\1}"),
    (re.compile(r"\$+\{"), "{"),
    (re.compile(r"%\(([A-Za-z_]\w*)\)[sdifr]"), r"{\1}"),
    (re.compile(r"%[sdifr](?![A-Za-z0-9])"), "{name}"),
    (re.compile(r"\{\*{1,2}([A-Za-z_]\w*)\}"), r"{\1:path}"),
    (re.compile(r"\{([A-Za-z_]\w*)\.\.\.\}"), r"{\1:path}"),
    (
        re.compile(
            rf"\{{({'|'.join(CONVERTERS)}):(?!(?:{'|'.join(CONVERTERS)})\}})([A-Za-z_]\w*)\}}"
        ),
        r"{\2:\1}",
    ),
)
"""How other routers write a parameter, and what it is here."""


def folded(text: str) -> str:
    """One form for a text in capitals and in small letters, as ``re.IGNORECASE`` compares them."""
    return text.lower() if text.isascii() else text.translate(_DOTLESS_AND_DOTTED).casefold()


def segments_of(pattern: str) -> tuple[list[Segment], bool]:
    """The segments of a pattern, folded, and whether everything below them is meant too.

    A slash at its end, or one beside another, makes no segment.

    Raises:
        TypeError: the pattern is not a str.
        ValueError: it can't be a pattern; the message names the rule and what to write instead.
    """
    if not isinstance(pattern, str):
        raise TypeError(f"path {pattern!r}: must be a str such as '/api/*'")
    if len(pattern) > LONGEST_PATTERN:
        raise ValueError(
            f"path {pattern[:30]!r}...: must have at most {LONGEST_PATTERN} characters"
        )
    _require_a_path(pattern)
    _require_no_other_notation(pattern)
    _require_what_paths_have(pattern)
    prefix, star, after = pattern.partition("*")
    if star and (after or not prefix.endswith("/")):
        raise ValueError(
            f"path {pattern!r}: '*' stands only as the last segment, for all below; elsewhere "
            "write '{name}' for one segment or '{name:path}' for any number of them"
        )
    segments = [_segment(pattern, text) for text in _SLASHES.sub("/", prefix).split("/") if text]
    if not star and segments and segments[-1] == (EVERYTHING,):
        return segments[:-1], True
    return segments, bool(star)


def _require_a_path(pattern: str) -> None:
    method_first = _METHOD_FIRST.fullmatch(pattern)
    if method_first:
        raise _another(pattern, method_first[1], "the method is given as methods=")
    end = 0
    while host_first := _HOST_FIRST.match(pattern, end):
        end = host_first.end()
    if end:
        raise _another(pattern, pattern[end:] or "/", "a pattern has no scheme and no host")
    if not pattern.startswith("/"):
        raise ValueError(f"path {pattern!r}: a pattern begins with '/'")
    if pattern != pattern.rstrip():
        raise _another(pattern, pattern.rstrip(), "white space at the end is part of no path")
    unseen = _UNSEEN.search(pattern)
    if unseen:
        raise ValueError(f"path {pattern!r}: {unseen[0]!r} can't stand in a pattern")


def _require_no_other_notation(pattern: str) -> None:
    # Regular expressions first: their '(?P<name>...)' has what the others are recognized by.
    expression = _REGULAR_EXPRESSION.search(pattern)
    if expression:
        raise ValueError(
            f"path {pattern!r}: {expression[0]!r} belongs to a regular expression, and a pattern "
            "is not one; write '{name}' for any one segment, '{name:int}' for a number, and "
            "'{name:path}' or a last '*' for everything below"
        )
    for notation, ours in _OTHER_NOTATIONS:
        other = notation.search(pattern)
        if other:
            raise _another(
                pattern, notation.sub(ours, pattern), f"{other[0]!r} is another notation"
            )
    if "<" in pattern or ">" in pattern:
        raise _braces(pattern)
    for in_braces in _IN_BRACES.findall(pattern):
        if not _PARAMETER.fullmatch(in_braces):
            raise _braces(pattern)


def _require_what_paths_have(pattern: str) -> None:
    for mark, what in (("?", "query"), ("#", "fragment")):
        before, found, _ = pattern.partition(mark)
        if found:
            raise _another(pattern, before, f"{mark!r} begins the {what}, which is no part of it")
    if _ENCODED.search(pattern):
        raise _decoded(pattern)
    if {".", ".."}.intersection(pattern.split("/")):
        raise ValueError(
            f"path {pattern!r}: '.' and '..' can't be segments; write the path that they lead to"
        )


def _decoded(pattern: str) -> ValueError:
    """The error for percent-encoded text: the text that it stands for, if a pattern can have it."""
    try:
        decoded = unquote(pattern, errors="strict")
    except UnicodeDecodeError:
        return ValueError(
            f"path {pattern!r}: its percent-encoded text is not UTF-8; write '{{name}}' there"
        )
    why = "paths are compared percent-decoded"
    try:
        if _ENCODED.search(decoded) is None:
            segments_of(decoded)
            return AnotherPatternMeant(pattern, decoded, why)
    except ValueError:
        pass
    return ValueError(
        f"path {pattern!r}: {why}, and no pattern has what this one stands for; write '{{name}}' "
        "there"
    )


def _segment(pattern: str, text: str) -> Segment:
    parts: list[str | Parameter] = []
    unread = 0
    for match in _IN_BRACES.finditer(text):
        if literal := _literal(pattern, text[unread : match.start()]):
            parts.append(folded(literal))
        parameter = _parameter(pattern, match[0])
        if parameter != EVERYTHING or parts[-1:] != [EVERYTHING]:  # several are no more than one
            parts.append(parameter)
        unread = match.end()
    if literal := _literal(pattern, text[unread:]):
        parts.append(folded(literal))
    return tuple(parts)


def _parameter(pattern: str, text: str) -> Parameter:
    match = _PARAMETER.fullmatch(text)
    if not match:
        raise _braces(pattern)
    converter = match[2] or "str"
    if converter not in CONVERTERS:
        raise ValueError(
            f"path {pattern!r}: unknown converter {converter!r}; expected one of "
            f"{', '.join(CONVERTERS)}, or '{{{match[1]}}}' for any text of one segment"
        )
    return CONVERTERS[converter]


def _literal(pattern: str, text: str) -> str:
    if "{" in text or "}" in text:
        raise _braces(pattern)
    return text


def _braces(pattern: str) -> ValueError:
    return ValueError(
        f"path {pattern!r}: a parameter is written '{{name}}', '{{name:int}}' or '{{name:path}}'"
    )


def _another(pattern: str, meant: str, why: str) -> ValueError:
    """The error that names what is meant: a text that is a pattern, if there is one.

    What is wrong with a pattern is put right wherever it is in it, so that what is meant has other
    mistakes, if any, and there are a few kinds of them.
    """
    try:
        segments_of(meant)
    except AnotherPatternMeant as further:
        return AnotherPatternMeant(pattern, further.meant, why)
    except ValueError as further:
        return ValueError(f"path {pattern!r}: {why}; that leaves {further}")
    return AnotherPatternMeant(pattern, meant, why)
