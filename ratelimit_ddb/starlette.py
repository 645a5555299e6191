"""Rate limits in Starlette: the middleware with the application's routes, and limits on endpoints.

    rules = [Rule("/api/*", "100/minute", scope="endpoint")]
    gate = Middleware(RateLimitMiddleware, store=store, rules=rules, endpoint_of=route_of())
    app = Starlette(routes=routes, middleware=[gate])

    @limited("5/minute", store=store)
    async def send_code(request): ...

It takes Starlette 0.41 or later. FastAPI's own is ratelimit_ddb.fastapi.
"""

from __future__ import annotations

import copy
import functools
import inspect
from collections.abc import Callable
from typing import Any, TypeVar, Unpack, cast

from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.websockets import WebSocket, WebSocketState

from ratelimit_ddb.asgi import (
    App,
    RateLimitMiddleware,
    Receive,
    Scope,
    Send,
    encoded,
    telling,
)
from ratelimit_ddb.limit import LimitsGiven
from ratelimit_ddb.starlette_routes import Chosen, HasRoutes, endpoint_of
from ratelimit_ddb.web.answer import Answer, Fields
from ratelimit_ddb.web.gate import Gate
from ratelimit_ddb.web.request import Request, of_scope
from ratelimit_ddb.web.rule import LimitsOfRequest
from ratelimit_ddb.web.rulebook import EndpointOf
from ratelimit_ddb.web.verdict import Verdict
from ratelimit_ddb.web.view import ViewOptions, gate_of_view
from ratelimit_ddb.web.websocket import TRY_AGAIN_LATER, refuse_handshake

__all__ = ["RateLimitMiddleware", "limited", "route_of"]

Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])


def route_of(app: HasRoutes | None = None) -> EndpointOf:
    """For ``endpoint_of=``: the template of the route that will be chosen for a request.

    It is the path as the routes have it, those of mounts before it, without converters:
    ``"/api/users/{id}"``. What is mounted and has no routes, such as static files, is one endpoint:
    ``"/static/{path}"``. A path that no route fits has none. Hosts are not told apart.

    The routes are tried as Starlette tries them, at each request, so those that are added later are
    seen; it costs what Starlette's own choice does. Applications that mount FastAPI ones need the
    function of this name in ``ratelimit_ddb.fastapi``.

    Args:
        app: the application or router that the middleware stands before; unless given, the
            application whose ``middleware=`` it is among.

    Raises:
        TypeError: it has no routes.
        RuntimeError: at a request, ``app`` is needed, as the middleware is in no application.
    """
    return endpoint_of(app, iter)


def limited(
    limits: LimitsGiven | LimitsOfRequest, **options: Unpack[ViewOptions]
) -> Callable[[Endpoint], Endpoint]:
    """Let an endpoint be called only within limits.

    It is for functions, ``async def`` or ``def``, and for methods of HTTPEndpoint, whose first
    argument is the request; put it under whatever registers the endpoint. A denied request is
    answered in its place; otherwise its response is sent with the limits' fields. What an exception
    handler makes has no such fields; a rule of the middleware adds them there too.

    For a function of a WebSocket the handshake is limited, and no fields are sent. A ``def`` runs
    in Starlette's threads, where the store may block; its rule's functions can't be coroutine
    functions.

    Args:
        limits: as for Rule.
        options: ``store=``, and what else ``ratelimit_ddb.web.view.ViewOptions`` has. ``name``
            is the function's module and qualified name unless given.

    Raises:
        TypeError, ValueError: at decoration, something given can't hold.
    """

    def decorate(endpoint: Endpoint) -> Endpoint:
        if not inspect.isfunction(endpoint) and not inspect.ismethod(endpoint):
            raise TypeError(f"@limited on {endpoint!r}: a function is needed, the innermost one")
        name = f"{endpoint.__module__}.{endpoint.__qualname__}"
        awaited = inspect.iscoroutinefunction(endpoint)
        gate = gate_of_view(name, limits, options, blocking=not awaited)
        made = _limited_async(endpoint, gate) if awaited else _limited(endpoint, gate)
        return cast("Endpoint", made)

    return decorate


def _limited_async(endpoint: Callable[..., Any], gate: Gate) -> Callable[..., Any]:
    chosen = Chosen(iter)

    @functools.wraps(endpoint)
    async def limited(*args: Any, **kwargs: Any) -> Any:
        connection = _connection(endpoint, args)
        answer, fields, verdict = await gate.admit_async(_request(connection.scope, chosen))
        if isinstance(connection, WebSocket):
            if answer is None:
                return await endpoint(*args, **kwargs)
            return await _refuse(connection, answer, verdict)
        if answer is not None:
            return response_of(answer)
        return _with_fields(await endpoint(*args, **kwargs), fields)

    return limited


def _limited(endpoint: Callable[..., Any], gate: Gate) -> Callable[..., Any]:
    chosen = Chosen(iter)

    @functools.wraps(endpoint)
    def limited(*args: Any, **kwargs: Any) -> Any:
        connection = _connection(endpoint, args)
        answer, fields, _ = gate.admit(_request(connection.scope, chosen))
        if answer is not None:
            return response_of(answer)
        return _with_fields(endpoint(*args, **kwargs), fields)

    return limited


def _connection(endpoint: Callable[..., Any], args: tuple[Any, ...]) -> HTTPConnection:
    for given in args[:2]:  # the second, where the first is a method's own object
        if isinstance(given, HTTPConnection):
            return given
    raise TypeError(
        f"@limited on {endpoint.__qualname__}: it was called with {args!r}; its first argument "
        "has to be Starlette's request or websocket"
    )


def _request(scope: Scope, chosen: Chosen) -> Request:
    found = chosen.of(scope)
    return of_scope(scope)._replace(endpoint=found.template if found else None)


async def _refuse(websocket: WebSocket, answer: Answer, verdict: Verdict) -> None:
    if websocket.client_state is WebSocketState.CONNECTING:
        receive, send = websocket.receive, websocket.send
        await refuse_handshake(answer, verdict, websocket.scope, receive, send)
    else:
        await websocket.close(TRY_AGAIN_LATER)


def response_of(answer: Answer) -> Response:
    """An answer as Starlette sends it."""
    response = Response(answer.body, answer.status)
    response.raw_headers = encoded(answer.headers)
    return response


def _with_fields(response: Any, fields: Fields) -> Any:
    if not fields or response is None:
        return response
    if not isinstance(response, Response):
        return _adding(response, fields)
    # An endpoint may give the same response to all: each request needs fields of its own.
    told = copy.copy(response)
    told.raw_headers = [*response.raw_headers, *encoded(fields)]
    vars(told).pop("_headers", None)  # else the copy's ``headers`` would be the other's
    return told


def _adding(app: App, fields: Fields) -> App:
    """Whatever else an endpoint gave: Starlette calls it, as it calls a response."""

    async def adding(scope: Scope, receive: Receive, send: Send) -> None:
        await app(scope, receive, telling(fields, send))

    return adding
