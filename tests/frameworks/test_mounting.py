"""Root paths that an application sets itself, seen by the plain middleware around it."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from typing import Any

import flask
import pytest
from fastapi import FastAPI
from litestar import Litestar, asgi, get
from litestar.middleware import DefineMiddleware
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.routing import Host, Mount

from ratelimit_ddb import MemoryStore
from ratelimit_ddb.asgi import RateLimitMiddleware
from ratelimit_ddb.web import Rule
from ratelimit_ddb.web.mounting import Mounting, MountingOf
from sessions import MemorySessionStore
from sessions.asgi import SessionMiddleware
from tests.fake_clock import FakeClock
from tests.frameworks.asgi_client import statuses


def site(root_path: str = "/api") -> FastAPI:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # newer versions would have it from the server
        app = FastAPI(root_path=root_path, openapi_url=None)

    @app.get("/login")
    async def login() -> str:
        return "ok"

    return app


def closed_over(app: Any) -> Any:
    async def middleware(scope: Any, receive: Any, send: Any) -> None:
        await app(scope, receive, send)

    return middleware


class Proxy:
    """As werkzeug's current_app and Django's lazy objects outside a request."""

    __slots__ = ()

    def __getattribute__(self, name: str) -> Any:
        raise RuntimeError("working outside of application context")

    def __call__(self) -> Any: ...


def beside_a_proxy(app: Any) -> Any:
    proxy, unknown = Proxy(), flask.current_app

    async def middleware(scope: Any, receive: Any, send: Any) -> None:
        assert callable(proxy)
        assert callable(unknown)
        await app(scope, receive, send)

    return middleware


async def called(app: Any, scope: Any, receive: Any, send: Any) -> None:
    await app(scope, receive, send)


class Slotted:
    """A middleware with slots, as Sentry's is."""

    __slots__ = ("_unset", "app")

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self.app(scope, receive, send)


class ByProtocol:
    """A router of protocols, as Channels' is."""

    def __init__(self, app: Any) -> None:
        self.application_mapping = {"http": app}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self.application_mapping[scope["type"]](scope, receive, send)


class Hidden:
    """What the middleware can't look into."""

    def __init__(self, app: Any) -> None:
        self._hidden = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self._hidden(scope, receive, send)


AROUND: dict[str, Callable[[Any], Any]] = {
    "nothing": lambda app: app,
    "another middleware of ours": lambda app: RateLimitMiddleware(
        app, store=MemoryStore(), rules=[]
    ),
    "sessions": lambda app: SessionMiddleware(app, MemorySessionStore()),
    "Starlette's middleware": GZipMiddleware,
    "a closure": closed_over,
    "a closure in a closure": lambda app: closed_over(closed_over(app)),
    "a closure over a proxy": beside_a_proxy,
    "a partial": lambda app: functools.partial(called, app),
    "slots": Slotted,
    "a router of protocols": ByProtocol,
    "a method": lambda app: GZipMiddleware(app).__call__,
    "a mount": lambda app: Starlette(routes=[Mount("/", app)]),
    "a mount with middleware": lambda app: Starlette(
        routes=[Mount("/", app, middleware=[Middleware(GZipMiddleware)])]
    ),
    "a host": lambda app: Starlette(routes=[Host("{any:path}", app)]),
}


def mounted_in_litestar(app: Any, **options: Any) -> Litestar:
    @asgi("/m", is_mount=True, copy_scope=True)
    async def mount(scope: Any, receive: Any, send: Any) -> None:
        await app(scope, receive, send)

    return Litestar([mount], openapi_config=None, **options)


def limited(app: Any, **options: Any) -> RateLimitMiddleware:
    rules = Rule("/login", "2/hour")
    return RateLimitMiddleware(app, store=MemoryStore(clock=FakeClock()), rules=rules, **options)


PATHS = ["/login", "/api/login", "/api/login", "/login"]


@pytest.mark.parametrize("around", AROUND)
def test_p15_the_root_path_of_a_wrapped_application_is_seen(around: str) -> None:
    assert statuses(limited(AROUND[around](site())), *PATHS) == [200, 200, 429, 429]


def test_p15_a_root_path_that_is_set_or_mounted_later_is_seen() -> None:
    late, inner = Starlette(), site("")
    app = limited(late)
    late.mount("/", inner)
    assert statuses(app, *PATHS[:1]) == [200]
    inner.root_path = "/api"
    assert statuses(app, *PATHS[1:]) == [200, 429, 429]


def test_p15_what_can_not_be_seen_is_told() -> None:
    assert statuses(limited(Hidden(site())), *PATHS) == [200, 200, 200, 200]
    assert statuses(limited(Hidden(site()), root_path="/api"), *PATHS) == [200, 200, 429, 429]
    with pytest.raises(TypeError, match="root_path 5: must be a str such as '/api'"):
        limited(site(), root_path=5)


def test_a_flask_application_has_a_folder_and_no_root_path() -> None:
    assert MountingOf(closed_over(flask.Flask(__name__))).current() == Mounting()
    assert MountingOf(closed_over(site())).current() == Mounting(("/api",))


def test_p15_litestars_mounts_are_seen_and_what_is_in_them() -> None:
    mounting = MountingOf(closed_over(mounted_in_litestar(site()))).current()
    assert mounting == Mounting(("/api",), ("/m",))


def test_p15_a_middleware_in_litestar_sees_the_mount_that_its_router_took_off() -> None:
    rule = Rule("/m/login", "2/hour")
    of_asgi: Any = RateLimitMiddleware  # Litestar types scopes by TypedDicts of its own
    middleware = DefineMiddleware(of_asgi, store=MemoryStore(clock=FakeClock()), rules=rule)

    @get("/login")
    async def login() -> str:
        return "ok"

    inner = Litestar([login], openapi_config=None)
    app = mounted_in_litestar(inner, middleware=[middleware])
    paths = ["/m/login", "/mlogin", "/m//login/", "/m/login"]
    assert statuses(app, *paths) == [200, 200, 429, 429]
