"""Requests that hold slots (``Rule(in_flight=...)``) to the end of their responses, over ASGI."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable

from ratelimit_ddb.asgi.application import App, Message, Receive, Scope, Send
from ratelimit_ddb.web.gate.request_slots import RequestSlots

_OF_THE_CONTENT = ("http.response.body", "http.response.pathsend", "http.response.zerocopysend")
"""The messages that end a response unless more follow (ASGI, "Path Send", "Zero Copy Send")."""
_START = "http.response.start"
_TRAILERS = "http.response.trailers"
"""The message that ends a response whose start announced it (ASGI, "HTTP Trailers")."""


async def call_while_held(
    app: App,
    scope: Scope,
    receive: Receive,
    send: Send,
    held: Callable[[], Iterable[RequestSlots]],
) -> None:
    """Call an application, and release slots once its response is sent or has failed.

    Background tasks run after the release; a websocket holds its slots until the application
    returns.

    Args:
        app: the application.
        scope: the request's.
        receive: the server's.
        send: the server's.
        held: returns the slots that are held by then; all of them are released.
    """
    has_trailers = False

    async def send_last(message: Message) -> None:
        await send(message)
        await _release(held())

    # No coroutine of its own for the parts of a response, of which there may be many.
    def send_and_release(message: Message) -> Awaitable[None]:
        nonlocal has_trailers
        kind = message["type"]
        if kind == _START:
            has_trailers = message.get("trailers", False)
        elif kind == _TRAILERS:
            if not message.get("more_trailers", False):
                return send_last(message)
        elif kind in _OF_THE_CONTENT and not (message.get("more_body", False) or has_trailers):
            return send_last(message)
        return send(message)

    try:
        await app(scope, receive, send_and_release)
    finally:
        await _release(held())


async def _release(several: Iterable[RequestSlots]) -> None:
    for slots in several:
        await slots.release_async()
