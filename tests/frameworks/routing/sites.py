"""Applications of each framework, whose views say that they were reached.

Each has its routes in its own notation, beside the pattern that means the same.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

import falcon
import falcon.asgi
import flask
from django.http import HttpResponse
from django.urls import include, path, re_path
from fastapi import FastAPI
from fastapi.responses import PlainTextResponse
from litestar import Litestar, asgi, get
from starlette.routing import Route

from tests.frameworks.routing.record import REACHED

STARLETTE = [
    "/",
    "/login",
    "/search/",
    "/users/{id}",
    "/users/{id}/posts/{n:int}",
    "/items/{id:int}",
    "/a/{slug}-{id:int}",
    "/prices/{price:float}",
    "/objects/{id:uuid}",
    "/files/{rest:path}",
    "/pages/{page:path}/edit",
    "/glued{rest:path}",
    "/v{major:int}.{minor:int}/x",
    "/x{a}{b:int}",
    "/café",
    "/{name}.json",
    "/{top}",
]
"""Also FastAPI's: the notation is the one of patterns."""
ANNOTATED: dict[str, tuple[str, type]] = {
    "/orders/{value}": ("/orders/{value:int}", int),
    "/rates/{value}": ("/rates/{value:float}", float),
    "/keys/{value}": ("/keys/{value:uuid}", UUID),
}
"""Routes of FastAPI's whose parameter is of a type by its annotation alone."""
FASTAPI = [*STARLETTE, *(pattern for pattern, _ in ANNOTATED.values())]

FLASK = {
    "/": "/",
    "/login": "/login",
    "/search/": "/search/",
    "/users/<id>": "/users/{id}",
    "/users/<id>/posts/<int:n>": "/users/{id}/posts/{n:int}",
    "/items/<int:id>": "/items/{id:int}",
    "/signed/<int(signed=True):id>": "/signed/{id:int}",
    "/a/<slug>-<int:id>": "/a/{slug}-{id:int}",
    "/prices/<float:price>": "/prices/{price:float}",
    "/objects/<uuid:id>": "/objects/{id:uuid}",
    "/files/<path:rest>": "/files/{rest:path}",
    "/pages/<path:page>/edit": "/pages/{page:path}/edit",
    "/v<int:major>.<int:minor>/x": "/v{major:int}.{minor:int}/x",
    "/lang/<string(length=2):lang>": "/lang/{lang}",
    "/choice/<any(a, b):choice>": "/choice/{choice}",
    "/x<a><int:b>": "/x{a}{b:int}",
    "/café": "/café",
    "/<name>.json": "/{name}.json",
    "/<top>": "/{top}",
}

DJANGO = {
    "": "/",
    "login": "/login",
    "search/": "/search/",
    "users/<id>": "/users/{id}",
    "users/<id>/posts/<int:n>": "/users/{id}/posts/{n:int}",
    "items/<int:id>": "/items/{id:int}",
    "a/<slug:slug>-<int:id>": "/a/{slug:slug}-{id:int}",
    "objects/<uuid:id>": "/objects/{id:uuid}",
    "posts/<slug:post>/": "/posts/{post:slug}/",
    "files/<path:rest>": "/files/{rest:path}",
    "pages/<path:page>/edit": "/pages/{page:path}/edit",
    "glued<path:rest>": "/glued{rest:path}",
    "v<int:major>.<int:minor>/x": "/v{major:int}.{minor:int}/x",
    "x<str:a><int:b>": "/x{a}{b:int}",
    "café": "/café",
    r"^legacy/(?P<id>\d+)$": "/legacy/{id:int}",
    r"^archive/(?P<year>[0-9]{4})/?$": "/archive/{year:int}",
    "<str:name>.json": "/{name}.json",
    "<str:top>": "/{top}",
}
DJANGO_INCLUDED = {"login": "/api/login", "items/<int:id>/": "/api/items/{id:int}"}

FALCON = [
    "/",
    "/login",
    "/search/",
    "/users/{id}",
    "/users/{id}/posts/{n:int}",
    "/items/{id:int}",
    "/a/{slug}-{id:int}",
    "/prices/{price:float}",
    "/objects/{id:uuid}",
    "/files/{rest:path}",
    "/v{major:int}.{minor:int}/x",
    "/days/{day:dt}",
    "/café",
    "/{name}.json",
    "/{top}",
]

LITESTAR = [
    "/",
    "/login",
    "/search/",
    "/users/{id:str}",
    "/users/{id:str}/posts/{n:int}",
    "/items/{id:int}",
    "/prices/{price:float}",
    "/objects/{id:uuid}",
    "/files/{rest:path}",
    "/days/{day:date}",
    "/times/{time:time}",
    "/café",
    "/{top:str}",
]


def _endpoint(pattern: str) -> Any:
    async def endpoint() -> PlainTextResponse:
        REACHED.add(pattern)
        return PlainTextResponse(pattern)

    return endpoint


def starlette_routes() -> list[Route]:
    def route(pattern: str) -> Route:
        endpoint = _endpoint(pattern)

        async def of_request(_request: Any) -> Any:
            return await endpoint()

        return Route(pattern, of_request)

    return [route(pattern) for pattern in STARLETTE]


def fastapi_app(**options: Any) -> FastAPI:
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, **options)
    for pattern in STARLETTE:
        app.add_api_route(pattern, _endpoint(pattern), name=pattern)
    for own, (pattern, kind) in ANNOTATED.items():
        app.add_api_route(own, _annotated(pattern, kind), name=pattern)
    return app


def _annotated(pattern: str, kind: type) -> Any:
    async def endpoint(value: Any) -> None:
        REACHED.add(pattern)

    endpoint.__annotations__["value"] = kind
    return endpoint


def flask_app() -> flask.Flask:
    app = flask.Flask(__name__, static_folder=None)
    app.url_map.strict_slashes = False

    def view(pattern: str) -> Any:
        def reached(**_captured: Any) -> str:
            REACHED.add(pattern)
            return pattern

        return reached

    for own, pattern in FLASK.items():
        app.add_url_rule(own, pattern, view(pattern))
    return app


def django_urls(*, asgi: bool) -> type:
    """A urlconf; Django needs no module."""

    def view(pattern: str) -> Any:
        def reached(_request: Any, **_captured: Any) -> HttpResponse:
            REACHED.add(pattern)
            return HttpResponse(pattern)

        async def reached_async(_request: Any, **_captured: Any) -> HttpResponse:
            return reached(_request)

        return reached_async if asgi else reached

    def url(own: str, pattern: str) -> Any:
        return (re_path if own.startswith("^") else path)(own, view(pattern))

    included = include([url(own, pattern) for own, pattern in DJANGO_INCLUDED.items()])
    patterns = [path("api/", included), *(url(own, pattern) for own, pattern in DJANGO.items())]
    return type("Urls", (), {"urlpatterns": patterns})


def _resource(pattern: str, *, asgi: bool) -> Any:
    def on_get(_resource: Any, _request: Any, _response: Any, **_captured: Any) -> None:
        REACHED.add(pattern)

    async def on_get_async(*given: Any, **captured: Any) -> None:
        on_get(*given, **captured)

    return type("Resource", (), {"on_get": on_get_async if asgi else on_get})()


def falcon_app(*, asgi: bool, below: str = "", strip: bool = False) -> Any:
    app: Any = falcon.asgi.App() if asgi else falcon.App()
    app.req_options.strip_url_path_trailing_slash = strip
    for pattern in FALCON:
        app.add_route(below + pattern, _resource(pattern, asgi=asgi))
    return app


def litestar_app() -> Litestar:
    def handler(pattern: str) -> Any:
        async def reached() -> str:
            REACHED.add(pattern)
            return pattern

        return get(pattern)(reached)

    return Litestar([handler(pattern) for pattern in LITESTAR], openapi_config=None)


def mounted_in_litestar(app: Any, at: str) -> Litestar:
    @asgi(at, is_mount=True, copy_scope=True)
    async def mount(scope: Any, receive: Any, send: Any) -> None:
        await app(scope, receive, send)

    return Litestar([mount], openapi_config=None)
