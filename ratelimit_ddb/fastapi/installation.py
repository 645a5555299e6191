"""What a dependency can't do: send the limits' fields and answers in full, and document them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from fastapi import FastAPI, Response
from fastapi.requests import HTTPConnection

from ratelimit_ddb.asgi.application import App, Receive, Scope, Send
from ratelimit_ddb.asgi.middleware import adding_fields
from ratelimit_ddb.asgi.request_slots import call_while_held
from ratelimit_ddb.asgi.response_refund import call_and_respond
from ratelimit_ddb.fastapi.denial import RateLimitExceeded
from ratelimit_ddb.fastapi.dependency import limits_on, listed
from ratelimit_ddb.operations.steps import run_steps_async
from ratelimit_ddb.starlette.response import response_of
from ratelimit_ddb.web.gate.ledger import KEY, Ledger, LedgerGate
from ratelimit_ddb.web.gate.response_refund import give_back_by_response
from ratelimit_ddb.web.response_head import ResponseHead

RESPONSES: dict[int | str, dict[str, Any]] = {
    429: {
        "description": "Over a rate limit",
        "headers": {
            "Retry-After": {
                "description": "Seconds after which the same request is admitted",
                "schema": {"type": "integer"},
            }
        },
    }
}
"""For ``responses=`` of a route, a router or an application: what OpenAPI says of a denial.
``install`` adds it to every operation that depends on a RateLimit."""


def install(app: FastAPI) -> None:
    """Have an application send the limits' fields and answers in full. Call it before it starts.

    Without it the fields are missing from a Response that a route returns itself and from what
    exception handlers make, since FastAPI lets dependencies add fields only to the responses that
    it makes itself; and a denial is FastAPI's ``{"detail": ...}``, not the problem, page or line
    that the client's ``Accept`` prefers. A RateLimit with ``on_denied``, ``give_back`` or
    ``in_flight`` is an error then. An application that is mounted needs its own.

    It registers a handler for RateLimitExceeded, and a middleware of no options; and it has
    ``app.openapi`` say of each operation that depends on a RateLimit that it may answer 429.
    """
    if not isinstance(app, FastAPI):
        raise TypeError(f"app {app!r}: must be a FastAPI application")
    app.add_exception_handler(RateLimitExceeded, _answered)
    app.add_middleware(_Writing)
    app.openapi = _documenting(app, app.openapi)  # type: ignore[method-assign]  # FastAPI's own way


def _documenting(app: FastAPI, openapi: Callable[[], dict[str, Any]]) -> Any:
    def documented() -> dict[str, Any]:
        schema = openapi()
        for route in listed(app.routes):
            if any(limits_on(route)):
                operations = schema.get("paths", {}).get(route.path_format, {})
                for method in route.methods or ():
                    operation = operations.get(method.lower())
                    if operation is not None:
                        operation["responses"].setdefault("429", _documented_denial())
        return schema

    return documented


def _documented_denial() -> dict[str, Any]:
    problem = {"schema": {"type": "object"}}
    return {**RESPONSES[429], "content": {"application/problem+json": problem}}


class _Writing:
    """Writes to responses what the limits have noted in the request's ledger.

    It sees them in the place of the dependencies, too, for what they give back, and releases the
    slots that they hold.
    """

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        ledger: Ledger = scope.setdefault(KEY, Ledger(self))
        if not ledger.has_writer:
            ledger.has_writer = True
            send = adding_fields(ledger, send)
        try:
            await call_while_held(
                self._respond, scope, receive, send, lambda: tuple(ledger.slots.values())
            )
        finally:
            if ledger.creator is self:
                scope.pop(KEY, None)

    async def _respond(self, scope: Scope, receive: Receive, send: Send) -> None:
        await call_and_respond(self._app, scope, receive, send, _respond)


async def _respond(scope: Scope, head: ResponseHead) -> None:
    await run_steps_async(give_back_by_response(scope, head, _is_dependency))


def _is_dependency(gate: LedgerGate) -> bool:
    return not gate.writes_fields


async def _answered(_connection: HTTPConnection, denied: Exception) -> Response:
    return response_of(cast("RateLimitExceeded", denied).answer)
