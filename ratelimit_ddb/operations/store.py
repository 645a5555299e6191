"""The seam between the limiter and whatever keeps its buckets."""

from __future__ import annotations

from typing import Any, Protocol, cast

from ratelimit_ddb.operations.operation import Operation


class Clock(Protocol):
    """The store's time, the same for every process that shares the store."""

    @property
    def known(self) -> bool:
        """False until the store was asked for it once."""

    def now_ns(self) -> int:
        """Nanoseconds since the epoch."""


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


_MEMBERS = ("clock", "ready", "prepare", "prepare_async", "send", "send_async")


def require_store(given: object, name: str = "store") -> Store:
    """What was given as a store, if it can be one.

    Args:
        given: the argument.
        name: what it is called where it was given.

    Raises:
        TypeError: it lacks something that a Store has.
    """
    missing = [member for member in _MEMBERS if not hasattr(given, member)]
    if not missing and not isinstance(given, type):
        return cast("Store", given)
    if isinstance(given, type):
        what = f"the class {given.__name__}: call it"
    elif hasattr(given, "is_exact_by_owner"):
        what = f"{given!r}: this is a session store"
    elif len(missing) < len(_MEMBERS):
        what = f"{given!r}: it has no {', '.join(missing)}"
    else:
        what = repr(given)
    raise TypeError(f"{name} must be a DynamoDBStore, a MemoryStore or another Store, not {what}")
