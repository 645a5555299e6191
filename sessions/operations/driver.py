"""The two drivers, blocking and asyncio: they send what a flow yields to a store."""

from __future__ import annotations

import time

from sessions.operations.operation import Flow, T
from sessions.operations.store import Store


def run(flow: Flow[T], store: Store, seconds: float) -> T:
    """Run a flow to its end, blocking, within a deadline. What the store raises ends it."""
    try:
        operation = next(flow)
        store.prepare()
        deadline_ns = time.monotonic_ns() + round(seconds * 1e9)
        while True:
            operation = flow.send(store.send(operation, deadline_ns))
    except StopIteration as done:
        return done.value  # type: ignore[no-any-return]  # a generator's T, lost by StopIteration
    finally:
        flow.close()


async def run_async(flow: Flow[T], store: Store, seconds: float) -> T:
    """Run a flow to its end in an event loop. What the store raises ends it."""
    try:
        operation = next(flow)
        await store.prepare_async()
        deadline_ns = time.monotonic_ns() + round(seconds * 1e9)
        while True:
            operation = flow.send(await store.send_async(operation, deadline_ns))
    except StopIteration as done:
        return done.value  # type: ignore[no-any-return]  # a generator's T, lost by StopIteration
    finally:
        flow.close()
