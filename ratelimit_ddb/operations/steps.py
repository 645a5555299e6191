"""Steps: flows that are run one after the other, each on its store and within its own time.

What asks several stores, or waits for longer than a call may take, or has users' functions to await
before it can ask, is a generator of steps. It does no I/O either: it yields a step, and is sent
what comes of it.

    OnStore      a flow of operations, which a driver runs; what the flow returns is sent
    Wait         see operation.py
    an awaitable what a user's function returned, in an event loop; its result is sent

A StoreError that ends a flow is raised in the steps.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Generator
from typing import Any, NamedTuple, NoReturn

from ratelimit_ddb.errors import StoreError
from ratelimit_ddb.operations.breaker import Breaker
from ratelimit_ddb.operations.driver import run, run_async
from ratelimit_ddb.operations.operation import JointFlow, T, Wait
from ratelimit_ddb.operations.store import Store
from ratelimit_ddb.operations.waker import BlockingWaker, LoopWaker

_LONGEST_WAIT_NS = 60_000_000_000


class OnStore(NamedTuple):
    """A flow of operations, to be run on a store.

    Attributes:
        flow: the operations.
        store: what to send them to.
        timeout_ns: for how long.
        breaker: whether the store is asked at all.
        decides: as for ``run``.
    """

    flow: JointFlow[Any]
    store: Store
    timeout_ns: int
    breaker: Breaker
    decides: bool = True


Steps = Generator[OnStore | Wait | Awaitable[Any], Any, T]
"""Yields steps, is sent what comes of each, and returns a T."""


def run_steps(steps: Steps[T]) -> T:
    """Carry steps out, blocking.

    Raises:
        TypeError: one of them is to be awaited.
    """
    waker: BlockingWaker | None = None
    try:
        step = next(steps)
        while True:
            try:
                if isinstance(step, OnStore):
                    flow, store, timeout_ns, breaker, decides = step
                    result = run(flow, store, timeout_ns, breaker, decides=decides)
                elif isinstance(step, Wait):
                    waker = waker or BlockingWaker()
                    result = waker.wait(step, time.monotonic_ns() + _LONGEST_WAIT_NS)
                else:
                    _refuse(step)
            except StoreError as error:
                step = steps.throw(error)
            else:
                step = steps.send(result)
    except StopIteration as done:
        return done.value  # type: ignore[no-any-return]  # a generator's T, lost by StopIteration
    finally:
        steps.close()


async def run_steps_async(steps: Steps[T]) -> T:
    """Carry steps out in an event loop; see ``run_steps``."""
    waker: LoopWaker | None = None
    try:
        step = next(steps)
        while True:
            try:
                if isinstance(step, OnStore):
                    flow, store, timeout_ns, breaker, decides = step
                    result = await run_async(flow, store, timeout_ns, breaker, decides=decides)
                elif isinstance(step, Wait):
                    waker = waker or LoopWaker()
                    result = await waker.wait(step, time.monotonic_ns() + _LONGEST_WAIT_NS)
                else:
                    result = await step
            except StoreError as error:
                step = steps.throw(error)
            else:
                step = steps.send(result)
    except StopIteration as done:
        return done.value  # type: ignore[no-any-return]  # a generator's T, lost by StopIteration
    finally:
        steps.close()


def _refuse(awaitable: Awaitable[Any]) -> NoReturn:
    close = getattr(awaitable, "close", None)
    if close is not None:
        close()  # a coroutine that nobody awaits would warn of it
    raise TypeError(f"{awaitable!r}: a function returned this, and nothing awaits it here")
