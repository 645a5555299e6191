"""Those in this process who wait for a slot of a key: in the order of their calls.

Only the first one asks the table, now and then; it is told at once when a slot is released in this
process. The others wait for their turn. So a process asks as often, however many wait in it.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable


class Turn:
    """One who waits.

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

    def call(self) -> None:
        """Tell it."""
        self.served = True
        wake = self._wake
        if wake is not None:
            wake()


class WaitingLine:
    """Those who wait, by key."""

    __slots__ = ("__weakref__", "_lock", "_turns")

    def __init__(self) -> None:
        from ddbwire.concurrency.fork import at_fork  # here, for it brings the wire with it

        self.after_fork_in_child()
        at_fork(self)

    def after_fork_in_child(self) -> None:
        """Begin with nobody: the threads that wait are the parent's."""
        self._lock = threading.Lock()
        self._turns: dict[str, deque[Turn]] = {}

    def __contains__(self, key: str) -> bool:
        return key in self._turns

    def join(self, key: str) -> Turn:
        """Stand at the end."""
        turn = Turn()
        with self._lock:
            self._turns.setdefault(key, deque()).append(turn)
        return turn

    def leave(self, key: str, turn: Turn) -> None:
        """Go away; the next one is told if it is the first now."""
        with self._lock:
            turns = self._turns[key]
            was_first = turns[0] is turn
            turns.remove(turn)
            if not turns:
                del self._turns[key]
            following = turns[0] if turns and was_first else None
        if following is not None:
            following.call()

    def is_first(self, key: str, turn: Turn) -> bool:
        """Whether it is one's turn to ask."""
        return self._turns[key][0] is turn

    def released(self, key: str) -> None:
        """Tell the first one that there may be a slot."""
        with self._lock:
            turns = self._turns.get(key)
            first = turns[0] if turns else None
        if first is not None:
            first.call()
