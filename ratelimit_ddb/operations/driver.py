"""The two drivers, blocking and asyncio: they send what a flow yields to a store."""

from __future__ import annotations

import time

from ratelimit_ddb.errors import StoreUnavailable
from ratelimit_ddb.operations.operation import Flow, T
from ratelimit_ddb.operations.store import Store


def run(flow: Flow[T], store: Store, timeout_ns: int) -> T:
    """Run a flow to its end, blocking, within ``timeout_ns``; preparing the store does not count.

    An outage is raised in the flow; all else ends it.
    """
    try:
        operation = next(flow)
        try:
            if not store.ready:
                store.prepare()
        except StoreUnavailable as outage:
            operation = flow.throw(outage)
        deadline_ns = time.monotonic_ns() + timeout_ns
        while True:
            try:
                result = store.send(operation, deadline_ns)
            except StoreUnavailable as outage:
                operation = flow.throw(outage)
            else:
                operation = flow.send(result)
    except StopIteration as done:
        return done.value  # type: ignore[no-any-return]  # a generator's T, lost by StopIteration
    finally:
        # Now, for a traceback may keep the flow, and with it what it does in the end, from ending.
        flow.close()


async def run_async(flow: Flow[T], store: Store, timeout_ns: int) -> T:
    """The same in an event loop."""
    try:
        operation = next(flow)
        try:
            if not store.ready:
                await store.prepare_async()
        except StoreUnavailable as outage:
            operation = flow.throw(outage)
        deadline_ns = time.monotonic_ns() + timeout_ns
        while True:
            try:
                result = await store.send_async(operation, deadline_ns)
            except StoreUnavailable as outage:
                operation = flow.throw(outage)
            else:
                operation = flow.send(result)
    except StopIteration as done:
        return done.value  # type: ignore[no-any-return]  # a generator's T, lost by StopIteration
    finally:
        flow.close()
