"""The two drivers, blocking and asyncio: they send what a flow yields to a store."""

from __future__ import annotations

import time

from ratelimit_ddb.errors import StoreUnavailable
from ratelimit_ddb.operations.operation import JointFlow, T, Together
from ratelimit_ddb.operations.store import Store
from ratelimit_ddb.operations.together import SideBySide


def run(flow: JointFlow[T], store: Store, timeout_ns: int) -> T:
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
                if isinstance(operation, Together):
                    result = _run_together(operation, store, deadline_ns, timeout_ns)
                else:
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


async def run_async(flow: JointFlow[T], store: Store, timeout_ns: int) -> T:
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
                if isinstance(operation, Together):
                    result = await _run_together_async(operation, store, deadline_ns, timeout_ns)
                else:
                    result = await store.send_async(operation, deadline_ns)
            except StoreUnavailable as outage:
                operation = flow.throw(outage)
            else:
                operation = flow.send(result)
    except StopIteration as done:
        return done.value  # type: ignore[no-any-return]  # a generator's T, lost by StopIteration
    finally:
        flow.close()


def _run_together(
    together: Together, store: Store, deadline_ns: int, timeout_ns: int
) -> list[object]:
    flows = SideBySide(together.flows)
    try:
        store.send_all(flows.sequences, _deadline_of(together, deadline_ns, timeout_ns))
    finally:
        flows.close()
    return flows.outcomes


async def _run_together_async(
    together: Together, store: Store, deadline_ns: int, timeout_ns: int
) -> list[object]:
    flows = SideBySide(together.flows)
    try:
        until_ns = _deadline_of(together, deadline_ns, timeout_ns)
        await store.send_all_async(flows.sequences, until_ns)
    finally:
        flows.close()
    return flows.outcomes


def _deadline_of(together: Together, deadline_ns: int, timeout_ns: int) -> int:
    return deadline_ns - timeout_ns // 4 if together.leaves_time else deadline_ns
