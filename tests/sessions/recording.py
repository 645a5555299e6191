"""A memory store that notes what is asked of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sessions import MemorySessionStore
from sessions.operations.operation import Operation, ReadClock
from tests.fake_clock import FakeClock
from tests.sessions.browser import Site


class RecordingStore(MemorySessionStore):
    """A memory store.

    Attributes:
        operations: all that was sent to it, in order, but for questions for the time.
        meanwhile: what others do before an operation is carried out, by its name; once.
        refuses: an operation that it refuses each time.
    """

    def __init__(self, clock: FakeClock) -> None:
        super().__init__(clock=clock)
        self.operations: list[Operation] = []
        self.meanwhile: dict[str, Callable[[], object]] = {}
        self.refuses: type[Operation] | None = None

    def send(self, operation: Operation, deadline_ns: int) -> Any:
        if not isinstance(operation, ReadClock):
            self.operations.append(operation)
            self.meanwhile.pop(type(operation).__name__, lambda: None)()
            if type(operation) is self.refuses:
                return False
        return super().send(operation, deadline_ns)

    def asked(self) -> list[str]:
        """The names of what was sent since this was asked last."""
        names = [type(operation).__name__ for operation in self.operations]
        self.operations.clear()
        return names


def recorded_site() -> tuple[Site, RecordingStore]:
    """A site, and its store."""
    clock = FakeClock()
    store = RecordingStore(clock)
    return Site(store, clock), store
