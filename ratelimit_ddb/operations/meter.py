"""Counts and times what a decision sends to the store, for ``on_decision``."""

from __future__ import annotations

from time import perf_counter_ns

from ratelimit_ddb.errors import StoreError
from ratelimit_ddb.operations.operation import (
    Flow,
    NotAsked,
    Operation,
    OperationResult,
    ReadClock,
    T,
    Wait,
)
from ratelimit_ddb.operations.slot_operation import SlotsResult


class Meter:
    """What one decision and its refund take of the store.

    Attributes:
        latency_ns: the time from the meter's creation to the end of its last flow.
        calls: operations sent to the store.
        capacity_units: what they consumed; None if one of them did not report it.
    """

    __slots__ = ("_started_ns", "calls", "capacity_units", "latency_ns")

    def __init__(self) -> None:
        self._started_ns = perf_counter_ns()
        self.latency_ns = 0
        self.calls = 0
        self.capacity_units: float | None = 0.0

    def stop(self) -> None:
        """Note the time, unless the end of a flow has."""
        if not self.latency_ns:
            self.latency_ns = perf_counter_ns() - self._started_ns

    def measured(self, flow: Flow[T]) -> Flow[T]:
        """The same flow, measured."""
        try:
            operation = next(flow)
            while True:
                try:
                    result = yield operation
                except NotAsked as outage:
                    operation = flow.throw(outage)
                except StoreError as error:
                    self._count(operation)
                    self.capacity_units = None  # it may have been carried out, and billed
                    operation = flow.throw(error)
                else:
                    self._count(operation)
                    self._add_capacity(result)
                    operation = flow.send(result)
        except StopIteration as done:
            returned: T = done.value
            return returned
        finally:
            self.latency_ns = perf_counter_ns() - self._started_ns
            flow.close()

    def _count(self, operation: Operation | Wait) -> None:
        if not isinstance(operation, ReadClock | Wait):
            self.calls += 1

    def _add_capacity(self, result: object) -> None:
        if isinstance(result, OperationResult | SlotsResult):
            if result.capacity_units is None:
                self.capacity_units = None
            elif self.capacity_units is not None:
                self.capacity_units += result.capacity_units
