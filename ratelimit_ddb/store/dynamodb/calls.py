"""The calls that a sequence of operations needs, for ``Wire.call_all``."""

from __future__ import annotations

from collections.abc import Callable, Generator
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from time import monotonic_ns
from typing import Any

from ddbwire import CallSequence, DynamoDBRequest, SyncClock, WaitFor
from ratelimit_ddb.operations.operation import Operation, OperationSequence, ReadClock, Wait
from ratelimit_ddb.operations.store import Clock

Answer = Callable[[Operation, DynamoDBRequest | None, Any], object]
"""What an operation returns, or the StoreError, of what its call returned or raised."""


def calls_of(
    sequence: OperationSequence,
    request_of: Callable[[Any], DynamoDBRequest],
    answer: Answer,
    clock: Clock,
    deadline_ns: int,
) -> CallSequence:
    """Call for each operation, and send the sequence what it returns.

    Args:
        sequence: the operations.
        request_of: makes the request of one.
        answer: makes what is sent to the sequence.
        clock: the table's.
        deadline_ns: of all of them.
    """
    sent: object = None
    while True:
        try:
            operation = sequence.send(sent)
        except StopIteration:
            return
        if isinstance(operation, Wait):
            yield from _wait(operation)
            sent = monotonic_ns() < deadline_ns
        elif isinstance(operation, ReadClock):
            failure = None if clock.known else (yield SyncClock())
            sent = clock.now_ns() if failure is None else answer(operation, None, failure)
        else:
            request = request_of(operation)
            sent = answer(operation, request, (yield request))


def _wait(wait: Wait) -> Generator[WaitFor, Any, None]:
    """Wait until it is served, while other calls go on."""
    until_ns = None if wait.most_ns is None else monotonic_ns() + wait.most_ns
    future: Future[None] = Future()

    def wake() -> None:
        with suppress(InvalidStateError):  # it was woken before, or waits no more
            future.set_result(None)

    wait.awaited.attach(wake)
    if not wait.awaited.served:
        yield WaitFor(future, until_ns)
