"""Drivers for what may have to be awaited: users' functions, plain or coroutine functions.

A flow yields what a function returned where that is an awaitable, and is sent its result. Blocking
callers can't await, and raise TypeError.
"""

from __future__ import annotations

from collections.abc import Awaitable, Generator
from typing import Any, TypeVar

T = TypeVar("T")

AwaitableFlow = Generator[Awaitable[Any], Any, T]


def maybe_await(found: Any) -> AwaitableFlow[Any]:
    """``found``, or its result where it is an awaitable."""
    return (yield found) if isinstance(found, Awaitable) else found


def resolve(flow: AwaitableFlow[T]) -> T:
    """Run a flow that awaits nothing.

    Raises:
        TypeError: it does.
    """
    try:
        awaitable = next(flow)
    except StopIteration as done:
        return done.value  # type: ignore[no-any-return]  # a generator's T, lost by StopIteration
    flow.close()
    if hasattr(awaitable, "close"):
        awaitable.close()  # a coroutine that nobody awaits would warn of it
    raise TypeError(f"{awaitable!r}: a rule's function returned this, and nothing awaits it here")


async def resolve_async(flow: AwaitableFlow[T]) -> T:
    """Run a flow, awaiting what it yields."""
    try:
        awaitable = next(flow)
        while True:
            awaitable = flow.send(await awaitable)
    except StopIteration as done:
        return done.value  # type: ignore[no-any-return]  # a generator's T, lost by StopIteration
    finally:
        flow.close()
