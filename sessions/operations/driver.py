"""The driver, blocking and asyncio: it sends the operations that a flow yields to a store.

``run`` and ``run_async`` run one flow alone. A ``Driver`` runs those of one request in turn: a task
or thread waits until the flows of the others are over, a task without blocking the event loop.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable
from dataclasses import dataclass, field
from threading import RLock
from typing import TYPE_CHECKING, Any

from ddbwire.concurrency.in_event_loop import in_event_loop
from sessions.errors import StoreUnavailable
from sessions.operations.operation import CallApplication, Flow, ReadClock, T
from sessions.operations.store import Store

if TYPE_CHECKING:
    import asyncio

_SECOND_NS = 1_000_000_000
_THREAD_POLL_SECONDS = 0.001
"""How long a task pauses between two attempts to lock out a thread that runs a flow."""

_NOT_BEGUN = 0
"""Stands for a deadline that is counted from the next operation on."""


@dataclass(slots=True)
class Driver:
    """Runs the flows of one request, those of its tasks and threads in turn.

    For example, one task of a websocket reads, another one writes, and both save. Without turns,
    two first saves would begin two sessions, of which only one could have the cookie.

    Attributes:
        store: carries out the operations.
        seconds: how long the operations of one flow may take.
        thread_lock: held while a flow runs. A thread may have it already: what an application does
            in an event of a flow may load the session.
        is_in_event_loop: whether an event loop serves the request, with others at the same time.
    """

    store: Store
    seconds: float
    thread_lock: RLock = field(default_factory=RLock)
    is_in_event_loop: bool = False
    _task_lock: asyncio.Lock | None = None

    def require_may_block(self, method: str) -> None:
        """Check that a blocking method is not called in the event loop that serves the request.

        It would stop all other requests of the loop. It would not take its turn either: the lock
        lets the thread in that has it, though another task is in the midst of a flow.

        Args:
            method: its name, such as ``"save"``.

        Raises:
            RuntimeError: it is.
        """
        if self.is_in_event_loop and in_event_loop():
            raise RuntimeError(
                f"session.{method}() in an event loop would stop its other requests until the "
                f"store answers: await session.{method}_async(), or call it in a thread"
            )

    def run(self, flow: Flow[T]) -> T:
        """Run a flow, blocking, when those of other threads are over; see the function ``run``."""
        with self.thread_lock:
            return run(flow, self.store, self.seconds)

    async def run_async(self, flow: Flow[T]) -> T:
        """Run a flow in an event loop, when those of other tasks and threads are over."""
        if self._task_lock is None:
            from asyncio import Lock  # not before there is an event loop

            self._task_lock = Lock()
        async with self._task_lock:
            if not self.thread_lock.acquire(blocking=False):
                await self._wait_for_threads()
            try:
                return await run_async(flow, self.store, self.seconds)
            finally:
                self.thread_lock.release()

    async def _wait_for_threads(self) -> None:
        from asyncio import sleep

        while not self.thread_lock.acquire(blocking=False):  # noqa: ASYNC110 - no event tells
            await sleep(_THREAD_POLL_SECONDS)


def run(flow: Flow[T], store: Store, seconds: float, *, for_each: bool = False) -> T:
    """Run a flow to its end, blocking, within a deadline.

    StoreUnavailable is raised in the flow, where it yielded; any other exception ends the flow.
    A clock that is known is read here, without asking the store.

    Args:
        flow: yields the operations.
        store: carries them out.
        seconds: how long all of them may take. What must be prepared does not count, and neither
            does a function of the application's, after which the time begins anew.
        for_each: whether each of them has that time, for flows of any number of operations.
    """
    deadline_ns = _NOT_BEGUN
    try:
        operation = next(flow)
        while True:
            if isinstance(operation, ReadClock) and store.clock.known:
                operation = flow.send(store.clock.now_ns() // _SECOND_NS)
                continue
            try:
                if isinstance(operation, CallApplication):
                    deadline_ns, result = _NOT_BEGUN, _called(operation)
                else:
                    if deadline_ns == _NOT_BEGUN:
                        if not store.ready:
                            store.prepare()
                        deadline_ns = _after(seconds)
                    result = store.send(operation, deadline_ns)
            except StoreUnavailable as outage:
                operation = flow.throw(outage)
            else:
                operation = flow.send(result)
            if for_each:
                deadline_ns = _NOT_BEGUN
    except StopIteration as done:
        return done.value  # type: ignore[no-any-return]  # a generator's T, lost by StopIteration
    finally:
        flow.close()


async def run_async(flow: Flow[T], store: Store, seconds: float, *, for_each: bool = False) -> T:
    """Run a flow to its end in an event loop; see ``run``."""
    deadline_ns = _NOT_BEGUN
    try:
        operation = next(flow)
        while True:
            if isinstance(operation, ReadClock) and store.clock.known:
                operation = flow.send(store.clock.now_ns() // _SECOND_NS)
                continue
            try:
                if isinstance(operation, CallApplication):
                    deadline_ns, result = _NOT_BEGUN, await _called_async(operation)
                else:
                    if deadline_ns == _NOT_BEGUN:
                        if not store.ready:
                            await store.prepare_async()
                        deadline_ns = _after(seconds)
                    result = await store.send_async(operation, deadline_ns)
            except StoreUnavailable as outage:
                operation = flow.throw(outage)
            else:
                operation = flow.send(result)
            if for_each:
                deadline_ns = _NOT_BEGUN
    except StopIteration as done:
        return done.value  # type: ignore[no-any-return]  # a generator's T, lost by StopIteration
    finally:
        flow.close()


def _called(call: CallApplication) -> Any:
    result = call.function(call.argument)
    if isinstance(result, Awaitable):
        raise TypeError(f"{call.name} must not be an async function: there is no event loop")
    return result


async def _called_async(call: CallApplication) -> Any:
    result = call.function(call.argument)
    return await result if isinstance(result, Awaitable) else result


def _after(seconds: float) -> int:
    return time.monotonic_ns() + round(seconds * 1e9)
