"""Signatures that show the options of a function that takes ``**options``.

Type checkers and editors know the options of ``**options: Unpack[SomeOptions]``, but ``help()``
shows only ``**options``, and nothing shows the defaults. Both packages use it.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])


def shows_options(options: type, defaults: Mapping[str, Any]) -> Callable[[F], F]:
    """Decorate a function: its signature shows the options instead of ``**options``.

    Args:
        options: a TypedDict.
        defaults: the default of each key.
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
