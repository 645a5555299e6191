"""What this process keeps for each store object, for as long as the store lives."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class PerStore(Generic[T]):
    """A value for each store.

    Stores are identified by ``id``: a user's store may be unhashable, as a dataclass is, and two
    equal stores are two. Each step is a single operation of a dict, so threads need no lock.

    Args:
        make: called with a new store; returns its value, which must not keep the store alive.
    """

    def __init__(self, make: Callable[[Any], T]) -> None:
        self._make = make
        self._values: dict[int, T] = {}
        # Stores without weak references; they are kept, so that their ids are not reused.
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
    """A weak reference to a store, or a strong one if it can't have a weak one."""
    try:
        return weakref.ref(store)
    except TypeError:  # it has slots, and none for that
        return lambda: store
