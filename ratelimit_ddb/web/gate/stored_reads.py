"""Reading stored limits before a request is decided, within the request's own deadline."""

from __future__ import annotations

from time import monotonic_ns
from typing import Any

from ratelimit_ddb.operations.breaker import Breaker
from ratelimit_ddb.operations.driver import run, run_async
from ratelimit_ddb.operations.operation import Flow
from ratelimit_ddb.operations.store import Store


class StoredReads:
    """Runs the reads of one request on the store, each for half of the time that is left.

    Attributes:
        left_ns: what is left of the request's deadline.
    """

    __slots__ = ("_breaker", "_store", "left_ns")

    def __init__(self, store: Store, timeout_ns: int, breaker: Breaker) -> None:
        self._store = store
        self._breaker = breaker
        self.left_ns = timeout_ns

    def run(self, flow: Flow[Any]) -> Any:
        """Read, blocking."""
        started_ns = monotonic_ns()
        try:
            return run(flow, self._store, self.left_ns // 2, self._breaker, decides=True)
        finally:
            self.left_ns = max(1, self.left_ns - (monotonic_ns() - started_ns))

    async def run_async(self, flow: Flow[Any]) -> Any:
        """Read in the event loop."""
        started_ns = monotonic_ns()
        try:
            return await run_async(
                flow, self._store, self.left_ns // 2, self._breaker, decides=True
            )
        finally:
            self.left_ns = max(1, self.left_ns - (monotonic_ns() - started_ns))
