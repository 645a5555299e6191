"""What middlewares wrap: applications of their own interface, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import flask
import pytest
from starlette.applications import Starlette

import ratelimit_ddb.asgi
import ratelimit_ddb.wsgi
import sessions.asgi
import sessions.wsgi
from ratelimit_ddb import MemoryStore
from ratelimit_ddb.web import Rule
from sessions import MemorySessionStore

Middleware = Callable[[Any], object]


def limiting(module: Any) -> Middleware:
    return lambda app: module.RateLimitMiddleware(app, MemoryStore(), Rule("/", "1/minute"))


def with_sessions(module: Any) -> Middleware:
    return lambda app: module.SessionMiddleware(app, MemorySessionStore())


async def asgi_function(scope: Any, receive: Any, send: Any) -> None: ...


def wsgi_function(environ: Any, start_response: Any) -> Iterable[bytes]:
    return []


FOR_ASGI = [
    (limiting(ratelimit_ddb.asgi), "ratelimit_ddb"),
    (with_sessions(sessions.asgi), "sessions"),
]
FOR_WSGI = [
    (limiting(ratelimit_ddb.wsgi), "ratelimit_ddb"),
    (with_sessions(sessions.wsgi), "sessions"),
]


@pytest.mark.parametrize(("wrap", "package"), FOR_ASGI)
@pytest.mark.parametrize("app", [wsgi_function, flask.Flask("shop"), flask.Flask("shop").wsgi_app])
def test_an_application_of_wsgi_is_told_its_middleware(
    wrap: Middleware, package: str, app: object
) -> None:
    with pytest.raises(TypeError, match=rf"so use the middleware of {package}\.wsgi$"):
        wrap(app)


@pytest.mark.parametrize(("wrap", "package"), FOR_WSGI)
@pytest.mark.parametrize("app", [asgi_function, Starlette()])
def test_an_application_of_asgi_is_told_its_middleware(
    wrap: Middleware, package: str, app: object
) -> None:
    with pytest.raises(TypeError, match=rf"so use the middleware of {package}\.asgi$"):
        wrap(app)


@pytest.mark.parametrize(("wrap", "package"), FOR_ASGI + FOR_WSGI)
def test_what_takes_any_arguments_or_does_not_tell_is_taken(wrap: Middleware, package: str) -> None:
    def any_arguments(*arguments: object) -> None: ...

    assert wrap(any_arguments)
    assert wrap(min)
    with pytest.raises(TypeError, match=r"app 3: must be a callable"):
        wrap(3)
