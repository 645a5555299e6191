"""A store that fails when it is told to, as one across a network does."""

from __future__ import annotations

from typing import Any

from ratelimit_ddb import MemoryStore
from ratelimit_ddb.operations.operation import Operation, Take
from tests.fake_clock import FakeClock


class FlakyStore(MemoryStore):
    """A memory store that raises ``failure`` once it is set.

    It is as strict as a table about takes, which must have a number of each kind for each limit.

    Attributes:
        time: its clock.
        failure: what to raise; None while all is well.
        applies: whether an operation that fails was carried out all the same, its reply lost.
        operations: all that was sent.
        prepared: how often it was asked to prepare.
    """

    def __init__(self) -> None:
        self.time = FakeClock()
        super().__init__(clock=self.time)
        self.failure: Exception | None = None
        self.applies = False
        self.operations: list[Operation] = []
        self.prepared = 0
        self.ready = False

    def prepare(self) -> None:
        self.prepared += 1

    async def prepare_async(self) -> None:
        self.prepared += 1

    def send(self, operation: Operation, deadline_ns: int) -> Any:
        self.operations.append(operation)
        if isinstance(operation, Take):
            of_limits = (operation.idle, operation.base_ns, operation.cost_ns, operation.room_ns)
            assert {len(operation.names)} == {len(one) for one in of_limits}
        if self.failure is None:
            return super().send(operation, deadline_ns)
        if self.applies:
            super().send(operation, deadline_ns)
        raise self.failure
