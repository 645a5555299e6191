"""Steps: flows that are run one after the other, each on its own store and with its own deadline.

Code that asks several stores, waits for longer than a call may take, or awaits users' functions
first, is a generator of steps. It does no I/O either: it yields a step, and is sent the result.

    OnStore        a flow of operations, which a driver runs; its result is what the flow returns
    Wait           see operation.py
    an awaitable   what a user's function returned, in an event loop

A StoreError that ends a flow is raised in the generator.
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
        flow: the flow.
        store, timeout_ns, breaker, decides: as for ``run``.
    """

    flow: JointFlow[Any]
    store: Store
    timeout_ns: int
    breaker: Breaker
    decides: bool = True


Steps = Generator[OnStore | Wait | Awaitable[Any], Any, T]
"""Yields steps, is sent the result of each, and returns a T."""


def run_steps(steps: Steps[T]) -> T:
    """Carry out steps, blocking.

    Raises:
        TypeError: a step is an awaitable.
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
    """Carry out steps in an event loop; see ``run_steps``."""
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
        close()  # else Python warns that the coroutine was never awaited
    raise TypeError(f"{awaitable!r}: a function returned this, and nothing awaits it here")
