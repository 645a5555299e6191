r"""Path patterns: which requests a rule matches.

``/login`` is that path; ``/users/{id}`` has one segment of any text where the braces are, and
``/users/{id:int}`` one that is a number; ``/files/*`` and ``/files/{rest:path}`` are everything
below ``/files``, and it itself. A segment may have several parameters, ``/{slug}-{id:int}``, and
``{name:path}`` may have something after it, ``/pages/{name:path}/edit``.

A pattern matches every path that any of Starlette, FastAPI, Flask, Django, Falcon and Litestar
routes to a view of that pattern. If they differ, it matches the paths of each: a rule that matches
too much costs a token, one that matches too little is a hole. So

- a slash at the end, in front, or beside another makes no difference (Flask, Litestar, Falcon);
- a text that makes up a segment may be empty: ``/users/`` and ``/users//posts`` have an empty
  ``{id}`` (Falcon). Then the slashes are counted;
- a line feed at the end of a segment makes no difference. Starlette's and FastAPI's routes end in
  ``$``, and so do the segments of Falcon's, which a line feed may follow: ``/login%0A`` is served
  by the view of ``/login``;
- a number is whatever ``int()`` may accept, or ``float()``, or ``uuid.UUID()``: digits of any
  script, signs, underscores, spaces (Flask, Falcon, Litestar), ``5.0`` (FastAPI, for a parameter
  that is annotated ``int``). They are recognized by their characters alone, so some texts that
  are no numbers match too;
- if parameters share a segment, every way to split it is tried;
- capitals and small letters are the same (BlackSheep, a ``(?i)`` in a route of Django);
- a path with dot segments is also the path that they lead to: no router resolves them, but views
  that serve files do, so that ``/static/a/../b`` is the file of ``/static/b``.

Backslashes and ``;`` have no meaning to routers, and none here. For any pattern, the time to match
a path is linear in the path's length.

Source: RFC 3986, 3.3 (paths), and the routers' own code, which tests/frameworks/test_routing.py
runs against these rules.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from ddbwire.arguments import plain_text
from ratelimit_ddb.web.rules.path_automaton import linear_matcher
from ratelimit_ddb.web.rules.path_notation import (
    CONVERTERS,
    EVERYTHING,
    Parameter,
    Segment,
    folded,
    segments_of,
)

Fits = Callable[[str], object]
"""Returns something true if a spelling of a path matches."""

AnyFits = Callable[[tuple[str, ...]], bool]
"""The same for several spellings at once."""


class Pattern(NamedTuple):
    """A pattern, ready to be compared with paths.

    Attributes:
        text: the pattern as it is written.
        fits: whether a spelling of a path matches.
        fits_below_mounts: whether one of a path's spellings matches if mounts were left on it.
    """

    text: str
    fits: Fits
    fits_below_mounts: AnyFits


_SLASHES = re.compile("//+")
_LINE_FEEDS = re.compile(r"\n(?=/|\Z)")
_ANY_TEXT = CONVERTERS["str"]


def spellings(path: str) -> tuple[str, ...]:
    """The spellings of a percent-decoded path that patterns are compared with.

    The first has single slashes and none at its end (so ``/`` is the empty text). Where that took
    slashes away, there are those that keep them, as they may stand beside an empty parameter.
    """
    path = folded(path)
    if path[:1] != "/" or path[1:2] == "/":
        path = "/" + path.lstrip("/")
    if "/." in path:
        resolved = posixpath.normpath(path)
        if resolved != path:
            return _by_line_feeds(path) + _by_line_feeds(resolved)
    return _by_line_feeds(path)


def _by_line_feeds(path: str) -> tuple[str, ...]:
    if "\n" in path:
        # After that: a line feed alone may be a parameter's text, where slashes are counted
        # (Falcon) and where they are not (Litestar).
        single = _SLASHES.sub("/", path)
        return _by_slashes(_LINE_FEEDS.sub("", path)) + _by_slashes(_LINE_FEEDS.sub("", single))
    return _by_slashes(path)


def _by_slashes(path: str) -> tuple[str, ...]:
    if "//" not in path:
        return (path[:-1], path) if path[-1] == "/" else (path,)
    # Falcon may take one slash off the end, and one may be the pattern's, which is not kept.
    once = path.removesuffix("/")
    return (_SLASHES.sub("/", path).rstrip("/"), path, once, once.removesuffix("/"))


def patterns_of(path: str | Sequence[str]) -> tuple[Pattern, ...]:
    """The patterns of a rule, in their order.

    Raises:
        TypeError: it is neither a str nor a list of them.
        ValueError: the list is empty, or a pattern is invalid.
    """
    if isinstance(path, str):
        texts = [path]
    elif isinstance(path, Sequence) and not isinstance(path, bytes | bytearray | memoryview):
        texts = list(path)
    else:
        raise TypeError(f"path {path!r}: must be a str such as '/api/*', or a list of them")
    if not texts:
        raise ValueError(f"path {path!r}: must not be empty; write '/*' for all paths")
    made = [(fits_of(text), fits_below_mounts_of(text), plain_text(text)) for text in texts]
    return tuple([Pattern(text, fits, below_mounts) for fits, below_mounts, text in made])


def any_fits(patterns: tuple[Pattern, ...]) -> Fits:
    """Whether a spelling of a path matches one of the patterns."""
    each = [pattern.fits for pattern in patterns]
    return each[0] if len(each) == 1 else lambda path: any(fits(path) for fits in each)


def any_fits_below_mounts(patterns: tuple[Pattern, ...]) -> AnyFits:
    """The same of all spellings, if mounts were left on the path."""
    each = [pattern.fits_below_mounts for pattern in patterns]
    return each[0] if len(each) == 1 else lambda paths: any(fits(paths) for fits in each)


def fits_of(pattern: str) -> Fits:
    """A function that returns whether a spelling of a path matches the pattern.

    Raises:
        TypeError: the pattern is not a str.
        ValueError: the pattern is invalid; the message has the rule.
    """
    segments, rest = segments_of(pattern)
    return _fits(segments, rest)


def fits_below_mounts_of(pattern: str) -> AnyFits:
    """As ``fits_of``, for paths that mounts which are in the pattern may have been left on.

    Starlette's mounts tell those below them how much of the path is theirs by ``root_path``, which
    fails where the path does not begin with it, where what is mounted sets its own, and where the
    path ends in a line feed. Then what is mounted is routed by the whole path: ``/users/5`` reaches
    the view of ``/{tenant}/users/{id}``, the mount taking ``users`` for a tenant. So an ending of
    the pattern has to fit the path, and its first segment that of the path, as the mount has to.
    If the ``root_path`` of what is mounted is the whole path, the view at its root is reached. The
    pattern is then that of the mounts alone, each of which has to fit the beginning of a path.

    Raises:
        TypeError, ValueError: as ``fits_of``.
    """
    segments, rest = segments_of(pattern)
    of_mount = _fits(segments[:1], rest=False)
    endings = [_fits(segments[begin:], rest) for begin in range(1, len(segments))]
    of_mounts = [
        (_fits(segments[:end], rest=True), _fits(segments[end:], rest=True))
        for end in range(1, len(segments) + 1)
    ]

    def fits(paths: tuple[str, ...]) -> bool:
        begins = ("/" + path[1:].partition("/")[0] for path in paths)
        if not any(map(of_mount, begins)):
            return False
        if any(ending(path) for ending in endings for path in paths):
            return True
        return "" in paths and any(
            any(map(outer, paths)) and any(map(inner, paths)) for outer, inner in of_mounts
        )

    return fits


def _fits(segments: list[Segment], rest: bool) -> Fits:
    text = _literal(segments)
    if text is not None:
        return _plain(text, rest)
    above = _literal(segments[:-1])
    if above is not None and segments[-1] == (_ANY_TEXT,) and not rest:
        # Most patterns with a parameter are such, and need no regular expression.
        return lambda path: path.rpartition("/")[0] == above
    if any(_may_be_split(segment) for segment in segments):
        return linear_matcher(segments, rest=rest)
    tail = "(?:/.*)?" if rest else ""
    return re.compile("".join(map(_expression, segments)) + tail, re.DOTALL).fullmatch


def _literal(segments: Iterable[Segment]) -> str | None:
    """The path of segments without parameters; None if there are parameters."""
    texts = []
    for segment in segments:
        for part in segment:
            if isinstance(part, Parameter):
                return None
            texts.append("/" + part)
    return "".join(texts)


def _plain(text: str, rest: bool) -> Fits:
    if not rest:
        return text.__eq__
    if not text:
        return _always
    below = text + "/"
    return lambda path: path == text or path.startswith(below)


def _always(_path: str) -> bool:
    return True


def _may_be_split(segment: Segment) -> bool:
    """Whether a text can be a segment in several ways, which a regular expression would try."""
    parameters = [part for part in segment if isinstance(part, Parameter)]
    return len(parameters) > 1 or EVERYTHING in parameters


def _expression(segment: Segment) -> str:
    return "/" + "".join(
        re.escape(part)
        if isinstance(part, str)
        else part.characters + ("*" if part.may_be_empty else "+")
        for part in segment
    )
