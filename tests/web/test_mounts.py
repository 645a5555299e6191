"""Applications mounted below a path: patterns are compared with what is below the mount.

Over ASGI also with the whole path, for the scope has it and Falcon routes by it.
"""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import unquote

import pytest

from ratelimit_ddb import MemoryStore, asgi, wsgi
from ratelimit_ddb.web import Request, Rule
from ratelimit_ddb.web.request import of_environ, of_scope
from tests.fake_clock import FakeClock
from tests.web.exchange import (
    Ask,
    Get,
    Limited,
    Page,
    environ_of,
    limited_asgi,
    over_asgi,
    over_wsgi,
    scope_of,
)


@pytest.mark.parametrize("mount", ["", "/shop", "/shop/eu"])
def test_patterns_are_compared_with_the_path_below_the_mount(limited: Limited, mount: str) -> None:
    rules = [Rule("/cart", "1/hour"), Rule("/items/*", "1/hour", name="items")]
    ask = limited(store=MemoryStore(), rules=rules)
    policies = [
        ask(Get(path, mount=mount)).headers.get("ratelimit-policy")
        for path in ("/cart", "/items/cart", "/", "/elsewhere")
    ]
    assert policies == ['"/cart";q=1;w=3600', '"items";q=1;w=3600', None, None]


def test_p15_over_asgi_patterns_are_compared_with_the_whole_path_too() -> None:
    # Servers put root_path in front of the path, and Falcon routes by that.
    rules = [Rule("/cart", "9/hour"), Rule("/shop/cart", "9/hour")]
    ask = limited_asgi(store=MemoryStore(), rules=rules)
    policy = ask(Get("/cart", mount="/shop")).headers["ratelimit-policy"]
    assert policy == '"/cart";q=9;w=3600, "/shop/cart";q=9;w=3600'


def request_of(protocol: str, mount: str, path: str) -> Request:
    get = Get(path, mount=mount)
    return of_scope(scope_of(get)) if protocol == "asgi" else of_environ(environ_of(get))


@pytest.mark.parametrize("protocol", ["asgi", "wsgi"])
@pytest.mark.parametrize(
    ("mount", "path", "below"),
    [
        ("", "/", "/"),
        ("", "/a", "/a"),
        ("/shop", "/a", "/a"),
        ("/shop", "/", "/"),
        ("/shop", "", "/"),
        ("/shop", "/shop", "/shop"),
        ("/shop", "/shop/shop", "/shop/shop"),
        ("/käse", "/käse", "/käse"),
    ],
)
def test_the_path_below(protocol: str, mount: str, path: str, below: str) -> None:
    assert request_of(protocol, mount, path).path == below


@pytest.mark.parametrize(
    ("root_path", "path", "below"),
    [
        # Older frameworks take the mount off the path, newer ones leave it on.
        ("/shop", "/a", "/a"),
        ("/shop", "/shop/a", "/a"),
        ("/shop", "/shopping", "/shopping"),
        ("/shop", "/shop", "/"),
    ],
)
def test_asgi_paths_may_hold_the_mount_or_not(root_path: str, path: str, below: str) -> None:
    scope = {**scope_of(Get()), "root_path": root_path, "path": path}
    assert of_scope(scope).path == below
    assert {path} <= {below, *of_scope(scope).other_paths}
    del scope["root_path"]
    assert of_scope(scope).path == path, "a server may leave root_path out"


@pytest.mark.parametrize(
    ("root_path", "path", "router", "routed"),
    [
        ("/shop", "/shop/a", "Falcon", "/shop/a"),
        ("/shop", "/shopping/a", "Django", "/ping/a"),
        ("/shop", "/shop//a", "Starlette", "/a"),
        ("/shop/", "/shop/a", "Django", "/a"),
        ("/shop/", "/shop//a", "Starlette", "/a"),
        ("/shop", "/x/shop/a", "Litestar", "/a"),
        ("/shop", "/shop/x/shop/a", "Litestar", "/x/shop/a"),
    ],
)
def test_p15_a_rule_sees_what_each_router_makes_of_a_root_path(
    root_path: str, path: str, router: str, routed: str
) -> None:
    assert is_seen(routed, path, root_path), router


@pytest.mark.parametrize(
    ("target", "root_path", "routed"),
    [
        ("http://host/login", "", "/login"),
        ("HTTPS://[::1]:8000//login;x", "", "/login"),
        ("http://host/login?x#y", "", "/login"),
        ("http://host", "", "/"),
        ("login", "", "/login"),
        ("http://host/shop/login", "/shop", "/login"),
    ],
)
def test_p15_a_rule_sees_a_target_in_absolute_form_as_quart_routes_it(
    target: str, root_path: str, routed: str
) -> None:
    assert is_seen(routed, target, root_path)


def test_a_target_that_is_no_url_is_no_error() -> None:
    assert not is_seen("/login", "http://[/login", "")


@pytest.mark.parametrize("octets", [b"/log\xffin", b"/login\xc3", b"/\xc0\xaflogin"])
def test_p15_over_wsgi_a_rule_sees_a_path_as_it_is_without_what_is_not_utf_8(
    octets: bytes,
) -> None:
    # Bottle decodes it with errors="ignore".
    request = of_environ({"REQUEST_METHOD": "GET", "PATH_INFO": octets.decode("latin-1")})
    assert "/login" in request.other_paths


@pytest.mark.parametrize(
    ("root_path", "path", "seen"),
    [
        ("", "/users/5\n", True),
        ("/api", "/users/5", True),
        ("/api/", "/api/users/5", True),
        ("", "/users/5", False),
        ("", "/user.s/5\n", False),
        ("", "/users/5/6\n", False),
    ],
)
def test_p15_a_rule_sees_a_path_that_a_mount_stays_on(
    root_path: str, path: str, seen: bool
) -> None:
    # As below Mount("/{tenant:slug}", routes=[Route("/users/{id}", ...)]) of Starlette's.
    assert is_seen("/{tenant:slug}/users/{id}", path, root_path) == seen


@pytest.mark.parametrize(
    ("pattern", "root_path", "path", "seen"),
    [
        ("/api/", "/api/v1", "/api/v1/", True),
        ("/{tenant}/shop", "/a/shop/eu", "/a/shop/eu", True),
        ("/shop", "/api/v1", "/api/v1/", False),
        ("/api/login", "/api", "/api/", False),
        ("/api/v2", "/api/v1", "/api/v1/x", False),
    ],
)
def test_p15_a_rule_sees_the_root_of_what_is_mounted_whose_root_path_is_the_whole_path(
    pattern: str, root_path: str, path: str, seen: bool
) -> None:
    # As below Mount("/api", FastAPI(root_path="/api/v1")) of Starlette's.
    assert is_seen(pattern, path, "", inner=root_path) == seen


def is_seen(pattern: str, path: str, root_path: str, inner: str | None = None) -> bool:
    """Whether a rule is about a request, by the limits that its response tells."""
    sent: list[Any] = []

    async def receive() -> Any: ...

    async def send(message: Any) -> None:
        sent.append(message)

    rule = Rule(pattern, "9/hour")
    page = Page().asgi
    app = asgi.RateLimitMiddleware(page, store=MemoryStore(), rules=rule, root_path=inner)
    asyncio.run(app({**scope_of(Get(path)), "root_path": root_path}, receive, send))
    return b"ratelimit" in dict(sent[0]["headers"])


OUTER = [Rule("/*", "5/hour", name="outer"), Rule("/shop/cart", "9/hour", name="outer cart")]
INNER = [Rule("/cart", "2/hour", name="inner"), Rule("/items/*", "9/hour", name="never")]


def nested_asgi(store: MemoryStore, page: Page) -> Ask:
    inner = asgi.RateLimitMiddleware(page.asgi, store=store, rules=INNER)

    async def mounting(scope: Any, receive: Any, send: Any) -> None:
        root = f"{scope.get('root_path', '')}/shop"
        await inner({**scope, "root_path": root}, receive, send)

    return over_asgi(asgi.RateLimitMiddleware(mounting, store=store, rules=OUTER))


def nested_wsgi(store: MemoryStore, page: Page) -> Ask:
    inner = wsgi.RateLimitMiddleware(page.wsgi, store=store, rules=INNER)

    def mounting(environ: Any, start_response: Any) -> Any:
        name, path = f"{environ['SCRIPT_NAME']}/shop", environ["PATH_INFO"].removeprefix("/shop")
        return inner({**environ, "SCRIPT_NAME": name, "PATH_INFO": path}, start_response)

    return over_wsgi(wsgi.RateLimitMiddleware(mounting, store=store, rules=OUTER))


@pytest.mark.parametrize("nested", [nested_asgi, nested_wsgi])
def test_outside_and_inside_a_mount_each_middleware_has_its_rules(nested: Any) -> None:
    page = Page()
    ask = nested(MemoryStore(clock=FakeClock()), page)
    responses = [ask(Get("/shop/cart")) for _ in range(3)]
    assert [response.status for response in responses] == [200, 200, 429]
    assert responses[0].headers["ratelimit-policy"] == (
        '"outer";q=5;w=3600, "outer cart";q=9;w=3600, "inner";q=2;w=3600'
    )
    assert responses[0].headers["ratelimit"] == (
        '"outer";r=4;t=720, "outer cart";r=8;t=400, "inner";r=1;t=1800'
    )
    denied = responses[2]
    assert denied.headers["retry-after"] == "1800"
    assert denied.headers["ratelimit"] == '"inner";r=0;t=1800', "of the one that denied"
    assert page.visits == 2
    # What the inner one denies costs the outer one nothing: three of its five are left.
    assert [ask(Get("/shop/")).status for _ in range(4)] == [200, 200, 200, 429]


@pytest.mark.parametrize("kind", ["http", "websocket"])
def test_a_mounted_websocket_has_the_same_path_as_a_request(kind: str) -> None:
    paths: list[str] = []

    def by(request: Request) -> str:
        paths.append(request.path)
        return "all"

    async def app(scope: Any, receive: Any, send: Any) -> None: ...

    async def nothing(message: Any = None) -> Any: ...

    limited = asgi.RateLimitMiddleware(app, store=MemoryStore(), rules=[Rule("/*", "9/s", by=by)])
    scope = {**scope_of(Get("/room", mount="/chat")), "type": kind}
    asyncio.run(limited(scope, nothing, nothing))
    assert paths == ["/room"]


@pytest.mark.parametrize(
    ("raw", "root_path", "seen"),
    [
        ("/users/a%2Fb", "", True),
        ("/users/a%2fb%2Fc", "", True),
        ("/users/a%252Fb", "", True),
        ("/shop/users/a%2Fb", "/shop", True),
        ("/users/a/b", "", False),
        ("/users/a/b%20c", "", False),
        ("/users%2Fa/b", "", False),
        ("/others/a%2Fb", "", False),
    ],
)
def test_p15_an_encoded_slash_may_be_in_a_segment(raw: str, root_path: str, seen: bool) -> None:
    # Sanic and BlackSheep split a path before they decode it.
    scope = scope_of(Get(unquote(raw))) | {"raw_path": raw.encode(), "root_path": root_path}
    request = of_scope(scope)
    rule = Rule("/users/{id}", "9/hour")
    assert any(map(rule.matches, (request.path, *request.other_paths))) == seen


@pytest.mark.parametrize(
    ("module", "path", "seen"),
    [
        ("quart.app", "/users/5", True),
        ("quart.app", "/shop", True),
        ("quart.app", "/shop/users/5", False),
        ("elsewhere", "/users/5", False),
    ],
)
def test_p15_quart_routes_a_path_outside_its_root_path_as_a_space(
    module: str, path: str, seen: bool
) -> None:
    app = type("App", (), {"__module__": module, "__call__": Page.asgi, "visits": 0})()
    app.headers, app.parts = (), (b"a",)
    limited = asgi.RateLimitMiddleware(app, MemoryStore(), Rule("/{top}", "9/hour"))
    scope = scope_of(Get(path)) | {"root_path": "/shop"}
    assert asyncio.run(is_limited(limited, scope)) == seen


async def is_limited(app: Any, scope: Any) -> bool:
    started: list[Any] = []

    async def send(message: Any) -> None:
        started.append(message)

    await app(scope, send, send)
    return any(name == b"ratelimit" for name, _ in started[0]["headers"])
