"""The name that a function's calls are counted under, and that no second function may have.

Two lambdas of a module have one name, and so have all functions that a factory makes: counted under
it, the calls of one would use up the other's limit without a word. So the second is refused, unless
it is the first once more, as after a reload or where a function is defined anew at each request:
the same code, which captures no variables.

Names are compared among the functions that count on one store object.
"""

from __future__ import annotations

import functools
import inspect
import threading
import weakref
from collections.abc import Callable
from types import CodeType
from typing import Any

_lock = threading.Lock()
_code_by_name: dict[int, dict[str, CodeType | None]] = {}
"""For each store, by its id: the functions' names, and their code where a function may come again.
By id, as a store need not be hashable."""
_never_gone: list[object] = []
"""Stores that can't be told the end of; their ids are never another's."""


def what_names(function: Callable[..., Any]) -> Any:
    """What a function is named after: a partial's function, the class of an object, or itself."""
    while isinstance(function, functools.partial):
        function = function.func
    return function if hasattr(function, "__qualname__") else type(function)


def name_of(function: Callable[..., Any]) -> str:
    """The module and qualified name of a function, or of what names it."""
    named = what_names(function)
    return f"{named.__module__}.{named.__qualname__}"


def claim(store: object, name: str, function: Callable[..., Any], way_out: str) -> None:
    """Take a name for a function.

    Args:
        store: where its calls are counted.
        name: the function's.
        function: whose it shall be.
        way_out: how users give another, for the message.

    Raises:
        ValueError: another function has it on that store.
    """
    code = _code_of(function)
    with _lock:
        names = _names_on(store)
        taken = name in names
        if not taken:
            names[name] = code
        elif code is not None and names[name] == code:
            return
    if taken:
        raise ValueError(
            f"a second function named {name!r} is limited on one store, where the two would share "
            f"their buckets: {way_out}"
        )


def _code_of(function: Callable[..., Any]) -> CodeType | None:
    """What is the same where a function is defined again; None if it is always another."""
    if not inspect.isfunction(function) or function.__closure__ is not None:
        return None
    code: CodeType = function.__code__
    return code


def _names_on(store: object) -> dict[str, CodeType | None]:
    names = _code_by_name.get(id(store))
    if names is None:
        names = _code_by_name[id(store)] = {}
        try:
            weakref.finalize(store, _code_by_name.pop, id(store), None).atexit = False
        except TypeError:  # it has slots, and none for that
            _never_gone.append(store)
    return names
