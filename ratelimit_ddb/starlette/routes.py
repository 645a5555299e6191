"""Finds the Starlette route of a request, with the paths of all mounts before it.

Routes are matched as by Starlette's router. FastAPI wraps the routes of an included router in one
object, so the functions here take ``listed``, which returns the individual routes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, MutableMapping
from typing import Any, NamedTuple, Protocol

from starlette.routing import BaseRoute, Match

from ratelimit_ddb.web.gate.view import has_own_limits, method_of
from ratelimit_ddb.web.request import Request
from ratelimit_ddb.web.rules.rule_set import EndpointOf

Scope = MutableMapping[str, Any]


class HasRoutes(Protocol):
    """An application or a router."""

    @property
    def routes(self) -> list[BaseRoute]:
        """The routes, in the order in which they are matched."""


class MatchedRoute(NamedTuple):
    """A route that matches a request.

    Attributes:
        template: the route's path, with those of the mounts before it.
        methods: the route's methods; None for all, and for websockets.
        route: the route.
    """

    template: str
    methods: frozenset[str] | None
    route: Any


Listed = Callable[[Iterable[Any]], Iterable[Any]]
"""Returns the individual routes of those of an application or a router."""


class RouteOf:
    """See ``route_of``.

    Args:
        app: the application or router; None for the one in the scope.
        listed: returns the individual routes.
        is_limited: whether a route has limits of its own for a method.
    """

    def __init__(
        self,
        app: HasRoutes | None,
        listed: Listed,
        is_limited: Callable[[Any, str], bool],
    ) -> None:
        if app is not None and not isinstance(getattr(app, "routes", None), Iterable):
            raise TypeError(f"route_of({app!r}): must be an application or router with routes")
        self._app = app
        self._listed = listed
        self._is_limited = is_limited

    def __call__(self, request: Request) -> str | None:
        """The template of the request's route."""
        found = self._found(request)
        return found.template if found else None

    def has_own_limits(self, request: Request) -> bool:
        """Whether the request's route has limits of its own."""
        found = self._found(request)
        if found is None or (found.methods is not None and request.method not in found.methods):
            return False  # 404 and 405: no endpoint is called
        return self._is_limited(found.route, request.method)

    def _found(self, request: Request) -> MatchedRoute | None:
        before = request.native.get("app") if self._app is None else self._app
        if before is None:
            raise RuntimeError(
                "route_of(): there is no application in the scope; pass it: route_of(app)"
            )
        try:
            return _matching(before.routes, dict(request.native), self._listed)
        except ValueError:
            # Of a converter, such as that of int for 5,000 digits. The router will raise it too, so
            # no view is called; the request is counted before that.
            return None


def endpoint_is_limited(route: Any, method: str) -> bool:
    """Whether a route's endpoint, or its method for the request, is ``@limited``."""
    endpoint = getattr(route, "endpoint", None)
    return has_own_limits(endpoint, method) or (
        isinstance(endpoint, type) and has_own_limits(method_of(endpoint, method), method)
    )


def original(route: Any) -> Any:
    """The route in FastAPI's wrapper of an included router's route."""
    return route if isinstance(route, BaseRoute) else route.route


class RouteMatcher:
    """Finds the route by which a request was dispatched, with the mounts before it.

    The route in the scope has only the last part of the path, so the router's routes are searched
    for it. A route that is there once, as nearly all are, is searched for once.

    Args:
        listed: returns the individual routes.
    """

    __slots__ = ("_known", "_listed")

    def __init__(self, listed: Listed) -> None:
        self._listed = listed
        # By id, as routes are not hashable; the value keeps the objects, so that no id is reused.
        self._known: dict[tuple[int, int], tuple[MatchedRoute, object, object]] = {}

    def of(self, scope: Scope) -> MatchedRoute | None:
        """The route; None if no router of Starlette dispatched the request."""
        outermost, route = scope.get("router"), scope.get("route")
        if outermost is None:
            return None
        known = self._known.get((id(outermost), id(route)))
        if known is not None:
            return known[0]
        served = [] if route is None else list(_serves(route, outermost.routes, self._listed))
        if len(served) == 1:
            self._known[id(outermost), id(route)] = (served[0], outermost, route)
            return served[0]
        root_path = scope.get("app_root_path", scope.get("root_path", ""))
        return _matching(outermost.routes, {**scope, "root_path": root_path}, self._listed)


def _serves(
    wanted: Any, routes: Iterable[Any], listed: Listed, before: str = ""
) -> Iterator[MatchedRoute]:
    """Each occurrence of a route among routes and below their mounts."""
    for route in listed(routes):
        if original(route) is wanted:
            yield MatchedRoute(before + route.path_format, _methods(route), route)
        else:
            inner = getattr(route, "routes", None) or ()
            yield from _serves(wanted, inner, listed, before + _prefix(route))


def _matching(routes: Iterable[Any], scope: dict[str, Any], listed: Listed) -> MatchedRoute | None:
    """As in Router: the first full match, else the first that matches except for the method."""
    partial = None
    for route in listed(routes):
        match, child_scope = route.matches(scope)
        if match is Match.FULL:
            return _below(route, scope | child_scope, listed)
        if match is Match.PARTIAL and partial is None:
            partial = route, child_scope
    if partial is None:
        return None
    route, child_scope = partial
    return _below(route, scope | child_scope, listed)


def _below(route: Any, scope: dict[str, Any], listed: Listed) -> MatchedRoute | None:
    inner = getattr(route, "routes", None)
    if inner:
        found = _matching(inner, scope, listed)
        return found and found._replace(template=_prefix(route) + found.template)
    template = getattr(route, "path_format", None)  # a Host has none
    return None if template is None else MatchedRoute(template, _methods(route), route)


def _prefix(route: Any) -> str:
    """The path of a mount, before the paths of its routes; empty for a host."""
    template: str = getattr(route, "path_format", None) or ""
    return template.removesuffix("/{path}")


def _methods(route: Any) -> frozenset[str] | None:
    methods = getattr(route, "methods", None)
    return frozenset(methods) if methods else None


def route_of(app: HasRoutes | None = None) -> EndpointOf:
    """For ``endpoint_of=``: the template of the route that Starlette chooses for a request.

    It is the route's path with those of the mounts before it, without converters:
    ``"/api/users/{id}"``. A mounted application without routes, such as static files, is one
    endpoint: ``"/static/{path}"``. A path that no route matches has none. Hosts are not
    distinguished.

    With it, rules with ``default=True`` do not apply to endpoints that are ``@limited``.

    Routes are matched at each request, as by Starlette, so that routes that are added later are
    found; it takes as long as Starlette's own match. Applications that mount a FastAPI application
    need the function of this name in ``ratelimit_ddb.fastapi``.

    Args:
        app: the application or router around which the middleware is; by default the application
            that has it in its ``middleware=``.

    Raises:
        TypeError: ``app`` has no routes.
        RuntimeError: at a request, if the scope has no application and ``app`` is not given.
    """
    return RouteOf(app, iter, endpoint_is_limited)
