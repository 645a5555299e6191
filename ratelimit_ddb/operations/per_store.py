"""What this process keeps for each store object, for as long as the store lives."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class PerStore(Generic[T]):
    """A value for each store.

    By the store's id, for a store of somebody's own may have no hash, as a dataclass has none, and
    two that are equal are two. Each step is a single operation of a dict, so threads need no lock.

    Args:
        make: called with a store that is met for the first time; returns its value, which must not
            keep the store alive.
    """

    def __init__(self, make: Callable[[Any], T]) -> None:
        self._make = make
        self._values: dict[int, T] = {}
        # Stores whose end can't be observed; kept, so that their ids are not reused.
        self._never_gone: list[object] = []

    def of(self, store: object) -> T:
        """The value of a store, the same at each call."""
        value = self._values.get(id(store))
        if value is None:
            value = self._values.setdefault(id(store), self._make(store))
            try:
                weakref.finalize(store, self._values.pop, id(store), None).atexit = False
            except TypeError:  # it has slots, and none for that
                self._never_gone.append(store)
        return value


def reference_to(store: T) -> Callable[[], T | None]:
    """A weak reference, of what can have one; for values of a PerStore."""
    try:
        return weakref.ref(store)
    except TypeError:  # it has slots, and none for that
        return lambda: store
