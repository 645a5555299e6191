"""The states of the keys that this process writes just now, or has written a moment before.

A key's state is made before a write, and removed after it unless the key was written a moment
before too: cold keys leave nothing behind. The states of hot keys are kept in two generations, as
observations are, so memory is bounded (P9). If a state is dropped early, its leases are lost; no
decision is wrong.
"""

from __future__ import annotations

from collections.abc import Callable

from ratelimit_ddb.hot_keys.key_state import KeyState
from ratelimit_ddb.operations.store import Clock

_GENERATION_SIZE = 4_096


class HotKeys:
    """The states of the keys of one store in this process.

    They are identified by the limits and the key, so limiters with the same limits share them.

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
            limits: the name of its limits (bucket/hot_key_policy.py).
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
        state = self._younger.get(limits + key)  # each decision comes by here: no call for nothing
        if state is None and self._older:
            state = self.get(limits, key)
        if state is None:
            state = self._put(limits + key, KeyState(key, monotonic_ns, self._random_float))
        return state

    def forget(self, limits: str, state: KeyState, monotonic_ns: int) -> None:
        """Remove the state of a key that is cold, unless it is in use."""
        with state.lock:
            name = limits + state.key
            # Another thread may have removed it, and a third made a new one.
            if state.is_idle(monotonic_ns) and self._younger.get(name) is state:
                self._younger.pop(name, None)

    def drop_leases(self, key: str | None = None) -> None:
        """End the leases of a key at once, or those of all keys."""
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
        """Remove everything: the leases are the parent's, and its locks may be held."""
        for states in (self._younger, self._older):
            for state in states.values():
                for lease in (*state.leases, *state.spent):
                    lease.drop()
        self._younger = {}
        self._older = {}

    def __len__(self) -> int:
        return len(self._younger.keys() | self._older.keys())

    def _put(self, name: str, state: KeyState) -> KeyState:
        # One operation, so that two threads get the same state.
        state = self._younger.setdefault(name, state)
        if len(self._younger) >= _GENERATION_SIZE:
            self._older, self._younger = self._younger, {}
        return state
