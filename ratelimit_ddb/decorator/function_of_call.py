"""``key=`` and ``cost=`` of ``@rate_limited``, where they are functions of the call's arguments."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

FunctionOfCall = Callable[..., Any]
"""A function of the call's arguments. Its parameters name those that it is called with. If one of
them is no parameter of the decorated function, it is called with all arguments, as they are given.
"""


FunctionOfArguments = Callable[[tuple[Any, ...], dict[str, Any]], Any]
"""A function of a call's positional and keyword arguments."""


def function_of_call(function: Callable[..., Any], wanted: Any) -> FunctionOfArguments:
    """``wanted`` as a function of (args, kwargs); a constant is returned for every call."""
    if not callable(wanted):
        return lambda _args, _kwargs: wanted
    signature = _signature_of(function)
    names = _parameters_of(wanted)
    if signature is None or names is None or not set(names) <= set(signature.parameters):
        return lambda args, kwargs: wanted(*args, **kwargs)

    def by_name(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        bound = signature.bind(*args, **kwargs)
        bound.apply_defaults()
        return wanted(**{name: bound.arguments[name] for name in names})

    return by_name


def _parameters_of(wanted: Callable[..., Any]) -> tuple[str, ...] | None:
    """The names of its parameters; None for a built-in without a signature, or with ``*args``."""
    signature = _signature_of(wanted)
    if signature is None:
        return None
    parameters = signature.parameters.values()
    by_name = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    if not all(parameter.kind in by_name for parameter in parameters):
        return None
    return tuple(parameter.name for parameter in parameters)


def _signature_of(function: Callable[..., Any]) -> inspect.Signature | None:
    try:
        return inspect.signature(function)
    except ValueError:  # a built-in's may not be known
        return None
