"""Drivers for what may have to be awaited: users' functions, plain or coroutine functions.

A flow yields what a function returned where that is an awaitable, and is sent its result. Blocking
callers can't await, and raise TypeError. It yields an OnStore where the store has to be asked for
limits first.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator
from typing import Any, NamedTuple, TypeVar

from ratelimit_ddb.operations.operation import Flow

T = TypeVar("T")


class OnStore(NamedTuple):
    """A flow to be run on the store, whose result is sent."""

    flow: Flow[Any]


AwaitableFlow = Generator[Awaitable[Any] | OnStore, Any, T]
RunOnStore = Callable[[Flow[Any]], Any]


def maybe_await(found: Any) -> AwaitableFlow[Any]:
    """``found``, or its result where it is an awaitable."""
    return (yield found) if isinstance(found, Awaitable) else found


def resolve(flow: AwaitableFlow[T], run_on_store: RunOnStore | None = None) -> T:
    """Run a flow that awaits nothing.

    Args:
        flow: what to run.
        run_on_store: what runs its flows on the store; None where it has none.

    Raises:
        TypeError: it awaits something.
    """
    try:
        yielded = next(flow)
        while isinstance(yielded, OnStore) and run_on_store is not None:
            yielded = flow.send(run_on_store(yielded.flow))
    except StopIteration as done:
        return done.value  # type: ignore[no-any-return]  # a generator's T, lost by StopIteration
    flow.close()
    close = getattr(yielded, "close", None)
    if close is not None:
        close()  # a coroutine that nobody awaits would warn of it
    raise TypeError(f"{yielded!r}: a rule's function returned this, and nothing awaits it here")


async def resolve_async(
    flow: AwaitableFlow[T], run_on_store: Callable[[Flow[Any]], Awaitable[Any]] | None = None
) -> T:
    """Run a flow, awaiting what it yields; see ``resolve``."""
    try:
        yielded = next(flow)
        while True:
            if not isinstance(yielded, OnStore):
                result = await yielded
            elif run_on_store is not None:
                result = await run_on_store(yielded.flow)
            else:
                raise TypeError(f"{yielded!r}: there is no store to ask here")
            yielded = flow.send(result)
    except StopIteration as done:
        return done.value  # type: ignore[no-any-return]  # a generator's T, lost by StopIteration
    finally:
        flow.close()
