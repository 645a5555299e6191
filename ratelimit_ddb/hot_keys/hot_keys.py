"""The states of a store's keys in this process: those that are written just now, or were lately.

A key's state is made when a write is about to be sent, and forgotten after it unless the key was
written a moment before, too: cold keys leave nothing behind. The others are kept in two
generations, as observations are, so memory is bounded (P9). A state that is forgotten early costs
what it held, never a wrong answer.
"""

from __future__ import annotations

from collections.abc import Callable

from ratelimit_ddb.hot_keys.key_state import KeyState
from ratelimit_ddb.operations.store import Clock

_GENERATION_SIZE = 4_096


class HotKeys:
    """The states of the keys of one store in this process.

    They go by the limits and the key, so that limiters of the same limits share them.

    Args:
        clock: the store's.
        random_float: floats from 0 to 1, for the jitter; None for Python's own.
    """

    __slots__ = ("__weakref__", "_older", "_random_float", "_younger", "clock")

    def __init__(self, clock: Clock, random_float: Callable[[], float] | None = None) -> None:
        from random import random  # here, for a process without a table does not need it

        self.clock = clock
        self._random_float = random_float or random
        self._younger: dict[str, KeyState] = {}
        self._older: dict[str, KeyState] = {}
        from ddbwire.concurrency.fork import at_fork  # here, for it brings the wire with it

        at_fork(self)

    def get(self, limits: str, key: str) -> KeyState | None:
        """The state of a key, if there is one.

        Args:
            limits: what tells its limits from all others.
            key: the item's key.
        """
        if self._younger:
            state = self._younger.get(limits + key)
            if state is not None:
                return state
        if not self._older:
            return None
        state = self._older.pop(limits + key, None)
        return None if state is None else self._put(limits + key, state)

    def enter(self, limits: str, key: str, monotonic_ns: int) -> KeyState:
        """The state of a key, a new one where there is none."""
        state = self._younger.get(limits + key)
        if state is None and self._older:
            state = self.get(limits, key)
        if state is None:
            state = self._put(limits + key, KeyState(key, monotonic_ns, self._random_float))
        return state

    def forget(self, limits: str, state: KeyState, monotonic_ns: int) -> None:
        """Forget the state of a key that is cold, unless something is under way."""
        with state.lock:
            name = limits + state.key
            # Another thread may have forgotten it, and a third begun anew.
            if state.is_idle(monotonic_ns) and self._younger.get(name) is state:
                self._younger.pop(name, None)

    def drop_leases(self, key: str | None = None) -> None:
        """Let the leases of a key lapse at once, or those of all keys."""
        for states in (self._younger, self._older):
            for state in list(states.values()):
                if key is None or state.key == key:
                    state.drop_leases()

    def clear(self) -> None:
        """Forget everything."""
        self.drop_leases()
        self._younger = {}
        self._older = {}

    def after_fork_in_child(self) -> None:
        """Forget everything: what the parent holds is the parent's, and its locks may be held."""
        for states in (self._younger, self._older):
            for state in states.values():
                for lease in (*state.leases, *state.spent):
                    lease.drop()
        self._younger = {}
        self._older = {}

    def __len__(self) -> int:
        return len(self._younger.keys() | self._older.keys())

    def _put(self, name: str, state: KeyState) -> KeyState:
        # One operation, so that of two threads that come at once both get the same state.
        state = self._younger.setdefault(name, state)
        if len(self._younger) >= _GENERATION_SIZE:
            self._older, self._younger = self._younger, {}
        return state
