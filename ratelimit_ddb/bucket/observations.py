"""What this process last saw of each bucket: a lower bound of what the table holds now.

``fullAt`` never moves back but for a refund and a reset, so an old sight still tells two things:
which branch of the write to try, and that a request would be refused. The memory is bounded (P9)
in two generations: when the younger is full it becomes the older, and the older is forgotten.
Reading and writing are single dict operations, so threads need no lock; a race at the turn of a
generation forgets a sight, which costs one write.

Each limiter and each rule has a memory of its own. Those on one store belong to one SeenGroup, so
that a reset or a refund by any of them is noticed by all of them at once.
"""

from __future__ import annotations

from typing import NamedTuple
from weakref import ref

from ratelimit_ddb.operations.per_store import PerStore


class Sight(NamedTuple):
    """What a reply showed of a key.

    Attributes:
        noted_ns: when, by the table's clock.
        full_at_ns: the ``fullAt`` of each limit, in their order.
        expires_at_seconds: the item's ``expiresAt``; 0 where it is not known.
        names: the limits' names: the very tuple of the bucket that saw it. Buckets with other
            limits, which share a memory where the limits depend on the request, make nothing of it.
    """

    noted_ns: int
    full_at_ns: tuple[int, ...]
    expires_at_seconds: int
    names: tuple[str, ...]


class Seen:
    """The last sight of up to ``most_keys`` keys; at least the latest half of them.

    Attributes:
        group: the memories of the same store, this one among them.
    """

    __slots__ = ("__weakref__", "_generation_size", "_older", "_younger", "group")

    def __init__(self, most_keys: int, group: SeenGroup | None = None) -> None:
        if type(most_keys) is not int or most_keys < 2:
            raise ValueError(f"seen_keys {most_keys!r}: must be an integer of at least 2")
        self._generation_size = most_keys // 2
        self._younger: dict[str, Sight] = {}
        self._older: dict[str, Sight] = {}
        self.group = SeenGroup() if group is None else group
        self.group.add(self)

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

    def clear(self) -> None:
        """Know nothing any more."""
        self._younger = {}
        self._older = {}

    def __len__(self) -> int:
        return len(self._younger.keys() | self._older.keys())


class SeenGroup:
    """The memories of all limiters and rules on one store, in this process.

    Each step is a single operation of a list or dict, so neither threads nor forks need a lock.

    Attributes:
        may_deny: whether what was seen may deny. False where something stands in for the table,
            such as moto: it may have been replaced by an empty one since.
    """

    __slots__ = ("_members", "may_deny")

    def __init__(self) -> None:
        self.may_deny = True
        self._members: list[ref[Seen]] = []

    def add(self, seen: Seen) -> None:
        """Take a memory in; it leaves when nobody uses it any more."""
        self._members.append(ref(seen, self._members.remove))

    def forget(self, key: str) -> None:
        """Have all of them forget a key: it was reset, or tokens were given back."""
        for member in self._members.copy():
            seen = member()
            if seen is not None:
                seen.forget(key)

    def clear(self) -> None:
        """Have all of them forget everything."""
        for member in self._members.copy():
            seen = member()
            if seen is not None:
                seen.clear()


_groups = PerStore(SeenGroup)


def group_of(store: object) -> SeenGroup:
    """The memories of all limiters and rules on a store."""
    return _groups.of(store)
