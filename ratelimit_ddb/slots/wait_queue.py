"""The callers of this process that wait for a slot of a key, in the order of their calls.

Only the first caller asks the table, a few times a second, and at once when this process releases
a slot of the key. So the number of requests does not grow with the number of callers that wait.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable


class SlotWaiter:
    """A caller that waits.

    Attributes:
        served: whether it has something to do: it is the first, or a slot was released.
    """

    __slots__ = ("_wake", "served")

    def __init__(self) -> None:
        self.served = False
        self._wake: Callable[[], None] | None = None

    def attach(self, wake: Callable[[], None]) -> None:
        """See Awaited."""
        self._wake = wake

    def wake(self) -> None:
        """Have it go on."""
        self.served = True
        wake = self._wake
        if wake is not None:
            wake()


class WaitQueue:
    """The callers that wait, by key."""

    __slots__ = ("__weakref__", "_lock", "_waiters")

    def __init__(self) -> None:
        from ddbwire.concurrency.fork import at_fork  # here, for it brings the wire with it

        self.after_fork_in_child()
        at_fork(self)

    def after_fork_in_child(self) -> None:
        """Start empty: the threads that wait are the parent's."""
        # Reentrant: a finalizer or a signal handler may make a call in the midst of another.
        self._lock = threading.RLock()
        self._waiters: dict[str, deque[SlotWaiter]] = {}

    def __contains__(self, key: str) -> bool:
        return key in self._waiters

    def join(self, key: str) -> SlotWaiter:
        """Join the queue at its end."""
        waiter = SlotWaiter()
        with self._lock:
            self._waiters.setdefault(key, deque()).append(waiter)
        return waiter

    def leave(self, key: str, waiter: SlotWaiter) -> None:
        """Leave the queue, and wake the caller that becomes the first."""
        with self._lock:
            waiters = self._waiters[key]
            was_first = waiters[0] is waiter
            waiters.remove(waiter)
            if not waiters:
                del self._waiters[key]
            following = waiters[0] if waiters and was_first else None
        if following is not None:
            following.wake()

    def is_first(self, key: str, waiter: SlotWaiter) -> bool:
        """Whether a caller is the first, which asks the table."""
        return self._waiters[key][0] is waiter

    def released(self, key: str) -> None:
        """Wake the first caller: there may be a slot."""
        with self._lock:
            waiters = self._waiters.get(key)
            first = waiters[0] if waiters else None
        if first is not None:
            first.wake()
