"""The deadline of a request, divided among its rules: none can use up the time of the others."""

from __future__ import annotations

import time
from collections.abc import Coroutine
from typing import Any

from ratelimit_ddb.operations.operation import Operation
from ratelimit_ddb.operations.store import Clock, Store


class BudgetedStore:
    """The store, with an earlier deadline: the end of the current share.

    A share is what is left of the request's deadline, divided by the number of shares to come: of
    250 ms for three rules, the first has 83 ms; if it takes 10 ms, the second has 120 ms. So a key
    that is throttled until its share ends leaves the others theirs. One object a request.
    """

    __slots__ = ("_ends_at_ns", "_shares", "_store")

    def __init__(self, store: Store) -> None:
        self._store = store
        self._shares = 1
        self._ends_at_ns: int | None = None

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

    def start_share(self, shares: int) -> None:
        """Begin the next share; ``shares`` are to come, with this one."""
        self._shares = shares
        self._ends_at_ns = None

    def send(self, operation: Operation, deadline_ns: int) -> Any:
        """The store's answer, within the share."""
        return self._store.send(operation, self._end_of_share(deadline_ns))

    # No coroutine of its own, for which every operation would pay: the caller awaits the store's.
    def send_async(self, operation: Operation, deadline_ns: int) -> Coroutine[Any, Any, Any]:
        """The store's answer, within the share."""
        return self._store.send_async(operation, self._end_of_share(deadline_ns))

    def _end_of_share(self, deadline_ns: int) -> int:
        if self._shares == 1:
            return deadline_ns
        if self._ends_at_ns is None:
            # From the first operation on, for only then is the deadline known.
            now_ns = time.monotonic_ns()
            self._ends_at_ns = now_ns + max(0, deadline_ns - now_ns) // self._shares
        return self._ends_at_ns
