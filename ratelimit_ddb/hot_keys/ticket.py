"""A request that waits for a visit: for its decision, or for its turn to make the visit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Ticket(Generic[T]):
    """One request in the queue of a key.

    Attributes:
        cost: the tokens that it asks for.
        wait_ns: how much later than now they may be due.
        leases: whether leased tokens may serve it; not where they may be given back later on.
        arrived_ns: when, by the monotonic clock.
        outcome: its decision, or the exception to raise; None until there is one.
        ready: whether its flow has something to do: there is an outcome, or it leads.
    """

    __slots__ = ("_claim", "_wake", "arrived_ns", "cost", "leases", "outcome", "ready", "wait_ns")

    def __init__(
        self,
        cost: int,
        wait_ns: int,
        arrived_ns: int,
        claim: Callable[[Ticket[T]], None],
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
        """Whether somebody waits for it just now, and can take the lead."""
        return self._wake is not None

    def attach(self, wake: Callable[[], None]) -> None:
        """Call ``wake`` when it is ready. The caller looks at ``served`` after this, not before."""
        self._wake = wake
        self._claim(self)

    def unready(self) -> None:
        """Note that its flow goes on: it is ready again when there is something more to do."""
        self.ready = False
        self._wake = None

    def serve(self, outcome: T | Exception) -> None:
        """Give it its outcome; the first one counts."""
        if self.outcome is None:
            self.outcome = outcome
            self.call()

    def call(self) -> None:
        """Tell its flow to go on."""
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
            raise RuntimeError("a ticket without an outcome has no result")
        return outcome
