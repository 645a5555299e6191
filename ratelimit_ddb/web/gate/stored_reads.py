"""Reading stored limits before a request is decided, within the request's own deadline."""

from __future__ import annotations

from collections.abc import Awaitable, Generator
from time import monotonic_ns
from typing import Any, NamedTuple, TypeVar

from ratelimit_ddb.operations.breaker import Breaker
from ratelimit_ddb.operations.operation import Flow
from ratelimit_ddb.operations.steps import OnStore
from ratelimit_ddb.operations.store import Store
from ratelimit_ddb.web.gate.awaitables import AwaitableFlow

T = TypeVar("T")


class StoredRead(NamedTuple):
    """A flow that reads stored limits, whose result is sent."""

    flow: Flow[Any]


ReadingFlow = Generator[Awaitable[Any] | OnStore | StoredRead, Any, T]
"""A flow that may have to read stored limits."""


def reading_within(
    timeout_ns: int, flow: ReadingFlow[T], store: Store, breaker: Breaker
) -> AwaitableFlow[tuple[T, int]]:
    """Run the reads of a flow on the store, each within half of the time that is left.

    Returns:
        what the flow returns, and the time that is left of the request's deadline.
    """
    left_ns = timeout_ns
    try:
        step = next(flow)
        while True:
            if isinstance(step, StoredRead):
                started_ns = monotonic_ns()
                result = yield OnStore(step.flow, store, left_ns // 2, breaker)
                left_ns = max(1, left_ns - (monotonic_ns() - started_ns))
            else:
                result = yield step
            step = flow.send(result)
    except StopIteration as done:
        return done.value, left_ns
    finally:
        flow.close()
