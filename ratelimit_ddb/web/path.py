"""Path patterns: which requests a rule is about.

``/login`` is that path; ``/users/{id}`` has one segment of any text where the braces are, and
``/users/{id:int}`` one of digits; ``/files/{rest:path}`` and ``/files/*`` are everything below
``/files``, and it itself. A slash at the end, or a second one beside another, makes no difference:
frameworks that serve both spellings would otherwise serve one of them without a limit.
"""

from __future__ import annotations

import re
from collections.abc import Callable

Matches = Callable[[str], object]
"""Tells by something true or false whether a path, without the slash at its end, is meant."""

_PARAMETER = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)(?::([a-z]+))?\}", re.ASCII)
_SLASHES = re.compile("//+")
_CONVERTERS = {"": "[^/]", "str": "[^/]", "int": "[0-9]"}
"""The characters that each sort of parameter is made of."""


def trimmed(path: str) -> str:
    """The path as patterns are compared with it: single slashes, and none at its end."""
    if "//" in path:
        path = _SLASHES.sub("/", path)
    return path.rstrip("/")


def matcher(pattern: str) -> Matches:
    """A function that tells whether a trimmed path is meant by the pattern.

    Raises:
        TypeError: the pattern is no text.
        ValueError: the pattern can't be one, with the rule that it breaks.
    """
    if not isinstance(pattern, str):
        raise TypeError(f"path {pattern!r}: a text such as '/api/*' is needed")
    if not pattern.startswith("/"):
        raise ValueError(f"path {pattern!r}: a pattern begins with '/'")
    prefix, rest = _split_rest(pattern)
    if "{" not in prefix and "}" not in prefix:
        return _plain(trimmed(prefix), rest)
    above = _above_any_segment(trimmed(prefix))
    if above and not rest:
        return lambda path: path.rpartition("/")[0] == above
    tail = "(?:/.*)?" if rest else ""
    return re.compile(_segments(pattern, trimmed(prefix)) + tail, re.DOTALL).fullmatch


def _split_rest(pattern: str) -> tuple[str, bool]:
    """The pattern up to its rest, and whether it has one."""
    prefix, star, after = pattern.partition("*")
    if star and (after or not prefix.endswith("/")):
        raise ValueError(f"path {pattern!r}: '*' stands only as the last segment, for all below")
    if star:
        return prefix, True
    last = _PARAMETER.fullmatch(pattern.rpartition("/")[2])
    if last and last[2] == "path":
        return pattern[: -len(last[0])], True
    return pattern, False


def _plain(text: str, rest: bool) -> Matches:
    if not rest:
        return text.__eq__
    if not text:
        return _always
    below = text + "/"
    return lambda path: path == text or path.startswith(below)


def _always(_path: str) -> bool:
    return True


def _above_any_segment(prefix: str) -> str:
    """What is above a last segment of any text, where that is all that varies; else nothing.

    Most patterns with a parameter are such, and need no regular expression.
    """
    above, _, last = prefix.rpartition("/")
    parameter = _PARAMETER.fullmatch(last)
    varies = "{" in above or "}" in above
    return above if parameter and parameter[2] in (None, "str") and not varies else ""


def _segments(pattern: str, prefix: str) -> str:
    """The regular expression of a prefix."""
    return "/".join(_segment(pattern, segment) for segment in prefix.split("/"))


def _segment(pattern: str, segment: str) -> str:
    """That of one segment. Each parameter but the last ends at the first text that may follow it.

    So a path is read once: were all ways tried to share a segment out among several parameters, a
    hostile path would take hours.
    """
    matches = list(_PARAMETER.finditer(segment))
    if not matches:
        return _literal(pattern, segment)
    made = [_literal(pattern, segment[: matches[0].start()])]
    for match, following in zip(matches, [*matches[1:], None], strict=True):
        text = segment[match.end() : following.start() if following else None]
        if following is None:
            made.append(f"{_converter(pattern, match)}+{_literal(pattern, text)}")
        elif text:
            made.append(f"(?>{_converter(pattern, match)}+?{_literal(pattern, text)})")
        else:
            raise ValueError(f"path {pattern!r}: two parameters need a text between them")
    return "".join(made)


def _converter(pattern: str, match: re.Match[str]) -> str:
    converter = match[2] or ""
    if converter not in _CONVERTERS:
        raise ValueError(
            f"path {pattern!r}: {match[0]!r} can't stand there; write '{{name}}', "
            "'{name:int}', or as the last segment '{name:path}'"
        )
    return _CONVERTERS[converter]


def _literal(pattern: str, text: str) -> str:
    if "{" in text or "}" in text:
        raise ValueError(f"path {pattern!r}: a parameter is written '{{name}}'")
    return re.escape(text)
