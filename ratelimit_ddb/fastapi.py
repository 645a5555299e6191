"""Rate limits in FastAPI: a dependency for routes, routers and applications, and the middleware.

    per_key = RateLimit("100/minute", store=store, by=header("x-api-key"), name="api")
    app = FastAPI(dependencies=[Depends(per_key)])

    @app.post("/codes", dependencies=[Depends(RateLimit("5/minute", store=store))])
    async def send_code(): ...

    install(app)

All of it works without ``install`` too, whose docstring says what is missing then. It takes FastAPI
0.115.6 or later, with Starlette 0.41 or later.
"""

# No postponed annotations here: FastAPI reads those of RateLimit.__call__, and before 0.123 could
# not resolve them on an object.

from collections.abc import Iterable, Iterator
from typing import Any, Unpack, cast

from fastapi import FastAPI, HTTPException, Response, WebSocket, WebSocketException, routing
from fastapi.requests import HTTPConnection
from starlette.datastructures import MutableHeaders
from starlette.routing import Host, Mount, Route, WebSocketRoute
from starlette.websockets import WebSocketState

from ratelimit_ddb.asgi import App, Message, RateLimitMiddleware, Receive, Scope, Send
from ratelimit_ddb.limit import LimitsGiven, limits_of
from ratelimit_ddb.starlette import response_of
from ratelimit_ddb.starlette_routes import Chosen, Found, HasRoutes, endpoint_of
from ratelimit_ddb.web.answer import Answer, Fields
from ratelimit_ddb.web.denial import answer as answer_to
from ratelimit_ddb.web.gate import Gate, denial_of
from ratelimit_ddb.web.request import of_scope
from ratelimit_ddb.web.rule import LimitsOfRequest
from ratelimit_ddb.web.rulebook import EndpointOf
from ratelimit_ddb.web.verdict import Verdict
from ratelimit_ddb.web.view import ViewOptions, gate_of_view
from ratelimit_ddb.web.websocket import TRY_AGAIN_LATER

__all__ = ["RateLimit", "RateLimitExceeded", "RateLimitMiddleware", "install", "route_of"]

_TOLD = "ratelimit_ddb.told"
"""In the scope below an installed middleware: the fields that the response is to have."""
_PASSED = "ratelimit_ddb.passed"
"""In the scope: the dependencies that were asked so far, by the names of their rules."""
_LISTS = ("ratelimit-policy", "ratelimit")
_REMAINING = "x-ratelimit-remaining"
_OF_THE_BODY = ("content-type", "content-length", "vary")


class RateLimitExceeded(HTTPException):
    """What RateLimit raises for a request over its limits.

    FastAPI answers it as any HTTPException, with ``{"detail": ...}`` and the fields of the denial;
    after ``install`` the answer itself is sent.

    Attributes:
        answer: the whole answer, in the form that the client's ``Accept`` prefers.
        verdict: what was decided.
    """

    def __init__(self, answer: Answer, verdict: Verdict) -> None:
        fields = {name: value for name, value in answer.headers if name not in _OF_THE_BODY}
        super().__init__(answer.status, _sentence(verdict), fields)
        self.answer = answer
        self.verdict = verdict


class RateLimit:
    """A dependency that lets requests pass only within limits.

    ``Depends(RateLimit("5/minute", store=store))``, for a route, a router or the application, HTTP
    or websocket. As a parameter it gives the Verdict. Over the limit it raises RateLimitExceeded;
    a handshake is refused likewise or, where the server can't send an answer to one or the
    connection was accepted before, by a close with code 1013.

    Without a ``name`` each route that it is on has buckets of its own, named ``"POST /codes"`` by
    its methods and its template (``"no route"`` for the files of ``app.frontend``); with one all of
    them share. Where two are on one route, at least one needs a name.

    Each takes its tokens for itself, in FastAPI's order: what the first one took is not given back
    when the second one denies, as it would be between the rules of a middleware and between the
    limits of one dependency.

    FastAPI calls the same object once in a request, however often it is depended on, unless told
    ``use_cache=False``. In tests ``app.dependency_overrides[limit] = lambda: None`` lifts it.

    Args:
        limits: as for Rule.
        options: ``store=``, and what else ``ratelimit_ddb.web.view.ViewOptions`` has;
            ``on_denied`` needs ``install``.

    Raises:
        TypeError, ValueError: something given can't hold.
    """

    def __init__(
        self, limits: LimitsGiven | LimitsOfRequest, **options: Unpack[ViewOptions]
    ) -> None:
        self._limits = limits if callable(limits) else limits_of(limits)
        told = options.get("on_decision", ())
        options["on_decision"] = tuple(told) if isinstance(told, Iterable) else told
        self._options = options
        self._chosen = Chosen(_listed)
        self._gates: dict[str, Gate] = {}
        # Also to refuse now, and not at the first request, what can't hold.
        self._shared = gate_of_view("each route", self._limits, options, blocking=False)

    async def __call__(self, connection: HTTPConnection, response: Response) -> Verdict:
        """Decide on a request; FastAPI calls this.

        Raises:
            RateLimitExceeded, WebSocketException: it is over the limits.
            ValueError: another dependency of this route has the same name.
            RuntimeError: there is an ``on_denied``, but nobody installed what sends its answer.
        """
        scope = connection.scope
        self._require_handler(scope)
        found = self._chosen.of(scope)
        gate = self._gate(scope, found)
        request = of_scope(scope)._replace(endpoint=found.template if found else None)
        answer, fields, verdict = await gate.admit_async(request)
        told = scope.get(_TOLD, response.headers)
        if answer is None:
            _tell(told, fields)
            return verdict
        raise await _denial(connection, _last_word(told, answer), verdict)

    def _require_handler(self, scope: Scope) -> None:
        if "on_denied" in self._options:
            app: FastAPI = scope["app"]
            if RateLimitExceeded not in app.exception_handlers:
                raise RuntimeError("RateLimit(on_denied=...): its answer needs install(app)")

    def _gate(self, scope: Scope, found: Found | None) -> Gate:
        name = self._options.get("name") or _name(found)
        passed: dict[str, RateLimit] = scope.setdefault(_PASSED, {})
        if passed.setdefault(name, self) is not self:
            raise ValueError(
                f"two RateLimits on one route are named {name!r}: give one of them a name=, since "
                "their buckets are keyed by it"
            )
        if "name" in self._options:
            return self._shared
        if name not in self._gates:
            self._gates[name] = gate_of_view(name, self._limits, self._options, blocking=False)
        return self._gates[name]


def install(app: FastAPI) -> None:
    """Have an application send the limits' fields and answers in full. Call it before it starts.

    Without it the fields are missing from a Response that a route returns itself and from what
    exception handlers make, since FastAPI lets dependencies add fields only to the responses that
    it makes itself; and a denial is FastAPI's ``{"detail": ...}``, not the problem, page or line
    that the client's ``Accept`` prefers. An application that is mounted needs its own.

    It registers a handler for RateLimitExceeded, and a middleware of no options.
    """
    app.add_exception_handler(RateLimitExceeded, _answered)
    app.add_middleware(_Telling)


def route_of(app: HasRoutes | None = None) -> EndpointOf:
    """For ``endpoint_of=`` of the middleware: as in ratelimit_ddb.starlette, for FastAPI's routes.

    Routers that were included are seen, with their prefixes.
    """
    return endpoint_of(app, _listed)


# Earlier versions of FastAPI keep the routes of an included router one by one, as Starlette does.
_contexts = getattr(routing, "iter_route_contexts", iter)


def _listed(routes: Iterable[Any]) -> Iterator[Any]:
    """The routes, in the place of an included router its own."""
    for route in routes:
        if isinstance(route, (Route, WebSocketRoute, Mount, Host)):
            yield route
        else:
            yield from _contexts([route])


class _Telling:
    """Adds to responses what the dependencies left in the scope."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in ("http", "websocket"):
            told = scope[_TOLD] = MutableHeaders()
            send = _adding(told, send)
        await self._app(scope, receive, send)


def _adding(told: MutableHeaders, send: Send) -> Send:
    async def adding(message: Message) -> None:
        if message["type"] in ("http.response.start", "websocket.accept"):
            message = {**message, "headers": [*message.get("headers", ()), *told.raw]}
        await send(message)

    return adding


async def _answered(_connection: HTTPConnection, denied: Exception) -> Response:
    return response_of(cast("RateLimitExceeded", denied).answer)


def _name(found: Found | None) -> str:
    if found is None:
        return "no route"
    methods = found.methods or frozenset()
    if "GET" in methods:
        methods -= {"HEAD"}
    return f"{','.join(sorted(methods))} {found.template}".lstrip()


def _tell(told: MutableHeaders, fields: Fields) -> None:
    """Add fields: lists grow, and of others those of the limit that leaves least stay."""
    given = dict(fields)
    if int(told.get(_REMAINING, "0")) < int(given.get(_REMAINING, "0")) and _REMAINING in told:
        given = {name: value for name, value in fields if name in _LISTS}
    for name, value in given.items():
        earlier = told.get(name) if name in _LISTS else None
        told[name] = value if earlier is None else f"{earlier}, {value}"


def _last_word(told: MutableHeaders, answer: Answer) -> Answer:
    """The answer with the items, too, of limits that let the request pass before."""
    earlier = {name: told[name] for name in _LISTS if name in told}
    for name in set(told):
        del told[name]
    headers = [
        (name, f"{earlier.pop(name)}, {value}" if name in earlier else value)
        for name, value in answer.headers
    ]
    return answer._replace(headers=(*headers, *earlier.items()))


async def _denial(connection: HTTPConnection, answer: Answer, verdict: Verdict) -> Exception:
    """What to raise."""
    if not isinstance(connection, WebSocket):
        return RateLimitExceeded(answer, verdict)
    if connection.client_state is WebSocketState.CONNECTING:
        await connection.receive()  # until this was taken, servers may not take an answer
    accepted = connection.application_state is not WebSocketState.CONNECTING
    if accepted or "websocket.http.response" not in (connection.scope.get("extensions") or {}):
        return WebSocketException(TRY_AGAIN_LATER, _sentence(verdict))
    return RateLimitExceeded(answer, verdict)


def _sentence(verdict: Verdict) -> str:
    return answer_to(denial_of(verdict), "GET", "text/plain").body.decode().rstrip()
