"""The dependency that limits a route, a router or an application."""

# No postponed annotations here: FastAPI reads those of RateLimit.__call__, and before 0.123 could
# not resolve them on an object.

from collections.abc import Iterable, Iterator
from typing import Any, NoReturn, Unpack, cast

from fastapi import FastAPI, Response, WebSocket, routing
from fastapi.requests import HTTPConnection
from starlette.routing import Host, Mount, Route, WebSocketRoute

from ratelimit_ddb.asgi.application import Scope
from ratelimit_ddb.fastapi.denial import RateLimitExceeded, denial_exception
from ratelimit_ddb.limit import LimitsLike, parse_limits
from ratelimit_ddb.operations.store import Store
from ratelimit_ddb.starlette.routes import (
    HasRoutes,
    MatchedRoute,
    RouteMatcher,
    RouteOf,
    endpoint_is_limited,
)
from ratelimit_ddb.starlette.websocket import begin_message_if_accepted
from ratelimit_ddb.web.gate.gate import Gate
from ratelimit_ddb.web.gate.ledger import KEY, Ledger
from ratelimit_ddb.web.gate.options import ViewOptions, require_options, shows_options
from ratelimit_ddb.web.gate.view import gate_of_view
from ratelimit_ddb.web.request import Request, of_scope
from ratelimit_ddb.web.rules.rule import LimitsOfRequest, methods_of
from ratelimit_ddb.web.rules.rule_set import EndpointOf
from ratelimit_ddb.web.rules.verdict import Verdict

_PASSED = "ratelimit_ddb.passed"
"""In the scope: the dependencies that decided so far, by the names of their rules."""
_ASKED = "ratelimit_ddb.asked"
"""In the scope: how often each RateLimit was asked, by its id."""
_NO_DEPENDENCY = (
    "a RateLimit that is no dependency limits nothing: write Depends(RateLimit(...)), as a "
    "parameter's default, in its Annotated, or in dependencies=[...]"
)
_NEED_INSTALL = (
    ("on_denied", "its answer"),
    ("give_back", "to see responses"),
    ("in_flight", "to hold slots to the ends of responses"),
)


class RateLimit:
    """A dependency that lets requests pass only within limits.

    ``Depends(RateLimit("5/minute", store=store))``, for a route, a router or all path operations of
    an application (not of those that are mounted in it), HTTP or websocket. As a parameter it gives
    the Verdict. Over the limit it raises RateLimitExceeded; a handshake is refused likewise or,
    where the server can't send an answer to one or the connection was accepted before, by a close
    with code 1013, or 1008 for good.

    Without a ``name`` each route that it is on has buckets of its own, named ``"POST /codes"`` by
    its methods and its template (``"no route"`` for the files of ``app.frontend``); with one all of
    them share. Where two are on one route, they are distinguished by ``methods=`` or ``name=``.

    A view may ask it, too, ``await limit(request, response)``, and catch RateLimitExceeded. What
    was taken before is given back only if a response with the status of the denial passes
    ``install`` or a middleware.

    They decide in FastAPI's order, after it has read and parsed the body. What one of them took,
    or a middleware before, is given back when another one denies the request.

    FastAPI calls the same object once in a request, however often it is depended on, unless told
    ``use_cache=False``. In tests ``app.dependency_overrides[limit] = lambda: None`` lifts it.

    Args:
        limits: as for Rule; none for an ``in_flight`` alone.
        store: a DynamoDBStore or a MemoryStore.
        default: whether it is skipped for routes that have a RateLimit of their own without
            ``default=True``; for one on an application or a router.
        options: see ``ratelimit_ddb.web.ViewOptions``; ``on_denied``, ``give_back`` and
            ``in_flight`` need ``install``, since a dependency does not see the response.

    Raises:
        TypeError, ValueError: an argument is invalid.
    """

    @shows_options(ViewOptions)
    def __init__(
        self,
        limits: LimitsLike | LimitsOfRequest | None = None,
        *,
        store: Store,
        default: bool = False,
        **options: Unpack[ViewOptions],
    ) -> None:
        require_options(options, ViewOptions)
        self._store = store
        self._default = default
        self._methods = methods_of(options.get("methods"))
        self._enforce = options.get("enforce", True)
        is_made = limits is None or callable(limits)
        self._limits = limits if is_made else parse_limits(cast("LimitsLike", limits))
        on_decision = options.get("on_decision", ())
        options["on_decision"] = (
            tuple(on_decision) if isinstance(on_decision, Iterable) else on_decision
        )
        self._name = options.pop("name", None)
        self._options = options
        self._chosen = RouteMatcher(listed)
        self._gates: dict[str, Gate] = {}
        # Also to refuse now, and not at the first request, what can't hold.
        self._shared = self._gate_named("each route" if self._name is None else self._name)

    async def __call__(self, connection: HTTPConnection, response: Response) -> Verdict:
        """Decide on a request; FastAPI calls this.

        Raises:
            RateLimitExceeded, WebSocketException: it is over the limits.
            ValueError: another dependency of this route has the same name.
            RuntimeError: there is an ``on_denied``, a ``give_back`` or an ``in_flight``, but nobody
                installed what they need.
        """
        if not self._shared.enabled:
            return Verdict()
        scope = connection.scope
        self._require_handler(scope)
        found = self._chosen.of(scope)
        gate = self._gate(scope, found)
        request = of_scope(scope)._replace(endpoint=found.template if found else None)
        scope.setdefault(KEY, Ledger(None))
        begin_message_if_accepted(connection, gate)
        by_view = self._is_asked_by_view(connection)
        if by_view:
            # What it asked for before was done, whatever the response will be.
            gate.note_served(scope)
            gate.keep(scope)
        answer, ledger, verdict = await gate.admit_async(request, is_final=not by_view)
        if answer is not None:
            raise await denial_exception(connection, answer, verdict)
        if ledger is not None:
            for name, value in ledger.fields():
                response.headers[name] = value
        return verdict

    # FastAPI takes a parameter's default and its annotation for data where ``Depends`` is missing,
    # and would never ask the limit. It copies a default, at the request, and has Pydantic read an
    # annotation, when the route is registered, or the ``dependency`` of what is in a list of them:
    # there the mistake is reported.

    def __getattr__(self, name: str) -> NoReturn:
        if name == "dependency":
            raise TypeError(_NO_DEPENDENCY)
        raise AttributeError(f"RateLimit has no attribute {name!r}", name=name, obj=self)

    def __deepcopy__(self, _: object) -> NoReturn:
        raise TypeError(_NO_DEPENDENCY)

    def __get_pydantic_core_schema__(self, _source: object, _handler: object) -> NoReturn:
        raise TypeError(_NO_DEPENDENCY)

    def _require_handler(self, scope: Scope) -> None:
        for option, why in _NEED_INSTALL:
            if self._options.get(option) is not None:
                app: FastAPI = scope["app"]
                if RateLimitExceeded not in app.exception_handlers:
                    raise RuntimeError(f"RateLimit({option}=...): {why} needs install(app)")

    def _is_asked_by_view(self, connection: HTTPConnection) -> bool:
        """Whether a view asks, and not FastAPI for it: then it may catch the denial and go on.

        What denies a websocket closes it.
        """
        if isinstance(connection, WebSocket):
            return False
        asked: dict[int, int] = connection.scope.setdefault(_ASKED, {})
        asked[id(self)] = asked.get(id(self), 0) + 1
        return asked[id(self)] > _times_depended_on(_route_of(connection.scope), self)

    def _gate(self, scope: Scope, found: MatchedRoute | None) -> Gate:
        name = self._name if self._name is not None else _name(found, self._methods)
        passed: dict[str, RateLimit] = scope.setdefault(_PASSED, {})
        if passed.setdefault(name, self) is not self:
            raise ValueError(
                f"two RateLimits on one route are named {name!r}, and would share a bucket: tell "
                "them apart by methods= or name="
            )
        if self._name is not None:
            return self._shared
        if name not in self._gates:
            self._gates[name] = self._gate_named(name)
        return self._gates[name]

    def _gate_named(self, name: str) -> Gate:
        return gate_of_view(
            "",
            self._limits,
            self._store,
            {**self._options, "name": name},
            blocking=False,
            writes_fields=False,
            default=self._default,
            has_own_limits=_has_own_limits if self._default else None,
        )

    def _is_own(self, method: str) -> bool:
        about = self._methods is None or method in self._methods
        denies = self._limits is not None and self._enforce and self._shared.enabled
        return about and denies and not self._default


def _has_own_limits(request: Request) -> bool:
    return _is_limited(_route_of(request.native), request.method)


def _route_of(scope: Scope) -> Any:
    """The route of a request, with the dependencies of the routers that it was included with.

    From FastAPI 0.137 on, the route itself has only its own, and those of the router it is on.
    """
    context = scope.get("fastapi", {}).get("effective_route_context")
    return scope.get("route") if getattr(context, "dependant", None) is None else context


def _is_limited(route: Any, method: str) -> bool:
    own = any(limit._is_own(method) for limit in limits_on(route))
    return own or endpoint_is_limited(route, method)


def limits_on(route: Any) -> Iterator[RateLimit]:
    """The RateLimits that a route depends on, those of its routers and application included."""
    return (one.call for one in _dependencies_of(route) if isinstance(one.call, RateLimit))


def _dependencies_of(route: Any) -> Iterator[Any]:
    dependant = getattr(route, "dependant", None)
    waiting = [] if dependant is None else [dependant]
    while waiting:
        one = waiting.pop()
        yield one
        waiting.extend(one.dependencies)


def _times_depended_on(route: Any, limit: RateLimit) -> int:
    """How often FastAPI asks a limit for a request: once, and again where it is not cached.

    Where the route is not known, as for the files of ``app.frontend``, it is once.
    """
    if getattr(route, "dependant", None) is None:
        return 1
    cached = [one.use_cache for one in _dependencies_of(route) if one.call is limit]
    return min(1, cached.count(True)) + cached.count(False)


def route_of(app: HasRoutes | None = None) -> EndpointOf:
    """For ``endpoint_of=`` of the middleware: as in ratelimit_ddb.starlette, for FastAPI's routes.

    Routers that were included are seen, with their prefixes.
    """
    return RouteOf(app, listed, _is_limited)


# Earlier versions of FastAPI keep the routes of an included router one by one, as Starlette does.
_contexts = getattr(routing, "iter_route_contexts", iter)


def listed(routes: Iterable[Any]) -> Iterator[Any]:
    """The routes, in the place of an included router its own."""
    for route in routes:
        if isinstance(route, (Route, WebSocketRoute, Mount, Host)):
            yield route
        else:
            yield from _contexts([route])


def _name(found: MatchedRoute | None, chosen: frozenset[str] | None) -> str:
    if found is None:
        return "no route"
    methods = chosen or found.methods or frozenset()
    if "GET" in methods:
        methods -= {"HEAD"}
    return f"{','.join(sorted(methods))} {found.template}".lstrip()
