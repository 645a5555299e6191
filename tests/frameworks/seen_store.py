"""A session store that tells what it was asked."""

from __future__ import annotations

from typing import Any

from sessions import MemorySessionStore
from sessions.operations.operation import Operation, ReadClock
from tests.fake_clock import FakeClock


class SeenStore(MemorySessionStore):
    """Notes the name of each operation but the clock's, which is no request to a table."""

    def __init__(self) -> None:
        self.fake_clock = FakeClock()
        self.seen: list[str] = []
        super().__init__(clock=self.fake_clock)

    def send(self, operation: Operation, deadline_ns: int) -> Any:
        if not isinstance(operation, ReadClock):
            self.seen.append(type(operation).__name__)
        return super().send(operation, deadline_ns)
