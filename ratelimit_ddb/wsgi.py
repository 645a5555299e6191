"""Rate limits in front of a WSGI application."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from typing import TYPE_CHECKING

from ratelimit_ddb.limit import LimitsGiven
from ratelimit_ddb.limiter import RateLimiter
from ratelimit_ddb.outage import OnOutage
from ratelimit_ddb.store.protocol import Store
from ratelimit_ddb.web.answer import Answer, denial
from ratelimit_ddb.web.request import KeyOfRequest, of_environ

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment


class RateLimitMiddleware:
    """Answers 429 to requests over the limit; hands the others to the application as they are.

    An admitted request gets the server's own ``start_response``, and the server the application's
    own iterable, so streaming, ``write`` and ``wsgi.file_wrapper`` stay as they were.

    Args:
        app: the application.
        store: as for RateLimiter.
        limits: as for RateLimiter.
        key: whose bucket a request draws on, from ``Request``; None from it means not limited.
        on_outage: as for RateLimiter; ``"deny"`` answers 503.
        deadline: as for RateLimiter.

    Raises:
        TypeError, ValueError: something given can't hold.
    """

    def __init__(
        self,
        app: WSGIApplication,
        *,
        store: Store,
        limits: LimitsGiven,
        key: KeyOfRequest,
        on_outage: OnOutage = "allow",
        deadline: float = 0.25,
    ) -> None:
        if not callable(key) or inspect.iscoroutinefunction(key):
            raise TypeError(f"key {key!r}: a function of the request is needed, not async here")
        self._app = app
        self._key = key
        self._limiter = RateLimiter(store, limits, on_outage=on_outage, deadline=deadline)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Decide, and call the application or answer in its place."""
        answer = self._answer(environ)
        if answer is None:
            return self._app(environ, start_response)
        start_response(answer.status, list(answer.headers))
        return [answer.body]

    def _answer(self, environ: WSGIEnvironment) -> Answer | None:
        request = of_environ(environ)
        key = self._key(request)
        if key is None:
            return None
        decision = self._limiter.acquire(key)
        return None if decision.allowed else denial(decision, request.method)
