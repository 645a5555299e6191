"""The protocol of a store, which keeps the buckets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from ratelimit_ddb.operations.operation import Operation, OperationSequence


class Clock(Protocol):
    """The store's time, the same for every process that shares the store."""

    @property
    def known(self) -> bool:
        """Whether the time is known; False until it was read from the store once."""

    def now_ns(self) -> int:
        """Nanoseconds since the epoch."""

    def monotonic_ns(self) -> int:
        """The process's monotonic clock, in nanoseconds from any origin."""

    def wall_ns(self) -> int:
        """The process's wall clock, which does not stop while the machine is suspended."""


class Store(Protocol):
    """Carries out the operations of operation.py, each in one atomic step.

    One object serves blocking callers and event loops. Both ways of sending return and raise the
    same: StoreUnavailable by the deadline; TableNotFound, AccessDenied and other mistakes of set-up
    at once.
    """

    @property
    def clock(self) -> Clock:
        """The clock that decisions read."""

    @property
    def in_process(self) -> bool:
        """Whether the buckets are in this process's memory, so that no call ever waits."""

    @property
    def ready(self) -> bool:
        """Whether there is nothing to prepare."""

    def prepare(self) -> None:
        """Do, once, what must not count against a deadline."""

    async def prepare_async(self) -> None:
        """The same without blocking the event loop."""

    def send(self, operation: Operation, deadline_ns: int) -> Any:
        """The result of an operation. The deadline is an instant of ``time.monotonic_ns()``."""

    async def send_async(self, operation: Operation, deadline_ns: int) -> Any:
        """The same without blocking the event loop."""

    def send_all(self, sequences: Sequence[OperationSequence], deadline_ns: int) -> None:
        """Carry out the operations of several sequences, side by side.

        Each sequence is sent the result of its operation as soon as that is there, whatever the
        others wait for, and yields its next one. A StoreError that ``send`` would raise is sent as
        the result. A store that never waits may take the sequences in turn (``send_in_turn``).
        """

    async def send_all_async(
        self, sequences: Sequence[OperationSequence], deadline_ns: int
    ) -> None:
        """The same without blocking the event loop."""


TakenAtOnce = tuple[bool, tuple[int, ...], tuple[int, ...]]
"""Whether the condition held, each ``fullAt``, and each limit's ``refunded``."""


class TakeAtOnce(Protocol):
    """A take in this process's memory, which need not choose a branch beforehand."""

    def __call__(
        self,
        key: str,
        names: tuple[str, ...],
        bases_ns: tuple[int, ...],
        costs_ns: tuple[int, ...],
        rooms_ns: tuple[int, ...],
    ) -> TakenAtOnce:
        """Do what a Take does, by whichever branch is right for each limit.

        Each ``fullAt`` becomes ``max(fullAt, base) + cost``, if none is beyond ``base + room``.
        """
