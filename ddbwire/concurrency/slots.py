"""The rights to so many things of a kind, such as open connections: taken, and given back.

An exception may come between any two lines: a signal's, a greenlet's end, a lack of memory. Two
things see to it that none loses a slot:

- What a call has taken is in its ``Hand``, and each move of a slot into or out of a hand is one
  line. So a call whose giving back is interrupted can do it a second time, whatever was done.
- Nothing here counts. A slot that is lost all the same dies with the last reference to it, and
  CPython takes it out of ``_alive`` in C, where no exception can come between. For each one that
  is missing there another may be made.
"""

import weakref
from collections import deque
from typing import Generic, TypeAlias, TypeVar

T = TypeVar("T")


class Slot(Generic[T]):
    """The right to one thing."""

    __slots__ = ("__weakref__", "holds")

    def __init__(self) -> None:
        self.holds: T | None = None
        """The thing; None where one may be had."""


Hand: TypeAlias = list[Slot[T]]
"""The slot that a call has taken and not given back, or nothing."""


class Slots(Generic[T]):
    """At most so many slots; taking one prefers those that hold something, the last used first.

    Shared by threads without a lock: the deque's and the set's own operations are atomic.
    """

    __slots__ = ("_alive", "_capacity", "_free")

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._alive: set[weakref.ref[Slot[T]]] = set()
        # On the right, those that hold something.
        self._free: deque[Slot[T]] = deque(self._new() for _ in range(capacity))

    def take(self, hand: Hand[T]) -> bool:
        """Take a slot into ``hand``; False if none is free."""
        try:
            hand.append(self._free.pop())
        except IndexError:
            return self._replace_lost(hand)
        return True

    def give_back(self, hand: Hand[T]) -> None:
        """Put back the slot in ``hand``."""
        if hand[0].holds is None:
            self._free.appendleft(hand.pop())
        else:
            self._free.append(hand.pop())

    def held(self) -> list[T]:
        """What all slots hold, whoever has them."""
        slots = [reference() for reference in list(self._alive)]
        return [slot.holds for slot in slots if slot is not None and slot.holds is not None]

    def _new(self) -> Slot[T]:
        slot: Slot[T] = Slot()
        self._alive.add(weakref.ref(slot, self._alive.discard))
        return slot

    def _replace_lost(self, hand: Hand[T]) -> bool:
        if len(self._alive) >= self._capacity:
            return False
        slot = self._new()
        if len(self._alive) > self._capacity:
            # Another thread did the same just now. Neither has it then, and a later take will.
            return False
        hand.append(slot)
        return True
