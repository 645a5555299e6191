"""A Starlette application with the session middleware where Starlette's own would be."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sessions.asgi import SessionMiddleware
from tests.sessions_web.exchange import Browser
from tests.sessions_web.site import WatchedStore

Act = Callable[[Any], Any]


def page(act: Act, *, colour: str = "async def") -> Any:
    """A page that shows what is done with the session."""
    if colour == "def":

        def shown(request: Request) -> Response:
            return JSONResponse(act(request.session))

        return shown

    async def shown_async(request: Request) -> Response:
        return JSONResponse(act(request.session))

    return shown_async


def put(session: Any) -> None:
    session["a"] = 1


PAGES = [Route("/put", page(put)), Route("/all", page(dict))]


def site(store: WatchedStore, *routes: Any, middleware: tuple[Any, ...] = ()) -> Starlette:
    """An application with two pages, these routes, and this middleware inside."""
    return Starlette(
        routes=[*PAGES, *routes],
        middleware=[Middleware(SessionMiddleware, store=store), *middleware],
    )


def browser(app: Any, log: list[str] | None = None) -> Browser:
    return Browser(app, "asgi", log)
