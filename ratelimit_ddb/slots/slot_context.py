"""What ``slot`` of a concurrency limiter returns: for one ``with``, or to decorate a function.

As a decorator it holds a slot while the function runs. A generator, a context manager that is made
of one, or a coroutine function on the blocking limiter, would run after the slot was released. So
it is refused when it is decorated or, if only the call shows what it returns, at the call.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Awaitable, Callable, Coroutine
from types import TracebackType
from typing import Any, ParamSpec, TypeVar

from ratelimit_ddb.decorator.coroutine import (
    ReturnKind,
    is_async_generator_function,
    return_kind,
)
from ratelimit_ddb.decorator.decorable import require_decorable
from ratelimit_ddb.once import Once
from ratelimit_ddb.slots.slot import AsyncSlot, Slot

P = ParamSpec("P")
R = TypeVar("R")


class SlotContext:
    """``with limiter.slot(key):``, or ``@limiter.slot(key)`` on a plain function.

    Args:
        acquire: tries to take a slot.
    """

    __slots__ = ("_acquire", "_entry", "_slot")

    def __init__(self, acquire: Callable[[], Slot]) -> None:
        self._acquire = acquire
        self._entry = Once()
        self._slot: Slot | None = None

    def __enter__(self) -> Slot:
        """The slot.

        Raises:
            RateLimited: there was none.
            RuntimeError: it was entered before.
        """
        _require_first(self._entry)
        self._slot = self._acquire()
        return self._slot.__enter__()

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        if self._slot is not None:
            self._slot.release()

    def __call__(self, function: Callable[P, R]) -> Callable[P, R]:
        """The function, whose every call holds a slot, or raises RateLimited without running.

        Raises:
            TypeError: it is a coroutine function, a generator function, or not a function; at the
                call, it returned a coroutine or a generator.
        """
        _require_function(function)
        if return_kind(function) is ReturnKind.COROUTINE:
            raise TypeError(
                f"slot() on {function!r}: a coroutine function would run after its slot was "
                "released; use an AsyncConcurrencyLimiter"
            )

        @functools.wraps(function)
        def held(*args: P.args, **kwargs: P.kwargs) -> R:
            with self._acquire():
                returned = function(*args, **kwargs)
            if inspect.iscoroutine(returned):
                returned.close()
                raise TypeError(
                    f"slot() on {function!r}: it returned a coroutine, which would run after its "
                    "slot was released; use an AsyncConcurrencyLimiter"
                )
            _refuse_generator(function, returned)
            return returned

        return held


class AsyncSlotContext:
    """``async with limiter.slot(key):``, or ``@limiter.slot(key)`` on a coroutine function.

    Args:
        acquire: tries to take a slot.
    """

    __slots__ = ("_acquire", "_entry", "_slot")

    def __init__(self, acquire: Callable[[], Coroutine[Any, Any, AsyncSlot]]) -> None:
        self._acquire = acquire
        self._entry = Once()
        self._slot: AsyncSlot | None = None

    async def __aenter__(self) -> AsyncSlot:
        """The slot. Raises as ``SlotContext.__enter__`` does."""
        _require_first(self._entry)
        self._slot = await self._acquire()
        return await self._slot.__aenter__()

    async def __aexit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        if self._slot is not None:
            await self._slot.release()

    def __call__(self, function: Callable[P, Awaitable[R]]) -> Callable[P, Coroutine[Any, Any, R]]:
        """The function, whose every call holds a slot, or raises RateLimited without running.

        Raises:
            TypeError: it is not a coroutine function; at the call, it returned a generator.
        """
        _require_function(function)
        if return_kind(function) is ReturnKind.VALUE:
            raise TypeError(
                f"slot() on {function!r}: must be a coroutine function; for plain functions, use "
                "a ConcurrencyLimiter"
            )

        @functools.wraps(function)
        async def held(*args: P.args, **kwargs: P.kwargs) -> R:
            async with await self._acquire():
                returned = await function(*args, **kwargs)
            _refuse_generator(function, returned)
            return returned

        return held


def _require_first(entry: Once) -> None:
    # Before the slot is there: a second task could enter meanwhile, and release the first one's.
    if not entry.begin():
        raise RuntimeError("this slot() was entered before: call it anew for each `with`")


def _require_function(function: Callable[..., Any]) -> None:
    require_decorable("slot()", function)
    if inspect.isgeneratorfunction(function) or is_async_generator_function(function):
        raise TypeError(
            f"slot() on {function!r}: a generator would run after its slot was released; take the "
            "slot inside it, by `with`"
        )


def _refuse_generator(function: Callable[..., Any], returned: object) -> None:
    # contextlib's context managers have the generator that they were made of.
    runs_later = getattr(returned, "gen", returned)
    if inspect.isgenerator(runs_later) or inspect.isasyncgen(runs_later):
        raise TypeError(
            f"slot() on {function!r}: it returned {returned!r}, which would run after its slot was "
            "released; take the slot inside the generator, by `with`"
        )
