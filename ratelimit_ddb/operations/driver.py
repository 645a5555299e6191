"""The two drivers, blocking and asyncio: they send the operations of a flow to a store.

A StoreError of the store is raised in the flow; any other exception ends the flow.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Coroutine
from typing import Any, NoReturn

from ratelimit_ddb.errors import StoreError, StoreUnavailable
from ratelimit_ddb.operations.blocking_warning import warn_of_blocking
from ratelimit_ddb.operations.breaker import Breaker
from ratelimit_ddb.operations.operation import JointFlow, Operation, ReadClock, T, Together, Wait
from ratelimit_ddb.operations.store import Store
from ratelimit_ddb.operations.together import SideBySide
from ratelimit_ddb.operations.waker import BlockingWaker, LoopWaker

AnyOperation = Operation | Wait | Together
"""What a driver carries out, by the store or itself."""


def run(
    flow: JointFlow[T], store: Store, timeout_ns: int, breaker: Breaker, *, decides: bool = False
) -> T:
    """Run a flow to its end, blocking, within ``timeout_ns``; preparing the store does not count.

    Args:
        flow: the flow.
        store: where its operations are sent.
        timeout_ns: how long it may take.
        breaker: the store's; it counts the outages.
        decides: whether ``on_outage`` can decide instead, so that the store is not asked while the
            breaker is open.
    """
    waker: BlockingWaker | None = None
    # What in_event_loop() does, without a call of Python's: each decision comes by here.
    events = sys.modules.get("asyncio.events")
    in_loop = events is not None and events._get_running_loop() is not None
    if in_loop and decides and not store.in_process:
        warn_of_blocking(stacklevel=3)
    try:
        operation = next(flow)
        if decides and breaker.is_open and not breaker.may_ask():
            _raise_not_asked(flow, breaker)
        counted = False
        if not store.ready:
            operation, counted = _prepare(flow, operation, store, breaker)
        deadline_ns = time.monotonic_ns() + timeout_ns
        while True:
            if isinstance(operation, Wait):
                waker = waker or BlockingWaker()
                operation = flow.send(waker.wait(operation, deadline_ns))
                continue
            try:
                result = (
                    _run_together(operation, store, deadline_ns, timeout_ns, breaker)
                    if isinstance(operation, Together)
                    else store.send(operation, deadline_ns)
                )
            except StoreError as error:
                counted = _count_error(error, breaker, counted)
                operation = flow.throw(error)
            else:
                if breaker.outages:
                    _count_answer(operation, breaker)
                operation = flow.send(result)
    except StopIteration as done:
        return done.value  # type: ignore[no-any-return]  # a generator's T, lost by StopIteration
    finally:
        # Now: a traceback may keep the flow alive, and delay what it does in its ``finally``.
        flow.close()


async def run_async(
    flow: JointFlow[T], store: Store, timeout_ns: int, breaker: Breaker, *, decides: bool = False
) -> T:
    """The same in an event loop."""
    waker: LoopWaker | None = None
    try:
        operation = next(flow)
        if decides and breaker.is_open and not await breaker.may_ask_async():
            _raise_not_asked(flow, breaker)
        counted = False
        if not store.ready and (outage := await _outage_of_preparing_async(store)) is not None:
            counted = breaker.failed(outage)
            operation = flow.throw(outage)
        deadline_ns = time.monotonic_ns() + timeout_ns
        while True:
            if isinstance(operation, Wait):
                waker = waker or LoopWaker()
                operation = flow.send(await waker.wait(operation, deadline_ns))
                continue
            try:
                result = await (
                    _run_together_async(operation, store, deadline_ns, timeout_ns, breaker)
                    if isinstance(operation, Together)
                    else store.send_async(operation, deadline_ns)
                )
            except StoreError as error:
                counted = _count_error(error, breaker, counted)
                operation = flow.throw(error)
            else:
                if breaker.outages:
                    _count_answer(operation, breaker)
                operation = flow.send(result)
    except StopIteration as done:
        return done.value  # type: ignore[no-any-return]  # a generator's T, lost by StopIteration
    finally:
        flow.close()


async def run_uncancelled(
    flow: JointFlow[T], store: Store, timeout_ns: int, breaker: Breaker, *, decides: bool = False
) -> T:
    """``run_async`` of what was done already and has to be told.

    Where the task is cancelled, it goes on in the background.
    """
    return await uncancelled(
        run_async(flow, store, timeout_ns, breaker, decides=decides), waits=not store.in_process
    )


async def uncancelled(doing: Coroutine[Any, Any, T], *, waits: bool) -> T:
    """Await what goes on in the background where the task is cancelled.

    Args:
        doing: what is to be done.
        waits: whether it waits for anything. If not, nothing cancels it, under trio either.
    """
    if not waits:
        return await doing
    from ddbwire.concurrency.event_loop import uncancelled

    return await uncancelled(doing)


def _prepare(
    flow: JointFlow[Any], operation: AnyOperation, store: Store, breaker: Breaker
) -> tuple[AnyOperation, bool]:
    """Prepare the store. Returns: the flow's operation, and whether an outage was counted."""
    try:
        store.prepare()
    except StoreUnavailable as outage:
        counted = breaker.failed(outage)
        return flow.throw(outage), counted
    return operation, False


async def _outage_of_preparing_async(store: Store) -> StoreUnavailable | None:
    # Not thrown into the flow here: the StopIteration of its end can't leave a coroutine.
    try:
        await store.prepare_async()
    except StoreUnavailable as outage:
        return outage
    return None


def _run_together(
    together: Together, store: Store, deadline_ns: int, timeout_ns: int, breaker: Breaker
) -> list[object]:
    flows = SideBySide(together.flows)
    try:
        store.send_all(flows.sequences, _deadline_of(together, deadline_ns, timeout_ns))
    finally:
        flows.close()
    flows.count(breaker)
    return flows.outcomes


async def _run_together_async(
    together: Together, store: Store, deadline_ns: int, timeout_ns: int, breaker: Breaker
) -> list[object]:
    flows = SideBySide(together.flows)
    try:
        until_ns = _deadline_of(together, deadline_ns, timeout_ns)
        await store.send_all_async(flows.sequences, until_ns)
    finally:
        flows.close()
    flows.count(breaker)
    return flows.outcomes


def _deadline_of(together: Together, deadline_ns: int, timeout_ns: int) -> int:
    return deadline_ns - timeout_ns // 4 if together.leaves_time else deadline_ns


def _raise_not_asked(flow: JointFlow[Any], breaker: Breaker) -> NoReturn:
    """Raise an outage for each operation of the flow, until that ends with an exception."""
    while True:
        flow.throw(breaker.not_asked())


def _count_error(error: StoreError, breaker: Breaker, counted: bool) -> bool:
    """Count an outage, once for each flow. Returns: whether one is counted."""
    if isinstance(error, StoreUnavailable):
        return counted or breaker.failed(error)
    breaker.answered()
    return counted


def _count_answer(operation: Operation | Together, breaker: Breaker) -> None:
    """Count an answer, unless it may be this process's clock, or was counted already."""
    if not isinstance(operation, ReadClock | Together):
        breaker.answered()
