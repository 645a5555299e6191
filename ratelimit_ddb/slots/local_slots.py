"""How many slots of each key this process holds: ``on_outage="local"`` decides by these counts.

In an outage a process holds at most as many slots as the limit has, including those that it took
in the table. So n processes hold at most n times as many.
"""

from __future__ import annotations

import threading

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
        self._lock = threading.Lock()
        self._counts: dict[str, int] = {}

    def add(self, key: str) -> None:
        """Count a slot that was taken in the table."""
        with self._lock:
            self._counts[key] = self._counts.get(key, 0) + 1

    def take(self, key: str, most: int) -> int | None:
        """Count one more, if there are fewer than ``most``. Returns: how many are left; or None."""
        with self._lock:
            count = self._counts.get(key, 0)
            if count >= most:
                return None
            self._counts[key] = count + 1
            return most - count - 1

    def remove(self, key: str) -> None:
        """Count one less."""
        with self._lock:
            left = self._counts.get(key, 0) - 1
            if left > 0:
                self._counts[key] = left
            else:
                self._counts.pop(key, None)


_local_slots = PerStore(LocalSlots)


def local_slots_of(store: Store) -> LocalSlots:
    """The counts of a store's keys in this process."""
    return _local_slots.of(store)
