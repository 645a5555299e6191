"""One application in each framework: it serves who sends the credential, as the framework reads it.

``/header`` wants it in ``X-Api-Key``, ``/cookie`` in the cookie ``sid``, ``/bearer`` as a bearer
token.
"""

from __future__ import annotations

from collections.abc import Callable
from http.cookies import CookieError, SimpleCookie
from typing import Annotated, Any

import falcon
import falcon.asgi
import flask
import litestar
from asgiref.wsgi import WsgiToAsgi
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpResponse
from django.urls import path
from fastapi import Cookie, Depends, FastAPI, Header, HTTPException
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

VALID = "s3cret-key"
OK, REFUSED = 200, 401


def status_of(credential: str | None) -> int:
    return OK if credential == VALID else REFUSED


def token_in(authorization: str | None) -> str | None:
    """The bearer token, as most applications that look for it themselves take it out."""
    scheme, _, token = (authorization or "").partition(" ")
    return token if scheme.lower() == "bearer" else None


def in_starlette() -> Any:
    async def by_header(request: Any) -> Response:
        return Response(status_code=status_of(request.headers.get("x-api-key")))

    async def by_cookie(request: Any) -> Response:
        return Response(status_code=status_of(request.cookies.get("sid")))

    async def by_bearer(request: Any) -> Response:
        return Response(status_code=status_of(token_in(request.headers.get("authorization"))))

    routes = [("/header", by_header), ("/cookie", by_cookie), ("/bearer", by_bearer)]
    return Starlette(routes=[Route(path, endpoint) for path, endpoint in routes])


def in_fastapi() -> Any:
    app = FastAPI()

    @app.get("/header")
    async def by_header(x_api_key: Annotated[str, Header()] = "") -> None:
        require(x_api_key)

    @app.get("/cookie")
    async def by_cookie(sid: Annotated[str, Cookie()] = "") -> None:
        require(sid)

    bearer = Depends(HTTPBearer(auto_error=False))

    @app.get("/bearer")
    async def by_bearer(found: HTTPAuthorizationCredentials | None = bearer) -> None:
        require(found.credentials if found else "")

    def require(credential: str) -> None:
        if credential != VALID:
            raise HTTPException(REFUSED)

    return app


def in_litestar() -> Any:
    def answer(credential: str | None) -> litestar.Response[None]:
        return litestar.Response(None, status_code=status_of(credential))

    @litestar.get("/header", sync_to_thread=False)
    def by_header(request: litestar.Request[Any, Any, Any]) -> litestar.Response[None]:
        return answer(request.headers.get("x-api-key"))

    @litestar.get("/cookie", sync_to_thread=False)
    def by_cookie(request: litestar.Request[Any, Any, Any]) -> litestar.Response[None]:
        return answer(request.cookies.get("sid"))

    @litestar.get("/bearer", sync_to_thread=False)
    def by_bearer(request: litestar.Request[Any, Any, Any]) -> litestar.Response[None]:
        return answer(token_in(request.headers.get("authorization")))

    return litestar.Litestar([by_header, by_cookie, by_bearer])


def in_flask() -> flask.Flask:
    app = flask.Flask(__name__, root_path=".")

    @app.get("/header")
    def by_header() -> tuple[str, int]:
        return "", status_of(flask.request.headers.get("x-api-key"))

    @app.get("/cookie")
    def by_cookie() -> tuple[str, int]:
        return "", status_of(flask.request.cookies.get("sid"))

    @app.get("/bearer")
    def by_bearer() -> tuple[str, int]:
        found = flask.request.authorization
        return "", status_of(found.token if found and found.type == "bearer" else None)

    return app


def flask_over_asgi() -> Any:
    untyped: Any = WsgiToAsgi
    bridge = untyped(in_flask().wsgi_app)

    async def bridged(scope: Any, receive: Any, send: Any) -> None:
        async def awaited(message: Any) -> None:  # the bridge wants a coroutine function
            await send(message)

        await bridge(scope, receive, awaited)

    return bridged


class _Falcon:
    def __init__(self, find: Callable[[Any], str | None]) -> None:
        self._find = find

    def on_get(self, request: Any, response: Any) -> None:
        response.status = status_of(self._find(request))


class _AsyncFalcon(_Falcon):
    async def on_get(self, request: Any, response: Any) -> None:  # type: ignore[override]
        response.status = status_of(self._find(request))


def _with_falcon_routes(app: Any, resource: type[_Falcon]) -> Any:
    app.add_route("/header", resource(lambda request: request.get_header("x-api-key")))
    app.add_route("/cookie", resource(lambda request: request.cookies.get("sid")))
    app.add_route("/bearer", resource(lambda request: token_in(request.auth)))
    return app


def in_falcon() -> Any:
    return _with_falcon_routes(falcon.App(), _Falcon)


def in_async_falcon() -> Any:
    return _with_falcon_routes(falcon.asgi.App(), _AsyncFalcon)


def by_header(request: Any) -> HttpResponse:
    return HttpResponse(status=status_of(request.headers.get("x-api-key")))


def by_cookie(request: Any) -> HttpResponse:
    return HttpResponse(status=status_of(request.COOKIES.get("sid")))


def by_bearer(request: Any) -> HttpResponse:
    return HttpResponse(status=status_of(token_in(request.headers.get("authorization"))))


urlpatterns = [path("header", by_header), path("cookie", by_cookie), path("bearer", by_bearer)]


def in_django() -> Any:
    """For a test's settings to have ROOT_URLCONF name this module."""
    return WSGIHandler()


def in_async_django() -> Any:
    return ASGIHandler()


def in_plain_wsgi(environ: Any, start_response: Any) -> list[bytes]:
    """An application of no framework, with the standard library's cookies, as Bottle has them."""
    found = environ.get("HTTP_X_API_KEY")
    if environ["PATH_INFO"] == "/cookie":
        try:
            morsel = SimpleCookie(environ.get("HTTP_COOKIE", "")).get("sid")
        except CookieError:
            morsel = None
        found = morsel.value if morsel else None
    elif environ["PATH_INFO"] == "/bearer":
        found = token_in(environ.get("HTTP_AUTHORIZATION"))
    start_response("200 OK" if found == VALID else "401 Unauthorized", [])
    return [b""]
