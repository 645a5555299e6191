"""Counts and times what a request's decisions send to the store, for ``on_decision``."""

from __future__ import annotations

import time
from typing import Any, NamedTuple

from ratelimit_ddb.errors import StoreUnavailable
from ratelimit_ddb.operations.operation import Operation, OperationResult, ReadClock
from ratelimit_ddb.operations.store import Clock, Store


class StoreUsage(NamedTuple):
    """What something took.

    Attributes:
        latency_ns: time.
        calls: operations sent to the store.
        capacity_units: what they consumed; None as soon as one of them did not report it.
    """

    latency_ns: int
    calls: int
    capacity_units: float | None


class MeteredStore:
    """A store that counts and times what is sent to it. One object a request."""

    __slots__ = ("_calls", "_capacity_units", "_since_ns", "_store")

    def __init__(self, store: Store) -> None:
        self._store = store
        self._since_ns = time.perf_counter_ns()
        self._calls = 0
        self._capacity_units: float | None = 0.0

    @property
    def clock(self) -> Clock:
        """The store's."""
        return self._store.clock

    @property
    def ready(self) -> bool:
        """As the store is."""
        return self._store.ready

    def prepare(self) -> None:
        """As the store does."""
        self._store.prepare()

    async def prepare_async(self) -> None:
        """As the store does."""
        await self._store.prepare_async()

    def send(self, operation: Operation, deadline_ns: int) -> Any:
        """The store's answer, counted."""
        self._count_call(operation)
        try:
            return self._add_capacity(self._store.send(operation, deadline_ns))
        except StoreUnavailable:
            self._capacity_units = None  # it may have been carried out, and billed
            raise

    async def send_async(self, operation: Operation, deadline_ns: int) -> Any:
        """The store's answer, counted."""
        self._count_call(operation)
        try:
            return self._add_capacity(await self._store.send_async(operation, deadline_ns))
        except StoreUnavailable:
            self._capacity_units = None
            raise

    def take_usage(self) -> StoreUsage:
        """What was spent since the last call of this, or since it was made."""
        now_ns = time.perf_counter_ns()
        spent = StoreUsage(now_ns - self._since_ns, self._calls, self._capacity_units)
        self._since_ns, self._calls, self._capacity_units = now_ns, 0, 0.0
        return spent

    def _count_call(self, operation: Operation) -> None:
        if type(operation) is not ReadClock:
            self._calls += 1

    def _add_capacity(self, answer: Any) -> Any:
        if isinstance(answer, OperationResult):
            if answer.capacity_units is None:
                self._capacity_units = None
            elif self._capacity_units is not None:
                self._capacity_units += answer.capacity_units
        return answer
