"""Coroutines that are run one operation at a time, so that a test says who comes next."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Generator
from typing import Any

from sessions import DynamoDBSessionStore, MemorySessionStore
from sessions.operations.operation import Operation, ReadClock

AnyStore = DynamoDBSessionStore | MemorySessionStore


class Pause:
    """Awaited, it lets others go first."""

    def __await__(self) -> Generator[None, None, None]:
        yield


class Task:
    """A coroutine under way. It has run up to its first pause.

    Attributes:
        over: whether it came to its end, by itself or by ``abandon``.
    """

    def __init__(self, coroutine: Coroutine[None, None, None]) -> None:
        self._coroutine = coroutine
        self.over = False
        self.step()

    def step(self) -> None:
        """Go on to the next pause."""
        try:
            self._coroutine.send(None)
        except StopIteration:
            self.over = True

    def abandon(self) -> None:
        """Go no further, as when a process dies."""
        self._coroutine.close()
        self.over = True


def interleave(store: AnyStore, watch: Callable[[Operation, Any], None]) -> None:
    """Let others go before each operation of the store in an event loop; tell of it afterwards,
    with its answer.

    Reading the clock is none: time stands still while an operation is under way.
    """

    async def send_async(operation: Operation, deadline_ns: int) -> Any:
        if not isinstance(operation, ReadClock):
            await Pause()
        answer = store.send(operation, deadline_ns)
        watch(operation, answer)
        return answer

    store.send_async = send_async  # type: ignore[method-assign]
