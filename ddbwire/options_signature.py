"""Signatures that show the options which a function takes as ``**options``.

A function that says ``**options: Unpack[SomeOptions]`` tells type checkers and editors what it
takes, but ``help()`` shows ``**options``, and nobody the defaults. Here, since
both packages need it.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])


def shows_options(options: type, defaults: Mapping[str, Any]) -> Callable[[F], F]:
    """Write options into a function's signature, in the place of ``**options``.

    Args:
        options: a TypedDict.
        defaults: what each of its keys is unless given.
    """

    def shown(function: F) -> F:
        signature = inspect.signature(function)
        own = [one for one in signature.parameters.values() if one.kind is not one.VAR_KEYWORD]
        more = [
            inspect.Parameter(
                name,
                inspect.Parameter.KEYWORD_ONLY,
                default=defaults[name],
                annotation=getattr(hint, "__forward_arg__", hint),
            )
            for name, hint in options.__annotations__.items()
        ]
        shown_as = signature.replace(parameters=[*own, *more])
        function.__signature__ = shown_as  # type: ignore[attr-defined]  # inspect's own protocol
        return function

    return shown
