"""A waiter in the queue of a pool of blocking connections."""

import weakref
from collections.abc import Callable

from ddbwire.concurrency.slots import Acquired
from ddbwire.connections.blocking.connection import Connection


class Waiter:
    """One request's wait for a slot.

    ``give`` adds the slot and then checks whether the waiter has left; ``leave`` marks it as left
    and then checks for a slot. So at least one of two threads sees the other, and ``pop`` decides
    which gets the slot.
    """

    __slots__ = ("__weakref__", "_given", "_left", "_wake", "reference")

    def __init__(self, wake: Callable[[], object]) -> None:
        self._given: Acquired[Connection] = []
        self._left = False
        self._wake = wake
        self.reference = weakref.ref(self)

    @property
    def served(self) -> bool:
        """Whether a slot was given, and not yet taken."""
        return bool(self._given)

    def give(self, acquired: Acquired[Connection]) -> bool:
        """Give it the slot in ``acquired`` and wake it; False if it has left: the slot stays."""
        self._given.append(acquired.pop())
        if self._left:
            return not self._take(acquired)
        self._wake()
        return True

    def leave(self, acquired: Acquired[Connection]) -> None:
        """Stop waiting; take into ``acquired`` a slot that was given, in time or just too late."""
        self._left = True
        self._take(acquired)

    def _take(self, acquired: Acquired[Connection]) -> bool:
        try:
            acquired.append(self._given.pop())
        except IndexError:
            return False
        return True
