"""Sessions in front of an ASGI application."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Unpack

from sessions.desk import Desk
from sessions.options import SessionOptions, shows_session_options
from sessions.store.protocol import Store
from sessions.visit import Visit, with_fields

__all__ = ["SessionMiddleware"]

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

_BEGINS = ("http.response.start", "websocket.accept", "websocket.http.response.start")


class SessionMiddleware:
    """Puts the session into ``scope["session"]``, where Starlette's ``request.session`` finds it.

    It is read before the application is called, if there is a cookie, and committed before the
    first byte of the response, or the acceptance of a websocket, is sent. What is changed later
    must be saved by ``await session.save_async()``; what is not raises SessionNotSaved.

    Args:
        app: the application.
        store: a DynamoDBSessionStore or a MemorySessionStore.
        options: ``idle=``, ``lifetime=``, ``secret=`` and more: see ``sessions.SessionOptions``.

    Raises:
        TypeError, ValueError: something given can't hold.
    """

    @shows_session_options
    def __init__(self, app: App, store: Store, **options: Unpack[SessionOptions]) -> None:
        self._app = app
        self._desk = Desk(store, options)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Open the session, call the application, commit."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        visit = Visit(self._desk, _cookies(scope))
        await visit.open_async()

        async def committing(message: Message) -> None:
            if message["type"] in _BEGINS:
                message = await _begun(visit, message)
            elif message["type"] == "websocket.close":
                await visit.refuse_async()
            await send(message)

        await self._app({**scope, "session": visit.session}, receive, committing)
        visit.end()


async def _begun(visit: Visit, message: Message) -> Message:
    fields = await visit.begin_async()
    if not fields:
        return message
    given = [
        (name.decode("latin-1"), value.decode("latin-1"))
        for name, value in message.get("headers", ())
    ]
    headers = [
        (name.encode("latin-1"), value.encode("latin-1"))
        for name, value in with_fields(given, fields)
    ]
    return {**message, "headers": headers}


def _cookies(scope: Scope) -> str | None:
    values = [
        value.decode("latin-1") for name, value in scope["headers"] if name.lower() == b"cookie"
    ]
    # HTTP/2 may split the field (RFC 9113, 8.2.3); "; " puts it together.
    return "; ".join(values) if values else None
