"""What a decorator can be put on: a function, or an object that is called as one."""

from __future__ import annotations

import functools
import inspect

_PUT_ABOVE = (staticmethod, classmethod, property, functools.cached_property)
_MADE_OF_FUNCTIONS = (functools.partialmethod, functools.singledispatchmethod)


def require_decorable(decorator: str, function: object) -> None:
    """Check what a decorator is put on.

    Args:
        decorator: the decorator, for the message.
        function: what it is put on.

    Raises:
        TypeError: it is a class, or nothing that is called as a function.
    """
    if isinstance(function, _PUT_ABOVE):
        kind = type(function).__name__
        raise TypeError(f"{decorator} on {function!r}: put it below @{kind}")
    if isinstance(function, _MADE_OF_FUNCTIONS):
        raise TypeError(f"{decorator} on {function!r}: decorate each function that it calls")
    if inspect.isclass(function):
        raise TypeError(
            f"{decorator} on the class {function.__qualname__}, which would no longer be one: "
            "decorate its method, or a function that makes its objects"
        )
    if not callable(function):
        raise TypeError(f"{decorator} on {function!r}: must be a function")
