"""The seam between sessions and whatever keeps them."""

from __future__ import annotations

from typing import Any, Protocol

from sessions.operation import Operation


class Store(Protocol):
    """Carries out the operations of operation.py, each in one atomic step.

    One object serves blocking callers and event loops. Both ways of sending give the same answers
    and raise the same: StoreUnavailable by the deadline; mistakes of set-up at once.
    """

    @property
    def is_exact_by_owner(self) -> bool:
        """Whether ``Registered`` is kept, which shows a user's sessions without an index's lag."""

    def prepare(self) -> None:
        """Do, once, what must not be counted against a deadline."""

    async def prepare_async(self) -> None:
        """The same without blocking the event loop."""

    def send(self, operation: Operation, deadline_ns: int) -> Any:
        """The answer to an operation, by an instant of ``time.monotonic_ns()``."""

    async def send_async(self, operation: Operation, deadline_ns: int) -> Any:
        """The same without blocking the event loop."""
