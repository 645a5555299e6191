"""Drivers of a gate's flows: for blocking callers, and for an event loop.

A flow yields what a user's function returned where that is an awaitable, and is sent its result.
Blocking callers can't await, and raise TypeError. It yields an OnStore where a store has something
to do, and is sent what that gives.
"""

from __future__ import annotations

from collections.abc import Awaitable, Generator
from typing import Any, NamedTuple, TypeVar

from ratelimit_ddb.operations.breaker import Breaker
from ratelimit_ddb.operations.driver import run, run_async
from ratelimit_ddb.operations.operation import JointFlow
from ratelimit_ddb.operations.store import Store

T = TypeVar("T")


class OnStore(NamedTuple):
    """A flow of operations, to be run on a store.

    Attributes:
        flow: the operations.
        store: what to send them to.
        timeout_ns: for how long.
        breaker: whether the store is asked at all.
    """

    flow: JointFlow[Any]
    store: Store
    timeout_ns: int
    breaker: Breaker


AwaitableFlow = Generator[Awaitable[Any] | OnStore, Any, T]


def maybe_await(found: Any) -> AwaitableFlow[Any]:
    """``found``, or its result where it is an awaitable."""
    return (yield found) if isinstance(found, Awaitable) else found


def maybe_await_bool(what: str, found: Any) -> AwaitableFlow[bool]:
    """Whether a rule's function gave something true.

    Args:
        what: the rule and its option, for the message.
        found: what the function returned.

    Raises:
        TypeError: it gave a function, which would be true of every request.
    """
    given = yield from maybe_await(found)
    if callable(given):
        raise TypeError(
            f"{what} gave {given!r}: must be True or False; call what makes the function when the "
            "rule is made"
        )
    return bool(given)


def resolve(flow: AwaitableFlow[T]) -> T:
    """Run a flow, blocking.

    Raises:
        TypeError: it awaits something.
    """
    try:
        step = next(flow)
        while isinstance(step, OnStore):
            result = run(step.flow, step.store, step.timeout_ns, step.breaker, decides=True)
            step = flow.send(result)
    except StopIteration as done:
        return done.value  # type: ignore[no-any-return]  # a generator's T, lost by StopIteration
    finally:
        flow.close()
    close = getattr(step, "close", None)
    if close is not None:
        close()  # a coroutine that nobody awaits would warn of it
    raise TypeError(f"{step!r}: a rule's function returned this, and nothing awaits it here")


async def resolve_async(flow: AwaitableFlow[T]) -> T:
    """Run a flow in an event loop, awaiting what it yields; see ``resolve``."""
    try:
        step = next(flow)
        while True:
            result = await (
                run_async(step.flow, step.store, step.timeout_ns, step.breaker, decides=True)
                if isinstance(step, OnStore)
                else step
            )
            step = flow.send(result)
    except StopIteration as done:
        return done.value  # type: ignore[no-any-return]  # a generator's T, lost by StopIteration
    finally:
        flow.close()
