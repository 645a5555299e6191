"""``key=`` and ``cost=`` of ``@rate_limited``, where they are functions of the call's arguments."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Container
from typing import Any

from ratelimit_ddb.decorator.function_name import name_of

FunctionOfCall = Callable[..., Any]
"""A function of the call's arguments. Its parameters name those that it is called with; others that
have a default keep it. If one without a default, or all, are no parameters of the decorated
function, it is called with all arguments, as they are given.
"""


_VARIABLE = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)

FunctionOfArguments = Callable[[tuple[Any, ...], dict[str, Any]], Any]
"""A function of a call's positional and keyword arguments."""


def function_of_call(function: Callable[..., Any], option: str, wanted: Any) -> FunctionOfArguments:
    """``wanted`` as a function of (args, kwargs); a constant is returned for every call.

    Args:
        function: the decorated function. It may be a wrapper that another decorator made, which
            passes other arguments on than it is called with.
        option: what ``wanted`` was given as, ``"key"`` or ``"cost"``.
        wanted: the constant or the function.

    Raises:
        TypeError: it names an argument that the wrapper gives; if only a call shows that, what is
            returned raises it.
    """
    if not callable(wanted):
        return lambda _args, _kwargs: wanted
    signature = _signature_of(function)
    names = None if signature is None else _names_of(wanted, signature.parameters)
    if signature is None or names is None:
        return lambda args, kwargs: wanted(*args, **kwargs)
    # That of functools.cache is not known, which passes on what it is called with.
    own = _signature_of(function, follow_wrapped=False) or signature
    if not any(parameter.kind in _VARIABLE for parameter in own.parameters.values()):
        signature = own
    _require_given(option, wanted, names, signature.parameters)

    def by_name(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        try:
            given = _given(signature, args, kwargs, is_certain=signature == own)
        except TypeError as error:
            raise TypeError(f"{name_of(function)}() {error}") from None
        _require_given(option, wanted, names, given)
        return wanted(**{name: given[name] for name in names})

    return by_name


def _given(
    signature: inspect.Signature,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    *,
    is_certain: bool,
) -> dict[str, Any]:
    """The arguments of a call by name.

    Args:
        signature: of the function, or of what it wraps.
        args: the call's positional arguments.
        kwargs: those by name.
        is_certain: False for what it wraps: the wrapper may give arguments of its own, before or
            behind ``args``.
    """
    try:
        bound = signature.bind(*args, **kwargs)
    except TypeError:
        if is_certain:
            raise
    else:
        bound.apply_defaults()
        return bound.arguments
    if args:
        return kwargs
    parameters = signature.parameters.values()
    return {one.name: one.default for one in parameters if one.default is not one.empty} | kwargs


def _require_given(
    option: str, wanted: object, names: tuple[str, ...], given: Container[str]
) -> None:
    for name in names:
        if name not in given:
            raise TypeError(
                f"@rate_limited({option}={wanted!r}): it names {name!r}, and a decorator below "
                "gives arguments of its own, so that which one this is can't be told: put "
                f"@rate_limited below that decorator, pass {name} by name, or make the {option} a "
                "function of (*args, **kwargs)"
            )


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


def _signature_of(
    function: Callable[..., Any], *, follow_wrapped: bool = True
) -> inspect.Signature | None:
    try:
        return inspect.signature(function, follow_wrapped=follow_wrapped)
    except ValueError:  # a built-in's may not be known
        return None
