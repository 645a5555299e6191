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

import pytest

# Private, but the only way to Python's own reading of an expression.
compiler: Any = importlib.import_module("re._compiler")
parser: Any = importlib.import_module("re._parser")
op: Any = importlib.import_module("re._constants")

_ONE_CHARACTER = (op.LITERAL, op.NOT_LITERAL, op.ANY, op.IN)

Go = Callable[[int], bool]
"""What is to match from a position on."""


class Counter:
    """How many steps were taken."""

    def __init__(self) -> None:
        self.steps = 0


class CountingPattern:
    """A pattern that counts, and returns what the real one does."""

    def __init__(self, real: re.Pattern[str], counter: Counter) -> None:
        self._real = real
        self._counter = counter
        self._nodes = list(parser.parse(real.pattern, real.flags))
        self._accepts: dict[int, tuple[re.Pattern[str], object]] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def match(self, text: str, start: int = 0) -> re.Match[str] | None:
        self._end(text, start, whole=False)
        return self._real.match(text, start)

    def fullmatch(self, text: str) -> re.Match[str] | None:
        self._end(text, 0, whole=True)
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
            end = self._end(text, start, whole=False)
            if end is not None:
                yield end
            start = end if end is not None and end > start else start + 1

    def _end(self, text: str, start: int, *, whole: bool) -> int | None:
        ends: list[int] = []

        def matched(at: int) -> bool:
            if whole and at != len(text):
                return False
            ends.append(at)
            return True

        self._sequence(self._nodes, 0, text, start, matched)
        return ends[0] if ends else None

    def _sequence(self, nodes: list[Any], index: int, text: str, at: int, go: Go) -> bool:
        if index == len(nodes):
            return go(at)
        return self._node(
            nodes[index], text, at, lambda end: self._sequence(nodes, index + 1, text, end, go)
        )

    def _node(self, node: Any, text: str, at: int, go: Go) -> bool:
        kind, given = node
        if kind in _ONE_CHARACTER:
            self._counter.steps += 1
            return at < len(text) and self._accepts_here(node, text[at]) and go(at + 1)
        if kind is op.AT:
            self._counter.steps += 1
            return self._is_at(node, text, at) and go(at)
        if kind is op.SUBPATTERN:
            return self._sequence(list(given[3]), 0, text, at, go)
        if kind is op.ATOMIC_GROUP:
            end = self._first_end(list(given), text, at)
            return end is not None and go(end)
        if kind is op.BRANCH:
            return any(self._sequence(list(one), 0, text, at, go) for one in given[1])
        if kind in (op.ASSERT, op.ASSERT_NOT):
            return self._asserted(kind, given, text, at) and go(at)
        least, most, inner = given
        nodes = list(inner)
        if kind is op.MAX_REPEAT and len(nodes) == 1 and nodes[0][0] in _ONE_CHARACTER:
            return self._run(nodes[0], least, most, text, at, go)
        if kind is op.MAX_REPEAT:
            return self._greedy(nodes, least, most, text, at, go)
        if kind is op.MIN_REPEAT:
            return self._lazy(nodes, least, most, text, at, go)
        assert kind is op.POSSESSIVE_REPEAT, kind
        count = 0
        while count < most and (end := self._first_end(nodes, text, at)) is not None:
            count += 1
            if end == at:
                break
            at = end
        return count >= least and go(at)

    def _first_end(self, nodes: list[Any], text: str, at: int) -> int | None:
        ends: list[int] = []

        def matched(end: int) -> bool:
            ends.append(end)
            return True

        self._sequence(nodes, 0, text, at, matched)
        return ends[0] if ends else None

    def _run(self, node: Any, least: int, most: int, text: str, at: int, go: Go) -> bool:
        """A repeated character: as ``_greedy``, without a call for each."""
        end = at
        while end - at < most and self._node(node, text, end, lambda _end: True):
            end += 1
        while end - at >= least:
            if go(end):
                return True
            self._counter.steps += 1
            end -= 1
        return False

    def _greedy(self, nodes: list[Any], least: int, most: int, text: str, at: int, go: Go) -> bool:
        def further(end: int) -> bool:
            return end > at and self._greedy(nodes, max(0, least - 1), most - 1, text, end, go)

        if most > 0 and self._sequence(nodes, 0, text, at, further):
            return True
        return least == 0 and go(at)

    def _lazy(self, nodes: list[Any], least: int, most: int, text: str, at: int, go: Go) -> bool:
        def further(end: int) -> bool:
            return end > at and self._lazy(nodes, max(0, least - 1), most - 1, text, end, go)

        if least == 0 and go(at):
            return True
        return most > 0 and self._sequence(nodes, 0, text, at, further)

    def _asserted(self, kind: Any, given: Any, text: str, at: int) -> bool:
        direction, inner = given
        nodes = list(inner)
        if direction > 0:
            holds = self._first_end(nodes, text, at) is not None
        else:
            # Those in use here look behind at one character.
            holds = at > 0 and self._first_end(nodes, text, at - 1) == at
        return holds == (kind is op.ASSERT)

    def _accepts_here(self, node: Any, character: str) -> bool:
        return self._alone(node).match(character) is not None

    def _is_at(self, node: Any, text: str, at: int) -> bool:
        return self._alone(node).match(text, at) is not None

    def _alone(self, node: Any) -> re.Pattern[str]:
        """The pattern of one node by itself."""
        known = self._accepts.get(id(node))
        if known is None:
            state = parser.State()
            state.flags = self._real.flags
            alone: re.Pattern[str] = compiler.compile(parser.SubPattern(state, [node]), state.flags)
            known = self._accepts[id(node)] = (
                alone,
                node,
            )  # the node, so that its id stays its own
        return known[0]


@contextmanager
def counted() -> Iterator[Counter]:
    """Count the steps of all regular expressions of this library's while the block lasts."""
    counter = Counter()

    def compile_counting(pattern: str, flags: int = 0) -> CountingPattern:
        return CountingPattern(re.compile(pattern, flags), counter)

    counting_re = SimpleNamespace(**{**vars(re), "compile": compile_counting})
    with pytest.MonkeyPatch.context() as patch:
        for name, module in list(sys.modules.items()):
            if name.partition(".")[0] not in ("ddbwire", "ratelimit_ddb", "sessions"):
                continue
            for attribute, value in list(vars(module).items()):
                if type(value) is re.Pattern:  # not isinstance, which wakes lazy objects
                    patch.setattr(module, attribute, CountingPattern(value, counter))
                elif value is re:
                    patch.setattr(module, attribute, counting_re)
        yield counter


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
        return count if name.partition(".")[0] in ("ddbwire", "ratelimit_ddb", "sessions") else None

    before = sys.gettrace()
    sys.settrace(of_the_library)
    try:
        call()
    finally:
        sys.settrace(before)
    return lines
