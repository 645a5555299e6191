"""Which of Starlette's routes a request is for: its whole path as a template, through all mounts.

The routes are matched as Starlette's own router matches them. FastAPI keeps those of included
routers under one wrapper, so the functions here take ``listed``, which returns the single ones.
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
    """An application or a router: what has routes, in the order they are tried."""

    @property
    def routes(self) -> list[BaseRoute]:
        """The routes that there are now."""


class MatchedRoute(NamedTuple):
    """A route that fits a request.

    Attributes:
        template: its path, those of the mounts before it.
        methods: those it is for; None for any, and for websockets.
        route: the route itself.
    """

    template: str
    methods: frozenset[str] | None
    route: Any


Listed = Callable[[Iterable[Any]], Iterable[Any]]
"""Returns the single routes to try, of those of an application or a router."""


class RouteOf:
    """See ``route_of``.

    Args:
        app: the application or router; None for the one in the scope.
        listed: returns the single routes, of the framework's.
        is_limited: whether a route has limits of its own that are about a method.
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
        """The template of the route that will be chosen."""
        found = self._found(request)
        return found.template if found else None

    def has_own_limits(self, request: Request) -> bool:
        """Whether the route that will be chosen has limits of its own."""
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
            # A converter's, as of 5,000 digits where an int is: the router will raise it too, so no
            # view is reached. The request is counted first.
            return None


def endpoint_is_limited(route: Any, method: str) -> bool:
    """Whether a route's endpoint, or its class's method for a request, is ``@limited``."""
    endpoint = getattr(route, "endpoint", None)
    return has_own_limits(endpoint, method) or (
        isinstance(endpoint, type) and has_own_limits(method_of(endpoint, method), method)
    )


def original(route: Any) -> Any:
    """The route itself, where FastAPI wraps that of an included router."""
    return route if isinstance(route, BaseRoute) else route.route


class RouteMatcher:
    """Finds the route by which a request was dispatched, through all mounts.

    What the frameworks put into the scope knows only the last part of the path, so the whole is
    searched for. Routes that are served under one path, as nearly all are, are searched for once.

    Args:
        listed: returns the single routes, of the framework's.
    """

    __slots__ = ("_known", "_listed")

    def __init__(self, listed: Listed) -> None:
        self._listed = listed
        # By their ids, for routes have no hashes; keeping them keeps the ids theirs.
        self._known: dict[tuple[int, int], tuple[MatchedRoute, object, object]] = {}

    def of(self, scope: Scope) -> MatchedRoute | None:
        """The route; None where no router of Starlette's was passed."""
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
    """Each place where a route is among routes and what is below them."""
    for route in listed(routes):
        if original(route) is wanted:
            yield MatchedRoute(before + route.path_format, _methods(route), wanted)
        else:
            inner = getattr(route, "routes", None) or ()
            yield from _serves(wanted, inner, listed, before + _prefix(route))


def _matching(routes: Iterable[Any], scope: dict[str, Any], listed: Listed) -> MatchedRoute | None:
    """As Router does: the first that fits, else the first that fits but for the method."""
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
    return None if template is None else MatchedRoute(template, _methods(route), original(route))


def _prefix(route: Any) -> str:
    """What a mount puts before the paths of its routes; nothing for a host."""
    template: str = getattr(route, "path_format", None) or ""
    return template.removesuffix("/{path}")


def _methods(route: Any) -> frozenset[str] | None:
    methods = getattr(route, "methods", None)
    return frozenset(methods) if methods else None


def route_of(app: HasRoutes | None = None) -> EndpointOf:
    """For ``endpoint_of=``: the template of the route that will be chosen for a request.

    It is the path as the routes have it, those of mounts before it, without converters:
    ``"/api/users/{id}"``. What is mounted and has no routes, such as static files, is one endpoint:
    ``"/static/{path}"``. A path that no route fits has none. Hosts are not distinguished.

    With it, rules with ``default=True`` are left out for endpoints that are ``@limited``.

    The routes are tried as Starlette tries them, at each request, so those that are added later are
    seen; it costs what Starlette's own choice does. Applications that mount FastAPI ones need the
    function of this name in ``ratelimit_ddb.fastapi``.

    Args:
        app: the application or router that the middleware stands before; unless given, the
            application whose ``middleware=`` it is among.

    Raises:
        TypeError: it has no routes.
        RuntimeError: at a request, ``app`` is needed, as the middleware is in no application.
    """
    return RouteOf(app, iter, endpoint_is_limited)
