"""FastAPI: the routes that rules go by, and what else they see of a request."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

import pytest
from fastapi import APIRouter, Depends, FastAPI
from fastapi.requests import HTTPConnection
from starlette.applications import Starlette
from starlette.middleware.sessions import SessionMiddleware
from starlette.routing import Mount, Route

from ratelimit_ddb import MemoryStore, asgi
from ratelimit_ddb.fastapi import (
    RateLimit,
    RateLimitMiddleware,
    route_of,
)
from ratelimit_ddb.web import Request, Rule, session_user
from ratelimit_ddb.web.request import of_scope
from tests.frameworks.asgi_client import ask, statuses


def test_rules_see_the_request_with_its_whole_route(app: FastAPI, store: MemoryStore) -> None:
    seen: list[Request] = []

    def by(request: Request) -> str:
        seen.append(request)
        return "someone"

    limit = Depends(RateLimit("9/minute", store=store, by=by))
    app.get("/top/{id}", dependencies=[limit])(lambda: None)
    router = APIRouter(dependencies=[limit])
    router.get("/in/{id:path}")(lambda: None)
    app.include_router(router, prefix="/v1")
    inner = FastAPI()
    inner.include_router(router, prefix="/v2")
    outer = Starlette(routes=[Mount("/sub/{tenant}", inner), Mount("/", app)])
    for path in ("/top/1", "/v1/in/2/3", "/sub/acme/v2/in/4", "/sub/corp/v2/in/5"):
        assert ask(outer, path).status_code == 200
    assert [request.endpoint for request in seen] == [
        "/top/{id}",
        "/v1/in/{id}",
        "/sub/{tenant}/v2/in/{id}",
        "/sub/{tenant}/v2/in/{id}",
    ]
    assert [request.path for request in seen] == ["/top/1", "/v1/in/2/3", "/v2/in/4", "/v2/in/5"]


def test_an_identity_may_be_awaited(app: FastAPI, store: MemoryStore) -> None:
    async def by(request: Request) -> str:
        await asyncio.sleep(0)
        return request.header("x-key") or "nobody"

    limit = RateLimit("1/minute", store=store, by=by)
    app.get("/", dependencies=[Depends(limit)])(lambda: None)
    asked = [ask(app, "/", headers={"x-key": key}).status_code for key in ("a", "a", "b")]
    assert asked == [200, 429, 200]


def test_a_session_that_starlette_opened_tells_the_user(app: FastAPI, store: MemoryStore) -> None:
    limit = RateLimit("1/minute", store=store, by=session_user())
    app.get("/", dependencies=[Depends(limit)])(lambda: None)

    @app.get("/login/{name}")
    async def login(name: str, session: Annotated[Any, Depends(session_of)]) -> None:
        session["user_id"] = name

    app.add_middleware(SessionMiddleware, secret_key="of-tests")
    ada = {"cookie": ask(app, "/login/ada").headers["set-cookie"].partition(";")[0]}
    bob = {"cookie": ask(app, "/login/bob").headers["set-cookie"].partition(";")[0]}
    asked = [ask(app, "/", headers=who).status_code for who in (ada, ada, bob, {}, {})]
    assert asked == [200, 429, 200, 200, 429]


def session_of(connection: HTTPConnection) -> Any:
    return connection.session


def test_everybody_who_wants_to_know_is_told_of_each_route(
    app: FastAPI, store: MemoryStore
) -> None:
    told: list[str] = []
    tell = (listen for listen in [lambda decision: told.append(decision.rule)])
    limit = RateLimit(iter(["9/minute"]), store=store, on_decision=tell)
    for path in ("/a", "/b"):
        app.get(path, dependencies=[Depends(limit)])(lambda: None)
        ask(app, path)
    assert told == ["GET /a", "GET /b"]


def test_the_middleware_is_the_plain_one() -> None:
    assert RateLimitMiddleware is asgi.RateLimitMiddleware


@pytest.mark.parametrize("inside", [True, False], ids=["inside", "around"])
def test_rules_have_a_bucket_for_each_route(inside: bool, store: MemoryStore) -> None:
    app = FastAPI()
    router = APIRouter()
    router.get("/a/{id}")(lambda: None)
    router.get("/b/{id}")(lambda: None)
    app.include_router(router, prefix="/v1")
    app.get("/c/{id}")(lambda: None)
    options: Any = {"store": store, "rules": Rule("/*", "1/minute", scope="endpoint")}
    if inside:
        app.add_middleware(RateLimitMiddleware, **options, endpoint_of=route_of())
    limited = app if inside else RateLimitMiddleware(app, **options, endpoint_of=route_of(app))
    paths = ("/v1/a/1", "/v1/a/2", "/v1/b/1", "/c/1", "/c/2", "/none", "/no")
    assert statuses(limited, *paths) == [200, 429, 200, 200, 429, 404, 429]


def template(app: Any, path: str, **scope: Any) -> str | None:
    scope = {"type": "http", "method": "GET", "path": path, "headers": []} | scope
    return route_of(app)(of_scope(scope))


def test_the_template_of_a_path_has_the_prefixes_of_routers_and_mounts() -> None:
    deepest = APIRouter(prefix="/deep")
    deepest.get("/{id}")(lambda: None)
    deepest.websocket("/{id}/live")(lambda websocket: None)
    deepest.host("a.test", Starlette(routes=[Route("/of/{host}", lambda request: None)]))
    deepest.mount("/files", Starlette(routes=[Route("/{rest:path}", lambda request: None)]))
    router = APIRouter()
    router.include_router(deepest, prefix="/{tenant}")
    app = FastAPI()
    app.include_router(router, prefix="/v1")
    outer = Starlette(routes=[Mount("/sub", app)])
    assert template(app, "/v1/acme/deep/3") == "/v1/{tenant}/deep/{id}"
    assert template(outer, "/sub/v1/acme/deep/3") == "/sub/v1/{tenant}/deep/{id}"
    assert template(app, "/v1/acme/deep/3/live", type="websocket") == "/v1/{tenant}/deep/{id}/live"
    assert template(app, "/v1/acme/files/a/b") == "/v1/{tenant}/files/{rest}"
    headers = [(b"host", b"a.test")]
    assert template(app, "/v1/acme/of/1", headers=headers) == "/v1/{tenant}/of/{host}"
    assert template(app, "/openapi.json") == "/openapi.json"
    assert template(app, "/v1/acme/shallow/3") is None
    assert template(app, "/deep/3") is None


def test_routes_that_are_added_later_are_seen() -> None:
    app = FastAPI()
    router = APIRouter()
    app.include_router(router, prefix="/v1")
    assert template(app, "/v1/new/1") is None
    router.get("/new/{id}")(lambda: None)
    assert template(app, "/v1/new/1") == "/v1/new/{id}"
