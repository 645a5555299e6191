"""Whether a call returns a coroutine, found before the call.

A plain function that wraps a coroutine function (``functools.wraps``) may return its coroutine, as
most decorators do, or run it to its end, as a command's wrapper does with ``asyncio.run``. Only the
call shows which, so there are three answers.
"""

from __future__ import annotations

import enum
import functools
import inspect
import sys
from collections.abc import Callable
from typing import Any


class ReturnKind(enum.Enum):
    """What a call of a function returns."""

    VALUE = "a value"
    COROUTINE = "a coroutine"
    EITHER = "a coroutine or a value: it wraps a coroutine function"


def return_kind(function: Callable[..., Any]) -> ReturnKind:
    """What a call of a function returns, by the function and by those that it calls.

    A partial, a bound method and an object with ``__call__`` certainly call the function that they
    are made of; a function with a ``__wrapped__`` may call that one.
    """
    if _is_coroutine_function(function):
        return ReturnKind.COROUTINE
    if isinstance(function, functools.partial):
        return return_kind(function.func)
    if inspect.ismethod(function):
        return return_kind(function.__func__)
    if not inspect.isroutine(function):
        found = return_kind(type(function).__call__)
        if found is not ReturnKind.VALUE:
            return found
    wrapped = getattr(function, "__wrapped__", None)
    if wrapped is None or return_kind(wrapped) is ReturnKind.VALUE:
        return ReturnKind.VALUE
    return ReturnKind.EITHER


def is_async_generator_function(function: Callable[..., Any]) -> bool:
    """Whether a function, or one that it is made of or wraps, is an async generator function.

    A coroutine function is none, whatever it wraps: it can only iterate that.
    """
    if inspect.isasyncgenfunction(function):
        return True
    if _is_coroutine_function(function):
        return False
    if not inspect.isroutine(function) and inspect.isasyncgenfunction(type(function).__call__):
        return True
    inner = function.func if isinstance(function, functools.partial) else function
    wrapped = getattr(inner, "__wrapped__", inner)
    return wrapped is not function and is_async_generator_function(wrapped)


def _is_coroutine_function(function: Callable[..., Any]) -> bool:
    if inspect.iscoroutinefunction(function):
        return True
    if sys.version_info >= (3, 12):
        return False  # inspect sees the mark of ``inspect.markcoroutinefunction``
    # Before, the mark was asyncio's (asgiref and mocks set it), and needs asyncio to be there.
    coroutines = sys.modules.get("asyncio.coroutines")
    return coroutines is not None and bool(coroutines.iscoroutinefunction(function))
