"""``key=`` and ``cost=`` of ``@rate_limited``, where they are functions of the call's arguments."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Container
from typing import Any

FunctionOfCall = Callable[..., Any]
"""A function of the call's arguments. Its parameters name those that it is called with; others that
have a default keep it. If one without a default, or all, are no parameters of the decorated
function, it is called with all arguments, as they are given.
"""


FunctionOfArguments = Callable[[tuple[Any, ...], dict[str, Any]], Any]
"""A function of a call's positional and keyword arguments."""


def function_of_call(function: Callable[..., Any], wanted: Any) -> FunctionOfArguments:
    """``wanted`` as a function of (args, kwargs); a constant is returned for every call."""
    if not callable(wanted):
        return lambda _args, _kwargs: wanted
    signature = _signature_of(function)
    names = None if signature is None else _names_of(wanted, signature.parameters)
    if signature is None or names is None:
        return lambda args, kwargs: wanted(*args, **kwargs)

    def by_name(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        bound = signature.bind(*args, **kwargs)
        bound.apply_defaults()
        return wanted(**{name: bound.arguments[name] for name in names})

    return by_name


def _names_of(wanted: Callable[..., Any], known: Container[str]) -> tuple[str, ...] | None:
    """The arguments that it names, of these; None if it wants all, as they are given."""
    signature = _signature_of(wanted)
    if signature is None:
        return None
    parameters = signature.parameters.values()
    by_name = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    if not all(parameter.kind in by_name for parameter in parameters):
        return None
    names = tuple(parameter.name for parameter in parameters if parameter.name in known)
    has_all = all(one.name in known or one.default is not one.empty for one in parameters)
    return names if has_all and bool(names) == bool(parameters) else None


def _signature_of(function: Callable[..., Any]) -> inspect.Signature | None:
    try:
        return inspect.signature(function)
    except ValueError:  # a built-in's may not be known
        return None
