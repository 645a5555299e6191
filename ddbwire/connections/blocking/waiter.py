"""A place in the queue of a pool of blocking connections."""

import weakref
from collections.abc import Callable

from ddbwire.concurrency.slots import Acquired
from ddbwire.connections.blocking.connection import Connection


class Waiter:
    """One request's wait for a slot.

    Who gives lays the slot down and then looks whether the waiter has left; who leaves says so
    and then looks for a slot. So at least one sees the other, and ``pop`` decides who has it.
    """

    __slots__ = ("__weakref__", "_given", "_left", "_wake", "reference")

    def __init__(self, wake: Callable[[], object]) -> None:
        self._given: Acquired[Connection] = []
        self._left = False
        self._wake = wake
        self.reference = weakref.ref(self)

    @property
    def served(self) -> bool:
        """Whether a slot was given, which is still to be taken."""
        return bool(self._given)

    def give(self, acquired: Acquired[Connection]) -> bool:
        """Give it the slot in ``acquired`` and wake it; False if it has left: the slot stays."""
        self._given.append(acquired.pop())
        if self._left:
            return not self._take(acquired)
        self._wake()
        return True

    def leave(self, acquired: Acquired[Connection]) -> None:
        """Wait no longer; take into ``acquired`` what was given, in time or just too late."""
        self._left = True
        self._take(acquired)

    def _take(self, acquired: Acquired[Connection]) -> bool:
        try:
            acquired.append(self._given.pop())
        except IndexError:
            return False
        return True
