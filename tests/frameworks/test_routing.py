"""P15: whatever a framework routes to a view, the rule with the view's pattern sees.

Each framework is behind its real server; targets go over the wire as they are written.
"""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest
from django.core.asgi import get_asgi_application
from django.core.wsgi import get_wsgi_application
from django.test import override_settings
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Mount
from werkzeug.middleware.dispatcher import DispatcherMiddleware

import tests.frameworks.django_site  # noqa: F401  (sets Django up)
from ratelimit_ddb import asgi, wsgi
from ratelimit_ddb.flask import limit_app
from tests.frameworks.routing import sites
from tests.frameworks.routing.record import missed, rules_of
from tests.frameworks.routing.targets import MOUNT, MOUNTED, TARGETS
from tests.web.serving import Server, uvicorn_server, waitress_server

Serving = contextlib.AbstractContextManager[Server]
Flask, Falcon = list(sites.FLASK.values()), sites.FALCON
Django = [*sites.DJANGO.values(), *sites.DJANGO_INCLUDED.values()]


def around(app: Any, patterns: Iterable[str], mount: str = "") -> asgi.RateLimitMiddleware:
    return asgi.RateLimitMiddleware(app, **rules_of(patterns, mount))


def around_wsgi(app: Any, patterns: Iterable[str], mount: str = "") -> wsgi.RateLimitMiddleware:
    return wsgi.RateLimitMiddleware(app, **rules_of(patterns, mount))


def inside(patterns: Iterable[str]) -> Middleware:
    return Middleware(asgi.RateLimitMiddleware, **rules_of(patterns))


@contextlib.contextmanager
def django(
    *, over_asgi: bool, middleware: bool = False, force: str | None = None, root_path: str = ""
) -> Iterator[Server]:
    """Django, with its own middleware or behind the plain one."""
    options = rules_of(Django)
    with override_settings(
        ROOT_URLCONF=sites.django_urls(asgi=over_asgi),
        MIDDLEWARE=["ratelimit_ddb.django.RateLimitMiddleware"] if middleware else [],
        RATELIMIT_DDB={name.upper(): value for name, value in options.items()},
        FORCE_SCRIPT_NAME=force,
    ):
        app: Any = get_asgi_application() if over_asgi else get_wsgi_application()
        if not middleware:
            package = asgi if over_asgi else wsgi
            app = package.RateLimitMiddleware(app, **options)
        with (
            uvicorn_server(app, lifespan="off", root_path=root_path)
            if over_asgi
            else waitress_server(app)
        ) as server:
            yield server


def flask_inside() -> Any:
    app = sites.flask_app()
    limit_app(app, **rules_of(Flask))
    return app


def starlette_with(**options: Any) -> Starlette:
    return Starlette(routes=sites.starlette_routes(), **options)


WHOLE: dict[str, tuple[Callable[[], Serving], list[str]]] = {
    "Starlette, h11": (
        lambda: uvicorn_server(around(starlette_with(), sites.STARLETTE), http="h11"),
        sites.STARLETTE,
    ),
    "Starlette, httptools, inside": (
        lambda: uvicorn_server(
            starlette_with(middleware=[inside(sites.STARLETTE)]), http="httptools"
        ),
        sites.STARLETTE,
    ),
    "FastAPI": (
        lambda: uvicorn_server(around(sites.fastapi_app(), sites.FASTAPI)),
        sites.FASTAPI,
    ),
    "Flask": (lambda: waitress_server(around_wsgi(sites.flask_app(), Flask)), Flask),
    "Flask, limit_app": (lambda: waitress_server(flask_inside()), Flask),
    "Django over WSGI": (lambda: django(over_asgi=False), Django),
    "Django over WSGI, its middleware": (lambda: django(over_asgi=False, middleware=True), Django),
    "Django over ASGI": (lambda: django(over_asgi=True), Django),
    "Django over ASGI, its middleware": (lambda: django(over_asgi=True, middleware=True), Django),
    "Falcon over WSGI": (
        lambda: waitress_server(around_wsgi(sites.falcon_app(asgi=False), Falcon)),
        Falcon,
    ),
    "Falcon over ASGI": (
        lambda: uvicorn_server(around(sites.falcon_app(asgi=True, strip=True), Falcon)),
        [pattern for pattern in Falcon if pattern != "/search/"],  # which it can't route then
    ),
    "Litestar": (
        lambda: uvicorn_server(around(sites.litestar_app(), sites.LITESTAR)),
        sites.LITESTAR,
    ),
}


@pytest.mark.parametrize("site", WHOLE)
def test_p15_a_rule_sees_every_request_that_reaches_its_view(site: str) -> None:
    start, patterns = WHOLE[site]
    with start() as server:
        holes, reached = missed(server, TARGETS)
    assert holes == {}
    assert set(patterns) <= reached, "a view that nothing reaches would prove nothing"


def fastapi_with_root_path(**options: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # newer versions would have it from the server
        return sites.fastapi_app(root_path=MOUNT, **options)


def hidden(app: Any) -> Any:
    """A middleware that is a closure, as many are."""

    async def middleware(scope: Any, receive: Any, send: Any) -> None:
        await app(scope, receive, send)

    return middleware


def mounted_inside() -> Starlette:
    app = starlette_with(middleware=[inside(sites.STARLETTE)])
    return Starlette(routes=[Mount(MOUNT, app)])


def told_root_path(app: Any) -> Any:
    """A server that tells the root path and leaves it off the path, as hypercorn does."""

    async def server(scope: Any, receive: Any, send: Any) -> None:
        await app({**scope, "root_path": MOUNT}, receive, send)

    return server


def nothing(_environ: Any, start_response: Any) -> list[bytes]:
    start_response("404 Not Found", [])
    return []


def falcon_below() -> Any:
    return around(sites.falcon_app(asgi=True, below=MOUNT), Falcon, MOUNT)


BELOW: dict[str, Callable[[], Serving]] = {
    "FastAPI(root_path=...)": lambda: uvicorn_server(
        around(fastapi_with_root_path(), sites.FASTAPI)
    ),
    "FastAPI(root_path=...), the middleware inside": lambda: uvicorn_server(
        fastapi_with_root_path(middleware=[inside(sites.FASTAPI)])
    ),
    "FastAPI(root_path=...), behind a closure and a mount": lambda: uvicorn_server(
        around(hidden(Starlette(routes=[Mount("/", fastapi_with_root_path())])), sites.FASTAPI)
    ),
    "a mount in Starlette": lambda: uvicorn_server(
        around(
            Starlette(routes=[Mount(MOUNT, routes=sites.starlette_routes())]),
            sites.STARLETTE,
            MOUNT,
        )
    ),
    "a mount in Starlette with a parameter": lambda: uvicorn_server(
        around(
            Starlette(routes=[Mount("/{tenant}", routes=sites.starlette_routes())]),
            sites.STARLETTE,
            "/{tenant}",
        )
    ),
    "mounts in a mount": lambda: uvicorn_server(
        around(
            Starlette(
                routes=[Mount("/{a}", routes=[Mount("/{b}", routes=sites.starlette_routes())])]
            ),
            sites.STARLETTE,
            "/{a}/{b}",
        )
    ),
    "a mount in Litestar, of Litestar": lambda: uvicorn_server(
        around(
            hidden(sites.mounted_in_litestar(sites.litestar_app(), MOUNT)), sites.LITESTAR, MOUNT
        )
    ),
    "hypercorn --root-path, Starlette": lambda: uvicorn_server(
        told_root_path(around(starlette_with(), sites.STARLETTE)), lifespan="off"
    ),
    "hypercorn --root-path, mounts in a mount": lambda: uvicorn_server(
        told_root_path(
            around(
                Starlette(
                    routes=[Mount("/{a}", routes=[Mount("/{b}", routes=sites.starlette_routes())])]
                ),
                sites.STARLETTE,
                "/{a}/{b}",
            )
        ),
        lifespan="off",
    ),
    "hypercorn --root-path, Litestar": lambda: uvicorn_server(
        told_root_path(around(sites.litestar_app(), sites.LITESTAR)), lifespan="off"
    ),
    "hypercorn --root-path, Falcon": lambda: uvicorn_server(
        told_root_path(around(sites.falcon_app(asgi=True), Falcon)), lifespan="off"
    ),
    "a mount in Starlette, the middleware inside": lambda: uvicorn_server(mounted_inside()),
    "uvicorn --root-path, Starlette": lambda: uvicorn_server(
        around(starlette_with(), sites.STARLETTE), root_path=MOUNT
    ),
    "uvicorn --root-path, Litestar": lambda: uvicorn_server(
        around(sites.litestar_app(), sites.LITESTAR), root_path=MOUNT
    ),
    "uvicorn --root-path, Falcon": lambda: uvicorn_server(falcon_below(), root_path=MOUNT),
    "uvicorn --root-path, Django": lambda: django(over_asgi=True, root_path=MOUNT),
    "uvicorn --root-path, Django, its middleware": lambda: django(
        over_asgi=True, middleware=True, root_path=MOUNT
    ),
    "FORCE_SCRIPT_NAME over ASGI": lambda: django(over_asgi=True, force=MOUNT),
    "FORCE_SCRIPT_NAME over ASGI, Django's middleware": lambda: django(
        over_asgi=True, middleware=True, force=MOUNT
    ),
    "FORCE_SCRIPT_NAME over WSGI": lambda: django(over_asgi=False, force=MOUNT),
    "DispatcherMiddleware, around": lambda: waitress_server(
        around_wsgi(
            DispatcherMiddleware(
                nothing,
                {MOUNT: sites.flask_app()},
            ),
            Flask,
            MOUNT,
        )
    ),
    "DispatcherMiddleware, the middleware inside": lambda: waitress_server(
        DispatcherMiddleware(
            nothing,
            {MOUNT: around_wsgi(sites.flask_app(), Flask)},
        )
    ),
    "waitress --url-prefix, Flask": lambda: waitress_server(
        around_wsgi(sites.flask_app(), Flask), url_prefix=MOUNT
    ),
}


@pytest.mark.parametrize("site", BELOW)
def test_p15_a_rule_sees_its_view_below_a_mount_and_a_root_path(site: str) -> None:
    with BELOW[site]() as server:
        holes, reached = missed(server, MOUNTED)
    assert holes == {}
    assert {"/login", "/items/{id:int}"} <= reached
