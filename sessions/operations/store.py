"""The protocol of a store, which carries out the operations."""

from __future__ import annotations

from typing import Any, Protocol, cast

from sessions.operations.operation import Operation


class Clock(Protocol):
    """The time of a store."""

    @property
    def known(self) -> bool:
        """Whether it can be read; otherwise ``ReadClock`` asks the store first."""

    def now_ns(self) -> int:
        """Nanoseconds since the epoch."""


class Store(Protocol):
    """Carries out the operations of ``sessions.operations.operation``, each in one atomic step.

    One object serves blocking callers and event loops. ``send`` and ``send_async`` return and raise
    the same: StoreUnavailable by the deadline; errors of the configuration at once.
    """

    @property
    def is_exact_by_owner(self) -> bool:
        """Whether the store has ``Registered``, which lists a user's sessions without delay."""

    @property
    def clock(self) -> Clock:
        """Its time, by which sessions live."""

    @property
    def ready(self) -> bool:
        """Whether there is nothing to prepare."""

    def prepare(self) -> None:
        """Do, once, what must not count against a deadline, such as resolving credentials."""

    async def prepare_async(self) -> None:
        """The same without blocking the event loop."""

    def send(self, operation: Operation, deadline_ns: int) -> Any:
        """Carry out an operation before an instant of ``time.monotonic_ns()``; its result."""

    async def send_async(self, operation: Operation, deadline_ns: int) -> Any:
        """The same without blocking the event loop."""


_MEMBERS = (
    "is_exact_by_owner",
    "clock",
    "ready",
    "prepare",
    "prepare_async",
    "send",
    "send_async",
)


def require_store(value: object, name: str = "store") -> Store:
    """Check that an argument has the members of a Store.

    Args:
        value: the argument.
        name: its name in the message.

    Raises:
        TypeError: it lacks a member of Store.
    """
    missing = [member for member in _MEMBERS if not hasattr(value, member)]
    if not missing and not isinstance(value, type):
        return cast("Store", value)
    if isinstance(value, type):
        what = f"the class {value.__name__}: call it"
    elif hasattr(value, "in_process"):
        what = f"{value!r}: this is a store of rate limits"
    elif len(missing) < len(_MEMBERS):
        what = f"{value!r}: it has no {', '.join(missing)}"
    else:
        what = repr(value)
    raise TypeError(
        f"{name} must be a DynamoDBSessionStore, a MemorySessionStore or another Store, not {what}"
    )
