"""A limit on how many resources exist, such as connections: slots are acquired and released.

An exception may be raised between any two lines: by a signal, a killed greenlet, a lack of memory.
Two rules make sure that none loses a slot:

- What a call has acquired is in a list, ``Acquired``, and each move of a slot into or out of it is
  one line. So a call whose release was interrupted can release again, however far it had come.
- There is no counter. A slot that is lost nevertheless is freed with the last reference to it, and
  CPython removes it from ``_alive`` in C, without interruption. For each one that is missing there,
  a new one may be created.
"""

import weakref
from collections import deque
from typing import Generic, TypeAlias, TypeVar

T = TypeVar("T")


class Slot(Generic[T]):
    """The right to one resource."""

    __slots__ = ("__weakref__", "resource")

    def __init__(self) -> None:
        self.resource: T | None = None
        """The resource; None while there is none."""


Acquired: TypeAlias = list[Slot[T]]
"""The slot that a call has acquired and not released; empty if it has none."""


class Slots(Generic[T]):
    """At most ``capacity`` slots. Those with a resource are acquired first, the last used first.

    Threads share it without a lock: the operations of the deque and the set are atomic.
    """

    __slots__ = ("_alive", "_capacity", "_free")

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._alive: set[weakref.ref[Slot[T]]] = set()
        # Those with a resource are on the right.
        self._free: deque[Slot[T]] = deque(self._new() for _ in range(capacity))

    def acquire(self, acquired: Acquired[T]) -> bool:
        """Take a slot into ``acquired``; False if none is free."""
        try:
            acquired.append(self._free.pop())
        except IndexError:
            return self._replace_lost(acquired)
        return True

    def release(self, acquired: Acquired[T]) -> None:
        """Put back the slot in ``acquired``."""
        if acquired[0].resource is None:
            self._free.appendleft(acquired.pop())
        else:
            self._free.append(acquired.pop())

    def resources(self) -> list[T]:
        """The resources of all slots, acquired or free."""
        slots = [reference() for reference in list(self._alive)]
        return [slot.resource for slot in slots if slot is not None and slot.resource is not None]

    def _new(self) -> Slot[T]:
        slot: Slot[T] = Slot()
        self._alive.add(weakref.ref(slot, self._alive.discard))
        return slot

    def _replace_lost(self, acquired: Acquired[T]) -> bool:
        if len(self._alive) >= self._capacity:
            return False
        slot = self._new()
        if len(self._alive) > self._capacity:
            # Another thread did the same just now. Neither gets it; a later call will.
            return False
        acquired.append(slot)
        return True
