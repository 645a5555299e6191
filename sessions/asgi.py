"""Sessions in front of an ASGI application."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Coroutine, MutableMapping
from typing import Any, Unpack

from ddbwire.shared.web_application import Interface, require_application
from sessions.arguments import require_bool
from sessions.assignment import SessionPlace
from sessions.authorization import authorization_in_scope
from sessions.config.options import SessionOptions, shows_session_options
from sessions.config.session_config import SessionConfig
from sessions.cookie.headers import cookie_field_in, with_session_headers
from sessions.cookie.plain_test_client import warn_if_never_sent
from sessions.errors import AuthenticationRequired
from sessions.lifecycle.commit import end_failed, end_response, start_response
from sessions.lifecycle.open import load_session
from sessions.nested_middleware import require_own_cookie
from sessions.operations.store import Store
from sessions.request_session import RequestSession
from sessions.response import Send, unauthorized
from sessions.session import Session
from sessions.session_of_request import REQUEST_SESSION

__all__ = ["SessionMiddleware"]

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

_UNAUTHORIZED = 3000
"""A websocket's close code. Source: IANA, "WebSocket Close Code Number Registry"."""

_RESPONSE_STARTS = ("http.response.start", "websocket.accept", "websocket.http.response.start")


class SessionMiddleware:
    """Puts the session into ``scope["session"]``, where Starlette's ``request.session`` finds it.

    If there is a cookie, it is read before the application is called. It is committed before the
    first byte of the response, or the acceptance of a websocket, is sent. Save later changes by
    ``await session.save_async()``; a change that is not saved raises SessionNotSaved.

    Args:
        app: the application.
        store: a DynamoDBSessionStore or a MemorySessionStore.
        lazy: whether the session is read only when the application awaits
            ``session.load_async()``, so that pages that do not use it cost no read.
        options: ``idle=``, ``lifetime=``, ``secret=`` and more: see ``sessions.SessionOptions``.

    Raises:
        TypeError, ValueError: an argument is invalid.
    """

    @shows_session_options
    def __init__(
        self, app: App, store: Store, *, lazy: bool = False, **options: Unpack[SessionOptions]
    ) -> None:
        require_application(app, Interface.ASGI, "sessions")
        self._app = app
        self._is_lazy = require_bool("lazy", lazy)
        self._config = config = SessionConfig.of(store, options)
        device_bound = config.device_bound
        self._endpoints = None if device_bound is None else device_bound.asgi_endpoints(config)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Load the session, call the application, commit."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        _keep_headers(scope)
        if self._endpoints is not None and await self._endpoints(scope, send):
            return
        if "session" in scope:  # that of a middleware around this one, which keeps its own
            require_own_cookie(self._config, scope)
            scope = {**scope}
        request_session = await self._loaded(scope)

        async def committing(message: Message) -> None:
            if message["type"] in _RESPONSE_STARTS:
                message = await _started(request_session, message, scope)
            elif (
                message["type"] == "websocket.close" and not request_session.state.response_started
            ):
                await request_session.driver.run_async(
                    start_response(request_session, is_sent=False)
                )
            await send(message)

        session = Session(request_session)
        # Not in a copy otherwise: middlewares around this one look for the route in it afterwards.
        scope[REQUEST_SESSION], scope["session"] = request_session, session
        request_session.place = SessionPlace(scope, "session", session, scope.get("app"))
        try:
            try:
                await self._app(scope, receive, committing)
            except AuthenticationRequired as refused:
                if scope["type"] == "http" and request_session.state.response_started:
                    raise
                await _refuse(refused, scope, committing)
        except BaseException as error:
            await _uncancelled(request_session.driver.run_async(end_failed(request_session)), error)
            raise
        await request_session.driver.run_async(end_response(request_session))

    async def _loaded(self, scope: Scope) -> RequestSession:
        headers = scope["headers"]
        authorization = authorization_in_scope(headers) if self._config.bearer else ()
        request_session = RequestSession(self._config, cookie_field_in(headers), authorization)
        request_session.is_lazy = self._is_lazy
        request_session.driver.is_in_event_loop = True
        if not self._is_lazy:
            await request_session.driver.run_async(load_session(request_session, defers=True))
        return request_session


def _keep_headers(scope: Scope) -> None:
    """Have the request's headers be a list: ASGI promises no more than one iteration."""
    if type(scope["headers"]) is not list:
        scope["headers"] = [(name, value) for name, value in scope["headers"]]


async def _refuse(refused: AuthenticationRequired, scope: Scope, send: Send) -> None:
    """Answer 401, or close a websocket; before it is accepted, servers answer 403 for that."""
    if scope["type"] == "websocket":
        reason = refused.error or "authentication_required"
        await send({"type": "websocket.close", "code": _UNAUTHORIZED, "reason": reason})
        return
    await unauthorized(refused).send(send, scope["method"])


async def _uncancelled(ending: Coroutine[Any, Any, None], error: BaseException) -> None:
    """Await what must be done even if the request was cancelled."""
    asyncio = sys.modules.get("asyncio")
    if asyncio is not None and isinstance(error, asyncio.CancelledError):
        from ddbwire.concurrency.event_loop import uncancelled  # here, for it loads asyncio

        ending = uncancelled(ending)
    await ending


async def _started(session: RequestSession, message: Message, scope: Scope) -> Message:
    added = await session.driver.run_async(start_response(session))
    if not added:
        return message
    if session.client_token.changes_response:
        host, *_ = scope.get("server") or ("",)
        warn_if_never_sent(session.config.cookie, added, scope.get("scheme"), host)
    headers = [
        (name.decode("latin-1"), value.decode("latin-1"))
        for name, value in message.get("headers", ())
    ]
    encoded = [
        (name.encode("latin-1"), value.encode("latin-1"))
        for name, value in with_session_headers(headers, added)
    ]
    return {**message, "headers": encoded}
