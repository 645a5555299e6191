"""Calls of an application whose response may give tokens back (``Rule(give_back=...)``)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from ratelimit_ddb.asgi.application import App, Message, Receive, Scope, Send
from ratelimit_ddb.web.response_head import ResponseHead, head_of_bytes, head_of_exception

Respond = Callable[[Scope, ResponseHead], Awaitable[None]]
"""Gives back what a response gives back."""

_SWITCHING_PROTOCOLS = 101
_FORBIDDEN = 403
_STATUS = {"websocket.accept": _SWITCHING_PROTOCOLS, "websocket.close": _FORBIDDEN}
"""The status of a handshake's response; a close before it is accepted refuses it."""
_WITH_STATUS = ("http.response.start", "websocket.http.response.start")


async def call_and_respond(
    app: App, scope: Scope, receive: Receive, send: Send, respond: Respond
) -> None:
    """Call an application; before its response starts, or if it raises, call ``respond``.

    A request that is cancelled has no response and what it took stays taken: otherwise a client
    that disconnects before the response could guess passwords without a limit.
    """

    async def respond_first(message: Message) -> None:
        if "headers" in message:  # an iterable, which may be one that can be read once
            message = {**message, "headers": [*map(tuple, message["headers"])]}
        await respond(scope, _head_of(message))
        await send(message)

    # No coroutine of its own for the parts of a response, of which there may be many.
    def send_after_refund(message: Message) -> Awaitable[None]:
        kind = message["type"]
        if kind in _WITH_STATUS or kind in _STATUS:
            return respond_first(message)
        return send(message)

    try:
        await app(scope, receive, send_after_refund)
    except Exception as error:
        await respond(scope, head_of_exception(error))
        raise


def _head_of(message: Message) -> ResponseHead:
    status = message["status"] if message["type"] in _WITH_STATUS else _STATUS[message["type"]]
    return head_of_bytes(status, message.get("headers", ()))
