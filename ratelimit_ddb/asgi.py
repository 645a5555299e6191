"""Rate limits in front of an ASGI application."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from ratelimit_ddb.limit import LimitsGiven
from ratelimit_ddb.limiter import AsyncRateLimiter
from ratelimit_ddb.outage import OnOutage
from ratelimit_ddb.store.protocol import Store
from ratelimit_ddb.web.answer import Answer, denial
from ratelimit_ddb.web.request import AsyncKeyOfRequest, of_scope

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


class RateLimitMiddleware:
    """Answers 429 to http requests over the limit; hands everything else to the application as is.

    Websockets, lifespan, streaming and whatever extensions the server offers pass untouched: an
    admitted request sees the very ``receive`` and ``send`` of the server.

    Args:
        app: the application.
        store: as for RateLimiter.
        limits: as for RateLimiter.
        key: whose bucket a request draws on, from ``Request``; None from it means not limited. A
            coroutine function is awaited.
        on_outage: as for RateLimiter; ``"deny"`` answers 503.
        deadline: as for RateLimiter.

    Raises:
        TypeError, ValueError: something given can't hold.
    """

    def __init__(
        self,
        app: App,
        *,
        store: Store,
        limits: LimitsGiven,
        key: AsyncKeyOfRequest,
        on_outage: OnOutage = "allow",
        deadline: float = 0.25,
    ) -> None:
        if not callable(key):
            raise TypeError(f"key {key!r}: a function of the request is needed")
        self._app = app
        self._key = key
        self._limiter = AsyncRateLimiter(store, limits, on_outage=on_outage, deadline=deadline)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Decide, and call the application or answer in its place."""
        answer = await self._answer(scope) if scope["type"] == "http" else None
        if answer is None:
            await self._app(scope, receive, send)
        else:
            await _send(answer, send)

    async def _answer(self, scope: Scope) -> Answer | None:
        request = of_scope(scope)
        found = self._key(request)
        key = await found if inspect.isawaitable(found) else found
        if key is None:
            return None
        decision = await self._limiter.acquire(key)
        return None if decision.allowed else denial(decision, request.method)


async def _send(answer: Answer, send: Send) -> None:
    headers = [(name.encode(), value.encode()) for name, value in answer.headers]
    await send({"type": "http.response.start", "status": answer.status_code, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})
