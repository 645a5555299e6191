"""Steps of regular expressions, counted: how often a backtracking matcher looks at a character.

Time can't be measured on a busy machine, and a regular expression can't be traced. So its parsed
form, which Python's own parser gives, is matched here as Python's matcher does it (first the
greedy way, then back), and each look at a character is counted. Python's matcher skips some looks
by tricks; none of them changes how their number grows.
"""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

# Private, but the only way to Python's own reading of an expression.
compiler: Any = importlib.import_module("re._compiler")
parser: Any = importlib.import_module("re._parser")
op: Any = importlib.import_module("re._constants")

_ONE_CHARACTER = (op.LITERAL, op.NOT_LITERAL, op.ANY, op.IN)
_LIBRARY = ("ddbwire", "ratelimit_ddb", "sessions")

Go = Callable[[int], bool]
"""What is to match from a position on."""
Matcher = Callable[[str, int, Go], bool]
"""Matches a part of an expression in a text from a position on, and then goes on."""


class Counter:
    """How many steps were taken."""

    def __init__(self) -> None:
        self.steps = 0


class CountingPattern:
    """A pattern that counts, and returns what the real one does."""

    def __init__(self, real: re.Pattern[str], counter: Counter) -> None:
        self._real = real
        self._counter = counter
        self._matches = self._sequence(parser.parse(real.pattern, real.flags))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def match(self, text: str, start: int = 0) -> re.Match[str] | None:
        self._end(text, start)
        return self._real.match(text, start)

    def fullmatch(self, text: str) -> re.Match[str] | None:
        self._matches(text, 0, lambda end: end == len(text))
        return self._real.fullmatch(text)

    def search(self, text: str) -> re.Match[str] | None:
        next(self._found(text), None)
        return self._real.search(text)

    def finditer(self, text: str) -> Iterator[re.Match[str]]:
        list(self._found(text))
        return self._real.finditer(text)

    def findall(self, text: str) -> list[Any]:
        list(self._found(text))
        return self._real.findall(text)

    def sub(self, replacement: Any, text: str) -> str:
        list(self._found(text))
        return self._real.sub(replacement, text)

    def split(self, text: str) -> list[Any]:
        list(self._found(text))
        return self._real.split(text)

    def _found(self, text: str) -> Iterator[int]:
        start = 0
        while start <= len(text):
            end = self._end(text, start)
            if end is not None:
                yield end
            start = end if end is not None and end > start else start + 1

    def _end(self, text: str, start: int) -> int | None:
        return _first_end(self._matches, text, start)

    def _sequence(self, nodes: Any) -> Matcher:
        matchers = [self._matcher(node) for node in nodes]
        if not matchers:
            return lambda _text, at, go: go(at)
        matches = matchers.pop()
        while matchers:
            matches = _then(matchers.pop(), matches)
        return matches

    def _matcher(self, node: Any) -> Matcher:
        kind, given = node
        if kind in _ONE_CHARACTER:
            return self._one_character(node)
        if kind is op.AT:
            return self._position(node)
        if kind is op.SUBPATTERN:
            return self._sequence(given[3])
        if kind is op.ATOMIC_GROUP:
            return _atomic(self._sequence(given))
        if kind is op.BRANCH:
            branches = [self._sequence(one) for one in given[1]]
            return lambda text, at, go: any(matches(text, at, go) for matches in branches)
        if kind in (op.ASSERT, op.ASSERT_NOT):
            direction, inner = given
            return _asserted(self._sequence(inner), direction, wanted=kind is op.ASSERT)
        least, most, inner = given
        if kind is op.MAX_REPEAT and len(inner) == 1 and inner[0][0] in _ONE_CHARACTER:
            return self._run(inner[0], least, most)
        matches = self._sequence(inner)
        if kind is op.MAX_REPEAT:
            return _greedy(matches, least, most)
        if kind is op.MIN_REPEAT:
            return _lazy(matches, least, most)
        assert kind is op.POSSESSIVE_REPEAT, kind
        return _possessive(matches, least, most)

    def _one_character(self, node: Any) -> Matcher:
        counter, accepts = self._counter, _Accepted(self._alone(node))

        def matches(text: str, at: int, go: Go) -> bool:
            counter.steps += 1
            return at < len(text) and accepts[text[at]] and go(at + 1)

        return matches

    def _position(self, node: Any) -> Matcher:
        counter, alone = self._counter, self._alone(node)

        def matches(text: str, at: int, go: Go) -> bool:
            counter.steps += 1
            return alone.match(text, at) is not None and go(at)

        return matches

    def _run(self, node: Any, least: int, most: int) -> Matcher:
        """A repeated character: as ``_greedy``, without a call for each."""
        counter, accepts = self._counter, _Accepted(self._alone(node))

        def matches(text: str, at: int, go: Go) -> bool:
            end, last = at, min(len(text), at + most)
            while end < last and accepts[text[end]]:
                end += 1
            counter.steps += end - at + (end - at < most)
            while end - at >= least:
                if go(end):
                    return True
                counter.steps += 1
                end -= 1
            return False

        return matches

    def _alone(self, node: Any) -> re.Pattern[str]:
        """The pattern of one node by itself."""
        state = parser.State()
        state.flags = self._real.flags
        alone: re.Pattern[str] = compiler.compile(parser.SubPattern(state, [node]), state.flags)
        return alone


class _Accepted(dict[str, bool]):
    """Whether a pattern of one character accepts a character."""

    def __init__(self, alone: re.Pattern[str]) -> None:
        self._alone = alone

    def __missing__(self, character: str) -> bool:
        self[character] = accepted = self._alone.match(character) is not None
        return accepted


def _first_end(matches: Matcher, text: str, at: int) -> int | None:
    first = None

    def matched(end: int) -> bool:
        nonlocal first
        first = end
        return True

    matches(text, at, matched)
    return first


def _then(matches: Matcher, following: Matcher) -> Matcher:
    return lambda text, at, go: matches(text, at, lambda end: following(text, end, go))


def _atomic(inner: Matcher) -> Matcher:
    def matches(text: str, at: int, go: Go) -> bool:
        end = _first_end(inner, text, at)
        return end is not None and go(end)

    return matches


def _asserted(inner: Matcher, direction: int, *, wanted: bool) -> Matcher:
    def matches(text: str, at: int, go: Go) -> bool:
        if direction > 0:
            holds = _first_end(inner, text, at) is not None
        else:
            # Those in use here look behind at one character.
            holds = at > 0 and _first_end(inner, text, at - 1) == at
        return holds == wanted and go(at)

    return matches


def _greedy(inner: Matcher, least: int, most: int) -> Matcher:
    def repeated(text: str, at: int, go: Go, least: int, most: int) -> bool:
        def further(end: int) -> bool:
            return end > at and repeated(text, end, go, max(0, least - 1), most - 1)

        if most > 0 and inner(text, at, further):
            return True
        return least == 0 and go(at)

    return lambda text, at, go: repeated(text, at, go, least, most)


def _lazy(inner: Matcher, least: int, most: int) -> Matcher:
    def repeated(text: str, at: int, go: Go, least: int, most: int) -> bool:
        def further(end: int) -> bool:
            return end > at and repeated(text, end, go, max(0, least - 1), most - 1)

        if least == 0 and go(at):
            return True
        return most > 0 and inner(text, at, further)

    return lambda text, at, go: repeated(text, at, go, least, most)


def _possessive(inner: Matcher, least: int, most: int) -> Matcher:
    def matches(text: str, at: int, go: Go) -> bool:
        count = 0
        while count < most and (end := _first_end(inner, text, at)) is not None:
            count += 1
            if end == at:
                break
            at = end
        return count >= least and go(at)

    return matches


class CountedPatterns:
    """All regular expressions of this library's modules, made to count while a block lasts."""

    def __init__(self) -> None:
        self._counter = Counter()
        self._loaded = 0
        self._places: list[tuple[dict[str, Any], dict[str, Any]]] = []

    @contextmanager
    def counted(self) -> Iterator[Counter]:
        """Count their steps from nought while the block lasts."""
        if len(sys.modules) != self._loaded:
            self._look_for_them()
        before = [{name: names[name] for name in counting} for names, counting in self._places]
        for names, counting in self._places:
            names.update(counting)
        self._counter.steps = 0
        try:
            yield self._counter
        finally:
            for (names, _), real in zip(self._places, before, strict=True):
                names.update(real)

    def _look_for_them(self) -> None:
        """In the modules that are loaded by now; some load others when they are used."""
        self._loaded = len(sys.modules)
        self._places = []
        counting_re = SimpleNamespace(**{**vars(re), "compile": self._compile})
        for name, module in list(sys.modules.items()):
            if name.partition(".")[0] not in _LIBRARY:
                continue
            counting: dict[str, Any] = {}
            for attribute, value in vars(module).items():
                if type(value) is re.Pattern:  # not isinstance, which wakes lazy objects
                    counting[attribute] = CountingPattern(value, self._counter)
                elif value is re:
                    counting[attribute] = counting_re
            if counting:
                self._places.append((vars(module), counting))

    def _compile(self, pattern: str, flags: int = 0) -> CountingPattern:
        return CountingPattern(re.compile(pattern, flags), self._counter)


@contextmanager
def deep_calls() -> Iterator[None]:
    """Let calls go deeper while the block lasts, as the matcher does with each repetition."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(20_000)
    try:
        yield
    finally:
        sys.setrecursionlimit(before)


def lines_run(call: Callable[[], object]) -> int:
    """How many lines of this library's a call runs."""
    lines = 0

    def count(_frame: Any, event: str, _argument: Any) -> Any:
        nonlocal lines
        lines += event == "line"
        return count

    def of_the_library(frame: Any, _event: str, _argument: Any) -> Any:
        name = frame.f_globals.get("__name__", "")
        return count if name.partition(".")[0] in _LIBRARY else None

    before = sys.gettrace()
    sys.settrace(of_the_library)
    try:
        call()
    finally:
        sys.settrace(before)
    return lines
