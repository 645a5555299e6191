"""A request in the queue of a key: it waits for its decision, or for its turn to write."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Waiter(Generic[T]):
    """One request in the queue of a key.

    Attributes:
        cost: the tokens that it asks for.
        wait_ns: how much later than now they may be due.
        leases: whether leased tokens may serve it; False if they may be given back later on.
        arrived_ns: when it joined the queue, by the monotonic clock.
        outcome: its decision, or the exception to raise; None until there is one.
        ready: whether its flow has something to do: there is an outcome, or it is the leader.
    """

    __slots__ = ("_claim", "_wake", "arrived_ns", "cost", "leases", "outcome", "ready", "wait_ns")

    def __init__(
        self,
        cost: int,
        wait_ns: int,
        arrived_ns: int,
        claim: Callable[[Waiter[T]], None],
        *,
        leases: bool = True,
    ) -> None:
        self._claim = claim
        self.cost = cost
        self.wait_ns = wait_ns
        self.leases = leases
        self.arrived_ns = arrived_ns
        self.outcome: T | Exception | None = None
        self.ready = False
        self._wake: Callable[[], None] | None = None

    @property
    def served(self) -> bool:
        """Whether its flow has something to do."""
        return self.ready

    @property
    def is_attended(self) -> bool:
        """Whether its driver waits for it, so that it can become the leader."""
        return self._wake is not None

    def attach(self, wake: Callable[[], None]) -> None:
        """Call ``wake`` when it is ready. The caller reads ``served`` after this call."""
        self._wake = wake
        self._claim(self)

    def clear(self) -> None:
        """Note that its flow goes on: it is ready again when there is more to do."""
        self.ready = False
        self._wake = None

    def serve(self, outcome: T | Exception) -> None:
        """Set the outcome, unless there is one."""
        if self.outcome is None:
            self.outcome = outcome
            self.wake()

    def wake(self) -> None:
        """Have its flow go on."""
        self.ready = True
        wake = self._wake
        if wake is not None:
            wake()

    def result(self) -> T:
        """Its decision.

        Raises:
            Exception: the one that is its outcome.
        """
        outcome = self.outcome
        if isinstance(outcome, Exception):
            raise outcome
        if outcome is None:
            raise RuntimeError("result() was called before there was an outcome")
        return outcome
