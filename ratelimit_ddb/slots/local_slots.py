"""How many slots of each key this process holds: ``on_outage="local"`` decides by these counts.

In an outage a process holds at most as many slots as the limit has, including those that it took
in the table. So n processes hold at most n times as many.
"""

from __future__ import annotations

import threading
from collections import defaultdict

from ratelimit_ddb.operations.per_store import PerStore
from ratelimit_ddb.operations.store import Store


class LocalSlots:
    """The counts of one store's keys; keys without a slot are not kept."""

    __slots__ = ("__weakref__", "_counts", "_lock")

    def __init__(self, _store: Store) -> None:
        from ddbwire.concurrency.fork import at_fork  # here, for it brings the wire with it

        self.after_fork_in_child()
        at_fork(self)

    def after_fork_in_child(self) -> None:
        """Start with nothing: the slots are the parent's."""
        # Reentrant: a finalizer or a signal handler may make a call in the midst of another. So
        # each number is changed by a single statement, which nothing can interrupt.
        self._lock = threading.RLock()
        self._counts: defaultdict[str, int] = defaultdict(int)

    def add(self, key: str) -> None:
        """Count a slot that was taken in the table."""
        with self._lock:
            self._counts[key] += 1

    def take(self, key: str, most: int) -> int | None:
        """Count one more, if there are fewer than ``most``. Returns: how many are left; or None."""
        with self._lock:
            if self._counts.get(key, 0) >= most:
                return None
            self._counts[key] += 1
            return most - self._counts.get(key, 0)

    def remove(self, key: str) -> None:
        """Count one less."""
        with self._lock:
            counts = self._counts
            if key in counts:
                counts[key] -= 1
            if key in counts and counts[key] <= 0:
                del counts[key]


_local_slots = PerStore(LocalSlots)


def local_slots_of(store: Store) -> LocalSlots:
    """The counts of a store's keys in this process."""
    return _local_slots.of(store)
