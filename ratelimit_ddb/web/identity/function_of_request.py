"""Checks of a rule's functions, each of which is called with the Request alone.

A function with other parameters would fail at the first request, and one that makes identities
(``by=header`` instead of ``by=header("x-api-key")``) would return a function for a key. Both are
refused when the rule is made.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])

_CALLED_AS = "_called_as"
_OF_IDENTITIES = ("by", "otherwise")
"""The options that are identities."""


def makes_identities(called_as: str) -> Callable[[F], F]:
    """Mark a function that makes identities and is no identity itself.

    Args:
        called_as: an example of its call, for the message: ``'header("x-api-key")'``.
    """

    def mark(function: F) -> F:
        setattr(function, _CALLED_AS, called_as)
        return function

    return mark


def require_function_of_request(what: str, function: object, *, argument: str = "request") -> None:
    """Check that an option's value can be called with a Request.

    Args:
        what: the option.
        function: its value.
        argument: what it is called with, if that is not the request.

    Raises:
        TypeError: it is no function, or a class; it can't be called with one argument; or it makes
            identities.
    """
    if not callable(function):
        example = ', such as header("x-api-key")' if what in _OF_IDENTITIES else ""
        raise TypeError(f"{what} {function!r}: must be a function of the {argument}{example}")
    called: Callable[..., Any] = function
    while isinstance(called, functools.partial):
        called = called.func
    called_as = getattr(called, _CALLED_AS, None)
    if isinstance(called_as, str):
        name = getattr(called, "__name__", repr(called))
        if what not in _OF_IDENTITIES:
            raise TypeError(f"{what}={name}: it makes identities, which are for by=")
        raise TypeError(f"{what}={name}: call it: {what}={called_as}")
    if isinstance(called, type):
        raise TypeError(
            f"{what} {called!r}: must be a function of the {argument}, not a class; give an "
            "instance that can be called, or a function"
        )
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return  # a built-in without a signature
    try:
        signature.bind(None)
    except TypeError as error:
        raise TypeError(
            f"{what} {function!r}: must be a function of one argument, the {argument}: {error}"
        ) from None
