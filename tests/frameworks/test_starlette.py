"""Starlette: the middleware, and its routes as endpoints of rules, as its clients see them."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Host, Mount, Route, Router, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.websockets import WebSocket

from ratelimit_ddb import MemoryStore, asgi
from ratelimit_ddb.starlette import RateLimitMiddleware, route_of
from ratelimit_ddb.web import Rule, session_user
from ratelimit_ddb.web.request import of_scope
from tests.frameworks.asgi_client import ask, items, kinds, statuses, visit


async def hello(request: Request) -> Response:
    return PlainTextResponse(f"hello {request.path_params.get('id', '')}")


async def greet(websocket: WebSocket) -> None:
    await websocket.accept()
    async for text in websocket.iter_text():
        await websocket.send_text(f"hello {text}")


def site(store: MemoryStore, *rules: Rule, routes: Any = None, **options: Any) -> Starlette:
    """An application behind the middleware, which finds its routes."""
    chosen = routes or [
        Route("/users/{id:int}", hello, methods=["GET", "POST"]),
        Route("/posts/{id}", hello),
    ]
    options = {"store": store, "rules": rules, "endpoint_of": route_of(), **options}
    return Starlette(routes=chosen, middleware=[Middleware(RateLimitMiddleware, **options)])


# The middleware


def test_the_middleware_is_the_plain_one() -> None:
    assert RateLimitMiddleware is asgi.RateLimitMiddleware


def test_the_frameworks_are_imported_by_their_own_modules_only() -> None:
    program = "import sys, ratelimit_ddb.asgi, ratelimit_ddb.wsgi; print(*sys.modules)"
    imported = subprocess.check_output([sys.executable, "-c", program], text=True).split()
    assert not {"starlette", "fastapi"} & set(imported)


def test_a_denied_request_is_answered_in_the_applications_place(store: MemoryStore) -> None:
    app = site(store, Rule("/users/*", "1/minute", name="users"))
    passed, denied = ask(app, "/users/3"), ask(app, "/users/4")
    assert (passed.status_code, passed.text) == (200, "hello 3")
    assert passed.headers["ratelimit"] == '"users";r=0;t=60'
    assert passed.headers["ratelimit-policy"] == '"users";q=1;w=60'
    assert denied.status_code == 429
    assert denied.headers["content-type"] == "application/problem+json"
    assert denied.json()["violated-policies"] == ["users"]
    assert denied.headers["retry-after"] == "60"


def test_each_route_has_a_bucket_whatever_its_paths(store: MemoryStore) -> None:
    app = site(store, Rule("/*", "1/minute", scope="endpoint"))
    assert statuses(app, "/users/1", "/users/2", "/posts/1", "/posts/2") == [200, 429, 200, 429]


def test_paths_without_a_route_share_the_rules_own_bucket(store: MemoryStore) -> None:
    app = site(store, Rule("/*", "1/minute", scope="endpoint"))
    assert statuses(app, "/none", "/nothing", "/users/1") == [404, 429, 200]


def test_p14_a_path_that_the_router_fails_at_is_counted_first(store: MemoryStore) -> None:
    # Python makes no int of more than 4,300 digits, so Starlette's converter raises.
    app = site(store, Rule("/*", "2/minute", scope="endpoint"))
    path = f"/users/{'9' * 5_000}"
    for _ in range(2):
        with pytest.raises(ValueError, match="4300 digits"):
            ask(app, path)
    assert ask(app, path).status_code == 429


def test_the_middleware_may_be_added_to_an_application_or_put_around_it(store: MemoryStore) -> None:
    rules = [Rule("/*", "1/minute", scope="endpoint")]
    inside = Starlette(routes=[Route("/users/{id}", hello), Route("/posts/{id}", hello)])
    around = asgi.RateLimitMiddleware(
        inside, store=MemoryStore(), rules=rules, endpoint_of=route_of(inside)
    )
    paths = ("/users/1", "/users/2", "/posts/1")
    assert statuses(around, *paths) == [200, 429, 200]
    added = Starlette(routes=inside.routes)
    added.add_middleware(RateLimitMiddleware, store=store, rules=rules, endpoint_of=route_of())
    assert statuses(added, *paths) == [200, 429, 200]


def test_a_mounted_application_may_have_its_own(store: MemoryStore) -> None:
    app = Starlette(routes=[Mount("/api", site(store, Rule("/users/*", "1/minute")))])
    assert statuses(app, "/api/users/1", "/api/users/2", "/api/posts/2") == [200, 429, 200]


def test_a_session_that_starlette_opened_tells_the_user(store: MemoryStore) -> None:
    async def login(request: Request) -> Response:
        request.session["user_id"] = request.path_params["name"]
        return PlainTextResponse("in")

    rules = Rule("/page", "1/minute", by=session_user())
    app = Starlette(
        routes=[Route("/login/{name}", login), Route("/page", hello)],
        middleware=[
            Middleware(SessionMiddleware, secret_key="of-tests"),
            Middleware(RateLimitMiddleware, store=store, rules=rules),
        ],
    )
    ada = {"cookie": ask(app, "/login/ada").headers["set-cookie"].partition(";")[0]}
    bob = {"cookie": ask(app, "/login/bob").headers["set-cookie"].partition(";")[0]}
    asked = [ask(app, "/page", headers=who).status_code for who in (ada, ada, bob, {}, {})]
    assert asked == [200, 429, 200, 200, 429]


def test_websockets_are_limited_by_handshakes_and_messages(store: MemoryStore) -> None:
    rule = Rule("/chat/*", "2/minute", messages="1/minute", name="chat", scope="endpoint")
    app = site(store, rule, routes=[WebSocketRoute("/chat/{room}", greet)])
    assert kinds(visit(app, "/chat/a", "ada")) == ["accept", "send"]
    accepted, closed = visit(app, "/chat/b", "bob")
    assert (b"ratelimit", b'"chat";r=0;t=30') in accepted["headers"]
    assert (closed["type"], closed["code"]) == ("websocket.close", 1013)
    refused = visit(app, "/chat/c")
    assert kinds(refused) == ["http.response.start", "http.response.body"]
    assert refused[0]["status"] == 429


# The routes


def template(app: Any, path: str, method: str = "GET", kind: str = "http", **more: Any) -> Any:
    scope = {"type": kind, "method": method, "path": path, "headers": [], "app": app} | more
    before = dict(scope)
    found = route_of(app)(of_scope(scope))
    assert scope == before
    assert route_of()(of_scope(scope)) == found
    return found


def tree() -> Starlette:
    users = [
        Route("/", hello),
        Route("/{id:int}", hello, methods=["GET"]),
        Route("/{id:int}", hello, methods=["DELETE"]),
        WebSocketRoute("/{id:int}/live", greet),
        Mount("/{id:int}/files", routes=[Route("/{rest:path}", hello)]),
    ]
    routes = [
        Route("/", hello),
        Mount("/api", routes=[Mount("/users", routes=users)]),
        Mount("/{tenant}/shop", app=Router([Route("/{item}", hello)])),
        Mount("/static", app=StaticFiles(directory=Path(__file__).parent)),
        Host("{name}.example.com", app=Router([Route("/of/{host}", hello)])),
    ]
    return Starlette(routes=routes)


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("/", "/"),
        ("/api/users/", "/api/users/"),
        ("/api/users/3", "/api/users/{id}"),
        ("/api/users/three", None),
        ("/api/users/3/files/a/b", "/api/users/{id}/files/{rest}"),
        ("/api", None),
        ("/acme/shop/7", "/{tenant}/shop/{item}"),
        ("/static/site.css", "/static/{path}"),
        ("/none", None),
    ],
)
def test_the_template_of_a_path_is_that_of_its_route_behind_its_mounts(
    path: str, found: str | None
) -> None:
    assert template(tree(), path) == found


def test_the_template_is_that_of_the_kind_of_connection() -> None:
    assert template(tree(), "/api/users/3/live", kind="websocket") == "/api/users/{id}/live"
    assert template(tree(), "/api/users/3/live") is None
    assert template(tree(), "/api/users/3", kind="websocket") is None


def test_a_path_below_a_host_has_the_template_of_its_route() -> None:
    headers = [(b"host", b"a.example.com")]
    assert template(tree(), "/of/3", headers=headers) == "/of/{host}"
    assert template(tree(), "/of/3") is None


def test_a_method_that_the_route_lacks_does_not_hide_it() -> None:
    assert template(tree(), "/api/users/3", "PUT") == "/api/users/{id}"


def test_the_path_above_the_application_is_not_part_of_the_template() -> None:
    found = template(tree(), "/outside/api/users/3", root_path="/outside")
    assert found == "/api/users/{id}"


def test_routes_that_are_added_later_are_seen() -> None:
    app = Starlette()
    endpoint_of = route_of(app)
    request = of_scope({"type": "http", "method": "GET", "path": "/new/1", "headers": []})
    assert endpoint_of(request) is None
    app.router.routes.append(Route("/new/{id}", hello))
    assert endpoint_of(request) == "/new/{id}"


def test_a_router_will_do() -> None:
    assert route_of(Router([Route("/a/{b}", hello)]))(
        of_scope({"type": "http", "method": "GET", "path": "/a/1", "headers": []})
    )


def test_what_has_no_routes_is_refused() -> None:
    with pytest.raises(TypeError, match=r"route_of\(<function hello .*must be .* with routes"):
        route_of(hello)  # type: ignore[arg-type]


def test_outside_of_an_application_it_has_to_be_given() -> None:
    outside = of_scope({"type": "http", "method": "GET", "path": "/", "headers": []})
    with pytest.raises(RuntimeError, match=r"pass it: route_of\(app\)"):
        route_of()(outside)


def test_the_example_runs() -> None:
    app = importlib.import_module("examples.starlette_app").app
    codes = [ask(app, "/codes", "POST").status_code for _ in range(4)]
    assert codes == [200, 200, 200, 429]
    assert items(ask(app, "/users/1")) == ["api:5-per-second"]
