"""What is between the limiters and the table: a network that loses replies, and stores with faults.

Replies are lost here and not on the wire: what an outage looks like there, tests/ddbwire tries.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from ratelimit_ddb import DynamoDBStore, StoreUnavailable
from ratelimit_ddb.operations.operation import (
    Delete,
    GiveBack,
    Operation,
    OperationResult,
    OperationSequence,
    Read,
    ReadClock,
    Take,
)
from ratelimit_ddb.operations.slot_operation import ReadSlots, TakeSlot
from tests.linearizability.program import Fault

Send = Callable[[Operation], Any]
Mutant = Callable[[Operation, Send], Any]
"""A store with a fault: carries out an operation by those that it sends to the table."""


class Network:
    """A store that carries out operations on a table."""

    def __init__(self, table: DynamoDBStore, mutant: Mutant) -> None:
        self._table = table
        self._mutant = mutant
        self._of_thread = threading.local()
        self.clock = table.clock
        self.in_process = False
        self.ready = True

    @contextlib.contextmanager
    def fault(self, fault: Fault) -> Iterator[None]:
        """Do this to the first write that this thread sends in the block."""
        self._of_thread.fault = fault
        try:
            yield
        finally:
            self._of_thread.fault = ""

    def prepare(self) -> None:
        self._table.prepare()

    async def prepare_async(self) -> None:
        await self._table.prepare_async()

    def send(self, operation: Operation, deadline_ns: int) -> Any:
        def send(one: Operation) -> Any:
            return self._table.send(one, deadline_ns)

        fault: Fault = getattr(self._of_thread, "fault", "")
        if not fault or isinstance(operation, Read | ReadClock | ReadSlots):
            return self._mutant(operation, send)
        self._of_thread.fault = ""
        result = self._mutant(operation, send)
        if fault == "lost":
            raise StoreUnavailable("the reply is lost")
        # Giving back is the one write that the wire does not repeat.
        return result if isinstance(operation, GiveBack) else self._mutant(operation, send)

    async def send_async(self, operation: Operation, deadline_ns: int) -> Any:
        return self.send(operation, deadline_ns)

    def send_all(self, sequences: Sequence[OperationSequence], deadline_ns: int) -> None:
        self._table.send_all(sequences, deadline_ns)

    async def send_all_async(
        self, sequences: Sequence[OperationSequence], deadline_ns: int
    ) -> None:
        await self._table.send_all_async(sequences, deadline_ns)


def as_it_is(operation: Operation, send: Send) -> Any:
    """The table itself."""
    return send(operation)


def reads_then_writes(operation: Operation, send: Send) -> Any:
    """Takes by a read, and a write that whatever happened in between is overwritten by."""
    if not isinstance(operation, Take):
        return send(operation)
    found: OperationResult = send(Read(operation.key, operation.names))
    at_ns = []
    for index, one_ns in enumerate(found.full_at_ns):
        base_ns = operation.base_ns[index]
        at_ns.append(max(base_ns, base_ns if one_ns is None else one_ns))
        if at_ns[-1] > base_ns + operation.room_ns[index]:
            return found._replace(applied=False)
    while True:
        send(Delete(operation.key))
        idle = (True,) * len(at_ns)
        write = operation._replace(idle=idle, base_ns=tuple(at_ns), extends=True)
        result: OperationResult = send(write)
        if result.applied:
            return result


class _Stale:
    """Reads what it read first, as a replica that is behind for long."""

    def __init__(self) -> None:
        self._read: dict[str, Any] = {}

    def __call__(self, operation: Operation, send: Send) -> Any:
        result = send(operation)
        if isinstance(operation, Read):
            return self._read.setdefault(operation.key, result)
        return result


def gives_back_twice(operation: Operation, send: Send) -> Any:
    """Gives back once more what was given back."""
    result = send(operation)
    if isinstance(operation, GiveBack) and result.applied:
        least_ns = (0,) * len(operation.names)
        before_ns = result.refunded_ns
        send(
            operation._replace(
                least_ns=least_ns, refunded_before_ns=before_ns, refunded_after_ns=before_ns
            )
        )
    return result


def takes_what_is_held(operation: Operation, send: Send) -> Any:
    """Gives out a slot that somebody holds."""
    if isinstance(operation, TakeSlot):
        return send(operation._replace(free_below=operation.mark))
    return send(operation)


MUTANTS: dict[str, Mutant] = {
    "": as_it_is,
    "reads, then writes": reads_then_writes,
    "reads of a stale replica": _Stale(),
    "gives back twice": gives_back_twice,
    "gives out a slot that is held": takes_what_is_held,
}
"""Stores by their faults."""
