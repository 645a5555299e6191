"""One way to call a wire, over blocking sockets, asyncio or uvloop."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

from ddbwire import DynamoDBRequest, Wire

UPDATE = DynamoDBRequest.of("UpdateItem", {"TableName": "t", "Key": {"key": {"S": "k"}}})
UPDATE_ONCE = UPDATE._replace(repeatable=False)


def deadline_in(seconds: float) -> int:
    return time.monotonic_ns() + int(seconds * 1e9)


class Blocking:
    """Calls in this thread."""

    def call(self, wire: Wire, operation: DynamoDBRequest = UPDATE, seconds: float = 5.0) -> Any:
        return wire.call(operation, deadline_in(seconds))

    def call_all(self, wire: Wire, sequences: Any, seconds: float = 5.0) -> None:
        wire.call_all(sequences, deadline_in(seconds))

    def sync_clock(self, wire: Wire, seconds: float = 5.0) -> None:
        wire.sync_clock(deadline_in(seconds))

    def idle(self, seconds: float) -> None:
        time.sleep(seconds)

    def resolve(self, wire: Wire) -> None:
        wire.resolve()

    def close(self, wire: Wire) -> None:
        wire.close()

    def end(self) -> None:
        pass


class OnLoop:
    """Calls on an event loop that is kept between calls."""

    def __init__(self, loop_factory: Callable[[], asyncio.AbstractEventLoop] | None) -> None:
        self.runner = asyncio.Runner(loop_factory=loop_factory)

    def call(self, wire: Wire, operation: DynamoDBRequest = UPDATE, seconds: float = 5.0) -> Any:
        return self.runner.run(wire.call_async(operation, deadline_in(seconds)))

    def call_all(self, wire: Wire, sequences: Any, seconds: float = 5.0) -> None:
        self.runner.run(wire.call_all_async(sequences, deadline_in(seconds)))

    def sync_clock(self, wire: Wire, seconds: float = 5.0) -> None:
        self.runner.run(wire.sync_clock_async(deadline_in(seconds)))

    def idle(self, seconds: float) -> None:
        self.runner.run(asyncio.sleep(seconds))

    def resolve(self, wire: Wire) -> None:
        self.runner.run(wire.resolve_async())

    def close(self, wire: Wire) -> None:
        self.runner.run(wire.aclose())

    def end(self) -> None:
        self.runner.close()
