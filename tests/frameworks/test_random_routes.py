"""P15 with patterns, paths and mounts that nobody thought of, against each framework's own router.

The routers are called in process; tests/frameworks/test_routing.py goes over the wire.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import warnings
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from django.core.exceptions import ImproperlyConfigured
from django.urls import Resolver404, URLResolver, path
from django.urls.resolvers import RegexPattern
from falcon.routing import CompiledRouter
from fastapi import FastAPI
from hypothesis import given, settings
from hypothesis import strategies as st
from litestar import Litestar, get
from litestar.exceptions import ImproperlyConfiguredException, NotFoundException
from litestar.utils import normalize_path
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import BaseRoute, Match, Mount, Route
from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map, MapAdapter
from werkzeug.routing import Rule as FlaskRule

import tests.frameworks.django_site  # noqa: F401  (sets Django up)
from ratelimit_ddb.asgi import RateLimitMiddleware
from ratelimit_ddb.web import Rule
from tests.frameworks.routing.record import REACHED, SEEN, rules_of

Routes = Callable[[str], bool]
"""Whether a router takes a path to the view."""


class Parameter(NamedTuple):
    """A parameter of a route; no converter is any text of one segment."""

    name: str
    converter: str


Template = list[list[str | Parameter]]
"""A route's segments, of literal texts and parameters."""


def in_braces(route: Template, of_text: str = "") -> str:
    def written(part: str | Parameter) -> str:
        if isinstance(part, str):
            return part
        converter = part.converter or of_text
        return f"{{{part.name}:{converter}}}" if converter else f"{{{part.name}}}"

    return "".join("/" + "".join(map(written, segment)) for segment in route)


def in_angles(route: Template) -> str:
    def written(part: str | Parameter) -> str:
        if isinstance(part, str):
            return part
        return f"<{part.converter}:{part.name}>" if part.converter else f"<{part.name}>"

    return "".join("/" + "".join(map(written, segment)) for segment in route)


def starlette(route: Template) -> Iterator[Routes]:
    with contextlib.suppress(AssertionError):  # a converter that it does not have
        own = Route(in_braces(route), lambda _request: None)
        yield lambda at: own.matches({"type": "http", "method": "GET", "path": at})[0] is Match.FULL


def _is_matched(urls: MapAdapter, at: str) -> bool:
    return _is_found(lambda: urls.match(at), HTTPException)


def flask(route: Template) -> Iterator[Routes]:
    for strict in (True, False):
        for merge in (True, False):
            with contextlib.suppress(LookupError):
                rule = FlaskRule(in_angles(route), endpoint="view")
                urls = Map([rule], strict_slashes=strict, merge_slashes=merge).bind("host")
                yield functools.partial(_is_matched, urls)


def django(route: Template) -> Iterator[Routes]:
    with contextlib.suppress(ImproperlyConfigured):
        url = path(in_angles(route)[1:], lambda _request: None)
        root = type("Urls", (), {"urlpatterns": [url]})
        resolver = URLResolver(RegexPattern(r"^/"), root)
        yield lambda at: _is_found(lambda: resolver.resolve(at), Resolver404)


class Resource:
    """A view of Falcon's."""

    def on_get(self, *_given: Any, **_captured: Any) -> None: ...


def falcon(route: Template) -> Iterator[Routes]:
    router = CompiledRouter()
    with contextlib.suppress(ValueError):  # a converter or a place for it that it does not have
        router.add_route(in_braces(route), Resource())
        yield lambda at: router.find(at) is not None
        # With strip_url_path_trailing_slash.
        yield lambda at: router.find(at.removesuffix("/") or "/") is not None


def litestar(route: Template) -> Iterator[Routes]:
    if all(len(segment) == 1 for segment in route) and "slug" not in in_braces(route):

        async def view() -> str:
            return ""

        handler = get(in_braces(route, of_text="str"))(view)
        with contextlib.suppress(
            ImproperlyConfiguredException
        ):  # path parameters that are not the last segment
            router = Litestar([handler], openapi_config=None).asgi_router
            yield lambda at: _is_found(
                lambda: router.handle_routing(path=normalize_path(at), method="GET"),
                NotFoundException,
            )


def _is_found(find: Callable[[], object], error: type[Exception]) -> bool:
    try:
        find()
    except error:
        return False
    return True


LITERALS = ["a", "b", "ab", "-", "5", "a-", "_", ".b"]
CONVERTERS = ["", "", "int", "float", "path", "slug", "uuid"]
PARTS = st.one_of(st.sampled_from(LITERALS), st.sampled_from(CONVERTERS).map(lambda c: (c,)))
SEGMENT = st.one_of(st.lists(PARTS, min_size=1, max_size=3), st.tuples(PARTS).map(list))
TEXTS = ["a", "5", "-5", "a-5", "", "a/b", "\n", "5\n", "1.5", "٣", "a/", "_", " ", "a.b"]
SLASHES = ["/", "/", "/", "//"]
ENDS = ["", "", "/", "//", "\n", "/\n", "\n/"]


@st.composite
def routes(draw: st.DrawFn) -> Template:
    drawn = draw(st.lists(SEGMENT, min_size=1, max_size=3))
    names = (f"p{number}" for number in range(100))
    return [
        [Parameter(next(names), part[0]) if isinstance(part, tuple) else part for part in segment]
        for segment in drawn
    ]


def paths_like(draw: st.DrawFn, route: Template) -> str:
    parts = []
    for segment in route:
        parts.append(draw(st.sampled_from(SLASHES)))
        parts += [
            part if isinstance(part, str) else draw(st.sampled_from(TEXTS)) for part in segment
        ]
    return "".join([*parts, draw(st.sampled_from(ENDS))])


@st.composite
def routes_and_paths(draw: st.DrawFn) -> tuple[Template, list[str]]:
    route = draw(routes())
    return route, [paths_like(draw, route) for _ in range(8)]


@settings(deadline=None, max_examples=300)
@given(routes_and_paths())
def test_p15_what_any_router_finds_a_rule_sees(drawn: tuple[Template, list[str]]) -> None:
    route, paths = drawn
    rule = Rule(in_braces(route), "1/hour")
    for router in (starlette, flask, django, falcon, litestar):
        for finds in router(route):
            missed = [at for at in paths if finds(at) and not rule.matches(at)]
            assert missed == [], f"{router.__name__} and {rule.path!r}"


MOUNTS = ["/api", "/{m}", "", "/api/v1", "/{m:int}", "/a{m}", "/", "/{m:path}", "/{m:path}/x"]
INNERMOST = ["/", "/login", "/{p}", "/users/{p:int}", "/{p:path}", "/api/{p}", "/a/b", "/login/"]
ROOT_PATHS = ["", "", "/api", "/x", "/api/v1", "/api/"]
AT = st.lists(
    st.sampled_from(["api", "v1", "login", "users", "5", "a", "b", "x", "", "ab", "a5"]), max_size=6
)


@st.composite
def mounted(draw: st.DrawFn) -> tuple[Any, str]:
    """An application in mounts, and the pattern of its only view."""
    pattern = draw(st.sampled_from(INNERMOST))
    mounts = draw(st.lists(st.sampled_from(MOUNTS), max_size=3))
    whole = pattern
    for depth, mount in enumerate(mounts):
        whole = mount.rstrip("/").replace("{m", f"{{m{depth}") + whole

    async def view(_request: Any) -> PlainTextResponse:
        REACHED.add(whole)
        return PlainTextResponse("")

    inner: BaseRoute = Route(pattern, view)
    app = application(draw, inner)
    for depth, mount in enumerate(mounts):
        app = application(draw, Mount(mount.replace("{m", f"{{m{depth}"), app))
    return app, whole


def application(draw: st.DrawFn, route: BaseRoute) -> Any:
    root_path = draw(st.sampled_from(ROOT_PATHS))
    if not root_path:
        return Starlette(routes=[route])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # newer versions would have it from the server
        app = FastAPI(root_path=root_path, openapi_url=None)
    app.router.routes.append(route)
    return app


@settings(deadline=None, max_examples=300)
@given(mounted(), st.lists(AT, min_size=8, max_size=8), st.sampled_from(ROOT_PATHS), st.booleans())
def test_p15_below_any_mounts_and_root_paths_a_rule_sees_its_view(
    site: tuple[Any, str], segments: list[list[str]], root_path: str, below: bool
) -> None:
    app, pattern = site
    limited = RateLimitMiddleware(app, **rules_of([pattern]))

    async def receive() -> Any:
        return {"type": "http.request", "body": b""}

    async def send(_message: Any) -> None: ...

    for number, texts in enumerate(segments):
        at = (root_path if below else "") + "/" + "/".join(texts) + ENDS[number % len(ENDS)]
        scope: dict[str, Any] = {"type": "http", "method": "GET", "path": at}
        scope |= {"root_path": root_path}
        scope |= {"headers": [], "query_string": b"", "client": None, "server": ("host", 80)}
        REACHED.clear()
        SEEN.clear()
        asyncio.run(limited(scope, receive, send))
        assert REACHED <= SEEN, (at, root_path)
