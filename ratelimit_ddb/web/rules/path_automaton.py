"""Patterns that a regular expression would try in many ways, matched in one pass over the path.

Where several parameters share a segment, or a ``{name:path}`` has something after it, a text can
be split among them in many ways, and a backtracking matcher tries each: with k parameters a hostile
path of n characters costs n ** k. Here all ways are followed at once, as a nondeterministic finite
automaton whose states are the bits of one integer (Baeza-Yates and Gonnet, "A New Approach to Text
Searching", 1992): each character of the path costs the same few operations, whatever the path.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from ratelimit_ddb.web.rules.path_notation import EVERYTHING, Parameter, Segment


class Automaton:
    """A pattern, as positions between its characters. Bit i of a state: position i was reached.

    Args:
        segments: the pattern's segments.
        rest: whether everything below them is meant too.
    """

    __slots__ = ("_begin", "_by_character", "_classes", "_final", "_literals", "_prefix", "_skips")

    def __init__(self, segments: Iterable[Segment], *, rest: bool) -> None:
        compiled = _Compiled()
        for segment in segments:
            if segment == (EVERYTHING,):
                compiled.any_segments()
            else:
                compiled.segment(segment)
        if rest:
            compiled.any_segments()
        self._prefix = compiled.prefix
        self._literals = compiled.literals
        self._classes = [
            (re.compile(characters).match, *moves) for characters, moves in compiled.classes.items()
        ]
        self._skips = tuple(sorted(compiled.skips))
        self._final = 1 << compiled.length
        self._begin = self._closure(1 << len(compiled.prefix))
        self._by_character = {chr(code): self._moves(chr(code)) for code in range(128)}

    def matches(self, path: str) -> bool:
        """Whether the whole path is one that the pattern means."""
        if not path.startswith(self._prefix):
            return False
        known, skips, state = self._by_character, self._skips, self._begin
        for character in path[len(self._prefix) :]:
            forward, stay = known.get(character) or self._moves(character)
            state = ((state & forward) << 1) | (state & stay)
            if not state:
                return False
            for here, beyond in skips:
                if state & here:
                    state |= beyond
        return bool(state & self._final)

    def _moves(self, character: str) -> tuple[int, int]:
        """The positions that a character leads from to the next, and those where it stays."""
        forward, stay = self._literals.get(character, 0), 0
        for is_in, once, repeated in self._classes:
            if is_in(character):
                forward |= once
                stay |= repeated
        return forward, stay

    def _closure(self, state: int) -> int:
        for here, beyond in self._skips:
            if state & here:
                state |= beyond
        return state


class _Compiled:
    """What an automaton is made of, while a pattern is read.

    Attributes:
        length: the number of positions so far, but for the first.
        prefix: the literal text that the pattern begins with.
        literals: for each character, the positions from which it leads to the next.
        classes: for each class of characters, those positions, and those where it stays.
        skips: positions, as bits, from which another is reached without a character. All lead
            forward, so one pass in their order follows all of them.
    """

    def __init__(self) -> None:
        self.length = 0
        self.prefix = ""
        self.literals: dict[str, int] = {}
        self.classes: dict[str, tuple[int, int]] = {}
        self.skips: list[tuple[int, int]] = []

    def segment(self, segment: Segment) -> None:
        self._literal("/")
        for part in segment:
            if isinstance(part, Parameter):
                self._parameter(part)
            else:
                self._literal(part)

    def any_segments(self) -> None:
        """Any number of segments, also none: ``(?:/.*)?``."""
        before, prefix = self.length, self.prefix
        self._literal("/")
        self.prefix = prefix  # for that slash need not be there
        self._parameter(EVERYTHING)
        self.skips.append((1 << before, 1 << self.length))

    def _literal(self, text: str) -> None:
        if len(self.prefix) == self.length:
            self.prefix += text
        for character in text:
            self.literals[character] = self.literals.get(character, 0) | (1 << self.length)
            self.length += 1

    def _parameter(self, parameter: Parameter) -> None:
        once, repeated = self.classes.get(parameter.characters, (0, 0))
        if not parameter.may_be_empty:
            once |= 1 << self.length
            self.length += 1
        self.classes[parameter.characters] = once, repeated | (1 << self.length)
        self.skips.append((1 << self.length, 1 << (self.length + 1)))
        self.length += 1


def linear_matcher(segments: Iterable[Segment], *, rest: bool) -> Callable[[str], bool]:
    """A function that tells whether a path is meant, in a time that grows with its length alone."""
    return Automaton(segments, rest=rest).matches
