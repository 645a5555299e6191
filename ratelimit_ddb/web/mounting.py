"""The prefixes that an ASGI application removes from paths itself, below a middleware.

``FastAPI(root_path="/api")`` and Django's ``FORCE_SCRIPT_NAME`` take effect in the application,
inside the middleware that wraps it: the scope does not have them yet, and both ``/login`` and
``/api/login`` reach the view of ``/login``. So the wrapped application is searched for them,
through the middleware, mounts and closures around it.

Litestar's mounts are searched for too: one at ``/api`` reads ``/apilogin`` as ``/api/login``. So is
a Quart, which routes a space in the place of a path that is not below its root path.

If the search can't find one (an attribute with an unusual name, an application that is made for
each request), it is given to the middleware as ``root_path=``.
"""

from __future__ import annotations

import contextlib
import functools
import sys
import types
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

_INNER = (
    "app",
    "_app",
    "application",
    "asgi_app",
    "inner",
    "router",
    "wrapped",
    "__wrapped__",
)
"""The attributes that middleware keep the application in, and mounts what is mounted."""
_BY_PROTOCOL = "application_mapping"
"""The attribute in which Channels' ProtocolTypeRouter keeps an application for each protocol."""
_DJANGO = "django.core.handlers.asgi"
_FLASK = "flask.sansio.app"
_LITESTAR = "litestar.app"
_QUART = "quart.app"


class Mounting(NamedTuple):
    """The prefixes that an application removes from paths, besides the scope's root path.

    Attributes:
        root_paths: the ``root_path`` of the application and of those inside it.
        prefixes: the mounts in it that match every path with their prefix: ``"/api"`` reads
            ``/apilogin`` as ``/api/login``.
        outside: what it routes instead of a path that is not below the scope's root path: a space,
            if there is a Quart in it, which its ``/<name>`` takes; None for the path itself.
    """

    root_paths: tuple[str, ...] = ()
    prefixes: tuple[str, ...] = ()
    outside: str | None = None


NO_MOUNTING = Mounting()


class MountingOf:
    """The mounting of an application and of those inside it.

    It is searched at the first request, when everything is mounted; root paths are read at each.

    Args:
        app: the application.
        known: root paths that were given.
    """

    __slots__ = ("_app", "_known", "_mounting", "_owners")

    def __init__(self, app: Any, known: Iterable[str] = ()) -> None:
        self._app = app
        self._known = tuple(known)
        self._mounting = NO_MOUNTING
        self._owners: tuple[Any, ...] | None = None

    def current(self) -> Mounting:
        """The mounting now, without empty root paths."""
        if self._owners is None:
            found = list(_applications(self._app))
            self._owners = tuple(filter(_has_root_path, found))
            prefixes = (prefix for app in found for prefix in _prefixes(app))
            outside = " " if any(_is_of(_QUART, app) for app in found) else None
            self._mounting = Mounting(self._known, tuple(dict.fromkeys(prefixes)), outside)
        if not self._owners:
            return self._mounting
        root_paths = (*self._known, *filter(None, map(_root_path, self._owners)))
        return self._mounting._replace(root_paths=root_paths)


def _has_root_path(app: Any) -> bool:
    if _is_of(_FLASK, app):
        return False  # Flask's and Quart's is a folder
    return _is_of(_DJANGO, app) or isinstance(_attributes(app).get("root_path"), str)


def _root_path(owner: Any) -> str:
    if _is_of(_DJANGO, owner):
        return sys.modules["django.conf"].settings.FORCE_SCRIPT_NAME or ""
    root_path: str = owner.root_path or ""
    return root_path


def _prefixes(app: Any) -> Iterator[str]:
    for route in app.routes if _is_of(_LITESTAR, app) else ():
        if getattr(getattr(route, "route_handler", None), "is_mount", False) and route.path != "/":
            yield route.path


def _is_of(module: str, app: Any) -> bool:
    return any(known.__module__ == module for known in type(app).__mro__)


def _applications(app: Any) -> Iterator[Any]:
    """An application and all that are found in it, each once."""
    found = {id(app)}
    left = [app]
    while left:
        one = left.pop()
        yield one
        for inner in _inside(one):
            if id(inner) not in found:
                found.add(id(inner))
                left.append(inner)


def _inside(app: Any) -> Iterator[Any]:
    """What an application, a middleware or a route may hand requests to."""
    # By its type: isinstance asks the object, which may be a proxy that has nothing to ask yet.
    kind = type(app)
    if issubclass(kind, functools.partial):
        yield from filter(callable, (app.func, *app.args, *app.keywords.values()))
    elif issubclass(kind, types.MethodType):
        yield app.__self__
    elif issubclass(kind, types.FunctionType):
        yield from filter(callable, _closed_over(app))
    elif _is_of(_LITESTAR, app):
        handlers = (getattr(route, "route_handler", None) for route in app.routes)
        yield from (handler.fn for handler in handlers if handler is not None)
    attributes = _attributes(app)
    yield from (attributes[name] for name in _INNER if name in attributes)
    routes = attributes.get("routes", ())
    if type(routes) in (list, tuple):
        yield from routes
    by_protocol = attributes.get(_BY_PROTOCOL)
    if type(by_protocol) is dict:
        yield from by_protocol.values()


def _closed_over(function: types.FunctionType) -> Iterator[Any]:
    for cell in function.__closure__ or ():
        with contextlib.suppress(ValueError):  # not assigned yet
            yield cell.cell_contents


def _attributes(app: Any) -> dict[str, Any]:
    """An object's own attributes, without running code of its class: it may be anything."""
    attributes: dict[str, Any] = {}
    for known in type(app).__mro__:
        for name, own in known.__dict__.items():
            if name == "__dict__" and isinstance(own, types.GetSetDescriptorType):
                attributes |= own.__get__(app)
            elif isinstance(own, types.MemberDescriptorType):  # of __slots__
                with contextlib.suppress(AttributeError):  # not set
                    attributes[name] = own.__get__(app)
    return attributes
