"""The two drivers, blocking and asyncio: they send the operations that a flow yields to a store."""

from __future__ import annotations

import time

from sessions.errors import StoreUnavailable
from sessions.operations.operation import Flow, T
from sessions.operations.store import Store


def run(flow: Flow[T], store: Store, seconds: float, *, for_each: bool = False) -> T:
    """Run a flow to its end, blocking, within a deadline.

    StoreUnavailable is raised in the flow, where it yielded; any other exception ends the flow.

    Args:
        flow: yields the operations.
        store: carries them out.
        seconds: how long all of them may take.
        for_each: whether each of them has that time, for flows of any number of operations.
    """
    try:
        operation = next(flow)
        try:
            store.prepare()
        except StoreUnavailable as outage:
            flow.throw(outage)
            raise  # no further operation can be done either
        deadline_ns = _after(seconds)
        while True:
            try:
                result = store.send(operation, deadline_ns)
            except StoreUnavailable as outage:
                operation = flow.throw(outage)
            else:
                operation = flow.send(result)
            if for_each:
                deadline_ns = _after(seconds)
    except StopIteration as done:
        return done.value  # type: ignore[no-any-return]  # a generator's T, lost by StopIteration
    finally:
        flow.close()


async def run_async(flow: Flow[T], store: Store, seconds: float, *, for_each: bool = False) -> T:
    """Run a flow to its end in an event loop; see ``run``."""
    try:
        operation = next(flow)
        try:
            await store.prepare_async()
        except StoreUnavailable as outage:
            flow.throw(outage)
            raise
        deadline_ns = _after(seconds)
        while True:
            try:
                result = await store.send_async(operation, deadline_ns)
            except StoreUnavailable as outage:
                operation = flow.throw(outage)
            else:
                operation = flow.send(result)
            if for_each:
                deadline_ns = _after(seconds)
    except StopIteration as done:
        return done.value  # type: ignore[no-any-return]  # a generator's T, lost by StopIteration
    finally:
        flow.close()


def _after(seconds: float) -> int:
    return time.monotonic_ns() + round(seconds * 1e9)
