"""What this process last saw of each bucket: a lower bound of what the table holds now.

``fullAt`` never moves back but for a refund and a reset, so an old sight still tells two things:
which branch of the write to try, and that a request would be refused. The memory is bounded (P9)
in two generations: when the younger is full it becomes the older, and the older is forgotten.
Reading and writing are single dict operations, so threads need no lock; a race at the turn of a
generation forgets a sight, which costs one write.
"""

from __future__ import annotations

from typing import NamedTuple


class Sight(NamedTuple):
    """The ``fullAt`` of each limit, in their order, and when they were seen (nanoseconds)."""

    noted_ns: int
    full_at_ns: tuple[int, ...]


class Seen:
    """The last sight of up to ``most_keys`` keys; at least the latest half of them."""

    __slots__ = ("_generation_size", "_older", "_younger")

    def __init__(self, most_keys: int) -> None:
        if type(most_keys) is not int or most_keys < 2:
            raise ValueError(f"seen_keys {most_keys!r}: an integer of at least 2 is needed")
        self._generation_size = most_keys // 2
        self._younger: dict[str, Sight] = {}
        self._older: dict[str, Sight] = {}

    def get(self, key: str) -> Sight | None:
        """The last sight of a key, or None."""
        sight = self._younger.get(key)
        if sight is None and self._older:
            sight = self._older.get(key)
            if sight is not None:
                self.note(key, sight)
        return sight

    def note(self, key: str, sight: Sight) -> None:
        """Remember what a reply showed."""
        younger = self._younger
        younger[key] = sight
        if len(younger) >= self._generation_size:
            self._older = younger
            self._younger = {}

    def forget(self, key: str) -> None:
        """Know nothing of a key any more."""
        self._younger.pop(key, None)
        self._older.pop(key, None)

    def __len__(self) -> int:
        return len(self._younger.keys() | self._older.keys())
