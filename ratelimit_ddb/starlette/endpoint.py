"""What ``@limited`` accepts as an endpoint of Starlette."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, NoReturn

from ratelimit_ddb.decorator.function_name import name_of
from ratelimit_ddb.web.gate.view import require_view

_IN_FASTAPI = (
    "a path operation of FastAPI takes dependencies=[Depends(ratelimit_ddb.fastapi.RateLimit(...))]"
)
_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


def require_endpoint(endpoint: Any) -> None:
    """Refuse what is no endpoint of Starlette.

    Raises:
        TypeError: it is a class or an ASGI application, or can't be called with a request.
    """
    require_view(endpoint, of_a_class="limit its methods get, post and so on")
    if _is_app(endpoint):
        raise TypeError(
            f"@limited on {endpoint!r}: it is an ASGI application; put RateLimitMiddleware before "
            "it"
        )
    parameters = inspect.signature(endpoint).parameters.values()
    if not any(one.kind in (*_POSITIONAL, inspect.Parameter.VAR_POSITIONAL) for one in parameters):
        raise TypeError(
            f"@limited on {name_of(endpoint)}: it has no parameter for Starlette's request or "
            f"websocket; {_IN_FASTAPI}"
        )


def _is_app(endpoint: Any) -> bool:
    """Whether Starlette takes an object for an ASGI application, by its parameters."""
    if inspect.isroutine(endpoint) or isinstance(endpoint, functools.partial):
        return False
    return len(inspect.signature(endpoint).parameters) == len(("scope", "receive", "send"))


class _PathOperation:
    """The annotation of a limited endpoint's request.

    Starlette does not read it. FastAPI does when it registers a path operation, and has Pydantic
    make a field of it, which reports the mistake.
    """

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: object, _handler: object) -> NoReturn:
        raise TypeError(
            f"ratelimit_ddb.starlette.limited is for Starlette's endpoints; {_IN_FASTAPI}"
        )


def refuse_as_path_operation(endpoint: Callable[..., Any]) -> None:
    """Have FastAPI refuse a limited endpoint as a path operation."""
    signature = inspect.signature(endpoint)
    parameters = [
        one.replace(annotation=_PathOperation) if one.kind in _POSITIONAL else one
        for one in signature.parameters.values()
    ]
    shown = signature.replace(parameters=parameters)
    endpoint.__signature__ = shown  # type: ignore[attr-defined]  # inspect's own protocol
