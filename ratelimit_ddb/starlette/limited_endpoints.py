"""``@limited`` for Starlette's endpoints."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar, Unpack, cast

from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.websockets import WebSocket, WebSocketState

from ratelimit_ddb.asgi.application import Receive, Scope, Send
from ratelimit_ddb.asgi.response_refund import call_and_respond
from ratelimit_ddb.asgi.websocket import close_of, refuse_handshake
from ratelimit_ddb.decorator.coroutine import ReturnKind, return_kind
from ratelimit_ddb.decorator.function_name import name_of
from ratelimit_ddb.limit import LimitsLike
from ratelimit_ddb.operations.steps import run_steps, run_steps_async
from ratelimit_ddb.operations.store import Store
from ratelimit_ddb.starlette.endpoint import refuse_as_path_operation, require_endpoint
from ratelimit_ddb.starlette.response import (
    head_of_response,
    responding,
    response_of,
    while_held,
    with_fields,
)
from ratelimit_ddb.starlette.routes import RouteMatcher
from ratelimit_ddb.starlette.websocket import begin_message_if_accepted, in_handshake
from ratelimit_ddb.web.gate.awaitables import AwaitableFlow
from ratelimit_ddb.web.gate.gate import Gate
from ratelimit_ddb.web.gate.options import ViewOptions, require_options, shows_options
from ratelimit_ddb.web.gate.view import gate_of_view, note_limit
from ratelimit_ddb.web.gate.view_denials import give_back_of
from ratelimit_ddb.web.request import Request, of_scope
from ratelimit_ddb.web.response.denial_response import DenialResponse
from ratelimit_ddb.web.response_head import ResponseHead, head_of_exception, status_of_exception
from ratelimit_ddb.web.rules.rule import LimitsOfRequest
from ratelimit_ddb.web.rules.verdict import Verdict

Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])


@shows_options(ViewOptions)
def limited(
    limits: LimitsLike | LimitsOfRequest | None = None,
    *,
    store: Store,
    **options: Unpack[ViewOptions],
) -> Callable[[Endpoint], Endpoint]:
    """Limit an endpoint: ``@limited("5/minute", store=store)``.

    It decorates functions, ``async def`` or ``def``, a ``functools.partial`` or other object that
    is called with the request, and methods of HTTPEndpoint. Put it below a decorator that registers
    the endpoint. An endpoint may have several limits, distinguished by ``methods=`` or ``name=``.

    A denied request does not reach the endpoint. Other responses get the fields of the limits,
    except those of exception handlers; a rule of the middleware adds them there too.

    For a WebSocket endpoint the handshake is limited, without fields; its slots (``in_flight``) are
    held until it returns. A method that is called after the handshake, such as ``on_receive``, is
    limited at each call, and a denial closes the websocket. A ``def`` runs in Starlette's thread
    pool, where the store may block; the functions of its limit can't be coroutine functions.

    Args:
        limits: as for Rule; None for an endpoint that has only ``in_flight``.
        store: a DynamoDBStore or a MemoryStore.
        options: see ``ratelimit_ddb.web.ViewOptions``.

    Raises:
        TypeError: an argument is invalid; or the endpoint is a class, can't be called with a
            request, or is a path operation of FastAPI.
        ValueError: an argument is invalid; or the endpoint already has a limit of that name, or
            another endpoint has that name.
    """
    require_options(options, ViewOptions)

    def decorate(endpoint: Endpoint) -> Endpoint:
        require_endpoint(endpoint)
        name = name_of(endpoint)
        awaited = return_kind(endpoint) is ReturnKind.COROUTINE
        gate = gate_of_view(name, limits, store, options, blocking=not awaited)
        limited_endpoint = _limited_async(endpoint, gate) if awaited else _limited(endpoint, gate)
        note_limit(endpoint, limited_endpoint, limits, gate, options, owner=endpoint, own_name=name)
        refuse_as_path_operation(limited_endpoint)
        return cast("Endpoint", limited_endpoint)

    return decorate


def _limited_async(endpoint: Callable[..., Any], gate: Gate) -> Callable[..., Any]:
    chosen, called = RouteMatcher(iter), _holding_async(endpoint, gate)

    @functools.wraps(endpoint)
    async def limited(*args: Any, **kwargs: Any) -> Any:
        connection = _connection(endpoint, args)
        begin_message_if_accepted(connection, gate)
        # What denies a websocket closes it.
        is_final = isinstance(connection, WebSocket)
        request = _request(connection.scope, chosen)
        answer, ledger, verdict = await gate.admit_async(request, is_final=is_final)
        if isinstance(connection, WebSocket):
            if answer is not None:
                return await _refuse(connection, answer, verdict)
            if gate.gives_back and in_handshake(connection):
                return await _websocket_and_respond(called, connection, gate, args, kwargs)
            return await called(*args, **kwargs)
        if answer is not None:
            return response_of(answer)
        try:
            response = await called(*args, **kwargs)
        except Exception as error:
            await run_steps_async(_after_error(gate, connection.scope, error))
            raise
        await run_steps_async(_after(gate, connection.scope, response))
        return with_fields(responding(response, gate), ledger)

    return limited


def _limited(endpoint: Callable[..., Any], gate: Gate) -> Callable[..., Any]:
    chosen, called = RouteMatcher(iter), _holding(endpoint, gate)

    @functools.wraps(endpoint)
    def limited(*args: Any, **kwargs: Any) -> Any:
        connection = _connection(endpoint, args)
        answer, ledger, _ = gate.admit(_request(connection.scope, chosen), is_final=False)
        if answer is not None:
            return response_of(answer)
        try:
            response = called(*args, **kwargs)
        except Exception as error:
            run_steps(_after_error(gate, connection.scope, error))
            raise
        run_steps(_after(gate, connection.scope, response))
        return with_fields(responding(response, gate), ledger)

    return limited


def _after(gate: Gate, scope: Scope, response: Any) -> AwaitableFlow[None]:
    """Give back what the response gives back; an application that was returned is called later."""
    if isinstance(response, Response):
        yield from give_back_of(gate, scope, response.status_code)
        gate.note_served(scope)
        if gate.gives_back:
            yield from gate.responding(scope, head_of_response(response))
    elif not callable(response):
        gate.note_served(scope)


def _after_error(gate: Gate, scope: Scope, error: Exception) -> AwaitableFlow[None]:
    """Give back what the response to an exception gives back."""
    head = _head_of_exception(scope, error)
    if head is not None:
        yield from gate.responding(scope, head)


def _holding_async(endpoint: Callable[..., Any], gate: Gate) -> Callable[..., Any]:
    """An endpoint with the request's slots held until its response is sent.

    A websocket ends when the endpoint returns.
    """
    if not gate.holds_slots:
        return endpoint

    async def holding(*args: Any, **kwargs: Any) -> Any:
        connection = _connection(endpoint, args)
        slots = gate.slots_of(connection.scope)
        if slots is None:
            return await endpoint(*args, **kwargs)
        try:
            response = await endpoint(*args, **kwargs)
        except BaseException:  # it is cancelled if the client disconnects
            await slots.release_async()
            raise
        if response is None or isinstance(connection, WebSocket):
            await slots.release_async()
            return response
        return while_held(response, slots)

    return holding


def _holding(endpoint: Callable[..., Any], gate: Gate) -> Callable[..., Any]:
    """The same for a ``def``, whose response is sent in the event loop."""
    if not gate.holds_slots:
        return endpoint

    def holding(*args: Any, **kwargs: Any) -> Any:
        slots = gate.slots_of(_connection(endpoint, args).scope)
        if slots is None:
            return endpoint(*args, **kwargs)
        try:
            response = endpoint(*args, **kwargs)
        except BaseException:
            slots.release()
            raise
        if response is None:
            slots.release()
            return None
        return while_held(response, slots)

    return holding


def _connection(endpoint: Callable[..., Any], args: tuple[Any, ...]) -> HTTPConnection:
    for given in args[:2]:  # the second for a method
        if isinstance(given, HTTPConnection):
            return given
    raise TypeError(
        f"@limited on {name_of(endpoint)}: called with {args!r}; the first argument must be a "
        "Request or WebSocket of Starlette"
    )


def _request(scope: Scope, chosen: RouteMatcher) -> Request:
    found = chosen.of(scope)
    return of_scope(scope)._replace(endpoint=found.template if found else None)


async def _websocket_and_respond(
    endpoint: Callable[..., Any],
    websocket: WebSocket,
    gate: Gate,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
) -> None:
    """Call the endpoint with a websocket that reports the response to the handshake to the gate."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen = type(websocket)(scope, receive, send)
        await endpoint(*[seen if one is websocket else one for one in args], **kwargs)

    scope, receive, send = websocket.scope, websocket.receive, websocket.send
    await call_and_respond(app, scope, receive, send, gate.respond_async)


def _head_of_exception(scope: Scope, exception: Exception) -> ResponseHead | None:
    """Starlette's response to an exception; None if a handler of the application makes it."""
    status = status_of_exception(exception)
    if status is not None:
        return head_of_exception(exception, status)
    handlers = getattr(scope.get("app"), "exception_handlers", {})
    # The handler of Exception itself makes the page for 500.
    kinds = [kind for kind in handlers if isinstance(kind, type) and kind is not Exception]
    return None if isinstance(exception, tuple(kinds)) else head_of_exception(exception)


async def _refuse(websocket: WebSocket, answer: DenialResponse, verdict: Verdict) -> None:
    if websocket.client_state is WebSocketState.CONNECTING:
        receive, send = websocket.receive, websocket.send
        await refuse_handshake(answer, verdict, websocket.scope, receive, send)
    elif websocket.application_state is not WebSocketState.DISCONNECTED:
        # After the close, messages may still arrive.
        await websocket.send(close_of(verdict))
