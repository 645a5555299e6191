"""The seam between the limiter and whatever keeps its buckets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from ratelimit_ddb.operations.operation import Operation, OperationResult, OperationSequence


class Clock(Protocol):
    """The store's time, the same for every process that shares the store."""

    @property
    def known(self) -> bool:
        """False until the store was asked for it once."""

    def now_ns(self) -> int:
        """Nanoseconds since the epoch."""

    def monotonic_ns(self) -> int:
        """The process's monotonic clock, in nanoseconds from any origin."""

    def wall_ns(self) -> int:
        """The process's wall clock, which goes on while the machine is suspended."""


class Store(Protocol):
    """Carries out the operations of operation.py, each in one atomic step.

    One object serves blocking callers and event loops. Both ways of sending give the same answers
    and raise the same: StoreUnavailable by the deadline; TableNotFound, AccessDenied and other
    mistakes of set-up at once.
    """

    @property
    def clock(self) -> Clock:
        """What decisions read their time from."""

    @property
    def in_process(self) -> bool:
        """Whether the buckets are in this process's memory, so that no call ever waits."""

    @property
    def ready(self) -> bool:
        """Whether there is nothing to prepare."""

    def prepare(self) -> None:
        """Do, once, what must not be counted against a deadline."""

    async def prepare_async(self) -> None:
        """The same without blocking the event loop."""

    def send(self, operation: Operation, deadline_ns: int) -> Any:
        """The answer to an operation, by an instant of ``time.monotonic_ns()``."""

    async def send_async(self, operation: Operation, deadline_ns: int) -> Any:
        """The same without blocking the event loop."""

    def send_all(self, sequences: Sequence[OperationSequence], deadline_ns: int) -> None:
        """Carry out the operations of several sequences, side by side.

        Each sequence is sent the answer to its operation as soon as it is there, whatever the
        others wait for, and yields its next one. A StoreError that ``send`` would raise is sent
        as the answer. A store that never waits may take the sequences in turn (``send_in_turn``).
        """

    async def send_all_async(
        self, sequences: Sequence[OperationSequence], deadline_ns: int
    ) -> None:
        """The same without blocking the event loop."""


class TakeAtOnce(Protocol):
    """How a store in this process's memory takes: it needs no conditions told beforehand."""

    def __call__(
        self,
        key: str,
        names: tuple[str, ...],
        bases_ns: tuple[int, ...],
        costs_ns: tuple[int, ...],
        rooms_ns: tuple[int, ...],
    ) -> OperationResult:
        """Do what a Take does, whichever branch each limit turns out to take.

        Each ``fullAt`` becomes ``max(fullAt, base) + cost``, if none is beyond ``base + room``.
        """
