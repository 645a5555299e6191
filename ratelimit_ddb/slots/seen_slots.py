"""Which slots of a key this process last saw taken: by this guess it chooses the slot to try."""

from __future__ import annotations

from collections.abc import Mapping


class SeenSlots:
    """The slots of up to ``max_keys`` keys as they were last seen, a bit for each one taken.

    Each step is a single operation of a dict, so threads need no lock: a lost guess costs a write.
    """

    __slots__ = ("_max_keys", "_taken")

    def __init__(self, max_keys: int) -> None:
        self._max_keys = max_keys
        self._taken: dict[str, int] = {}

    def choice(self, key: str, slots: int) -> int:
        """A random slot of those that are believed free; of all slots if none is."""
        taken = self._taken.get(key, 0)
        return chosen([slot for slot in range(slots) if not taken >> slot & 1] or range(slots))

    def note(self, key: str, marks: Mapping[int, int], free_below: int) -> None:
        """Note what a reply showed."""
        taken = 0
        for slot, mark in marks.items():
            if mark >= free_below:
                taken |= 1 << slot
        if len(self._taken) >= self._max_keys and key not in self._taken:
            self._taken.clear()
        self._taken[key] = taken

    def free(self, key: str, slot: int) -> None:
        """Note that a slot was released."""
        taken = self._taken.get(key, 0) & ~(1 << slot)
        if taken:
            self._taken[key] = taken
        else:
            self._taken.pop(key, None)


def chosen(slots: list[int] | range) -> int:
    """One of them at random, so that processes do not all choose the same one."""
    from secrets import randbelow  # few processes ever need it

    return slots[randbelow(len(slots))]
