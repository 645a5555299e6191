"""A view that goes on after a limit inside of it denied: what is outside counts the request."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import flask
import pytest
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory, override_settings
from fastapi import APIRouter, Depends, FastAPI, Response
from fastapi import Request as FastAPIRequest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from ratelimit_ddb import MemoryStore, RateLimiter, asgi, wsgi
from ratelimit_ddb import django as of_django
from ratelimit_ddb import flask as of_flask
from ratelimit_ddb import starlette as of_starlette
from ratelimit_ddb.fastapi import RateLimit, RateLimitExceeded, install
from ratelimit_ddb.web import DenialResponse, Rule, Verdict, everyone
from tests.frameworks import django_site  # noqa: F401  # sets Django up
from tests.frameworks.asgi_client import ask
from tests.web.exchange import Get, over_wsgi

WIDE: dict[str, Any] = {"by": everyone(), "name": "wide"}
NARROW: dict[str, Any] = {"limits": "1/hour", "by": everyone(), "name": "narrow"}
Statuses = Callable[..., list[int]]
"""The statuses of 5 requests, of which the first passes the inner limit. The view answers as the
limit inside of it did, or 200 whatever that was."""


def in_flask(store: MemoryStore, *, goes_on: bool, **options: Any) -> list[int]:
    app = flask.Flask("site", root_path=".")
    of_flask.limit_app(app, store, Rule("/*", "3/hour", **WIDE), **options)
    part = of_flask.limited(store=store, **NARROW)(lambda: "part")

    @app.get("/")
    def page() -> Any:
        made = part()
        return "page" if goes_on else made

    return [app.test_client().get("/").status_code for _ in range(5)]


def in_wsgi(store: MemoryStore, *, goes_on: bool, **options: Any) -> list[int]:
    app = flask.Flask("site", root_path=".")
    part = of_flask.limited(store=store, **NARROW)(lambda: "part")

    @app.get("/")
    def page() -> Any:
        made = part()
        return "page" if goes_on else made

    rule = Rule("/*", "3/hour", **WIDE)
    get = over_wsgi(wsgi.RateLimitMiddleware(app.wsgi_app, store, rule, **options))
    return [get(Get("/")).status for _ in range(5)]


def in_django(store: MemoryStore, *, goes_on: bool, **options: Any) -> list[int]:
    def answer(_request: HttpRequest) -> HttpResponse:
        return HttpResponse("part")

    part = of_django.limited(store=store, **NARROW)(answer)

    def page(request: HttpRequest) -> HttpResponse:
        made = part(request)
        return HttpResponse("page") if goes_on else made

    rules = {"STORE": store, "RULES": [Rule("/*", "3/hour", **WIDE)]}
    given = {name.upper(): value for name, value in options.items()}
    with override_settings(RATELIMIT_DDB={**rules, **given}):
        middleware: Any = of_django.RateLimitMiddleware(page)
        return [middleware(RequestFactory().get("/")).status_code for _ in range(5)]


def in_starlette(store: MemoryStore, *, goes_on: bool, **options: Any) -> list[int]:
    async def part(_request: Request) -> PlainTextResponse:
        return PlainTextResponse("part")

    limited = of_starlette.limited(store=store, **NARROW)(part)

    async def page(request: Request) -> Any:
        made = await limited(request)
        return PlainTextResponse("page") if goes_on else made

    app = asgi.RateLimitMiddleware(
        Starlette(routes=[Route("/", page)]), store, Rule("/*", "3/hour", **WIDE), **options
    )
    return [ask(app, "/").status_code for _ in range(5)]


def in_a_starlette_endpoint(store: MemoryStore, *, goes_on: bool, **options: Any) -> list[int]:
    def part(_request: Request) -> PlainTextResponse:
        return PlainTextResponse("part")

    inner = of_starlette.limited(store=store, **NARROW)(part)

    def page(request: Request) -> Any:
        made = inner(request)
        return PlainTextResponse("page") if goes_on else made

    outer = of_starlette.limited("3/hour", store=store, **WIDE, **options)(page)
    app = Starlette(routes=[Route("/", outer)])
    return [ask(app, "/").status_code for _ in range(5)]


def in_fastapi(store: MemoryStore, *, goes_on: bool, **options: Any) -> list[int]:
    app = FastAPI(dependencies=[Depends(RateLimit("3/hour", store=store, **WIDE, **options))])
    install(app)
    part = RateLimit(store=store, **NARROW)

    @app.get("/")
    async def page(request: FastAPIRequest, response: Response) -> str:
        try:
            await part(request, response)
        except RateLimitExceeded:
            if not goes_on:
                raise
        return "page"

    return [ask(app, "/").status_code for _ in range(5)]


SITES = [in_flask, in_wsgi, in_django, in_starlette, in_a_starlette_endpoint, in_fastapi]


@pytest.mark.parametrize("fields", ["standard", "none"])
@pytest.mark.parametrize("statuses", SITES)
def test_p14_a_request_that_is_served_counts_though_a_limit_inside_denied(
    store: MemoryStore, statuses: Statuses, fields: str
) -> None:
    assert statuses(store, goes_on=True, fields=fields) == [200] * 3 + [429] * 2


@pytest.mark.parametrize("fields", ["standard", "none"])
@pytest.mark.parametrize("statuses", SITES)
def test_p3_a_request_that_is_denied_inside_takes_nothing_outside(
    store: MemoryStore, statuses: Statuses, fields: str
) -> None:
    assert statuses(store, goes_on=False, fields=fields) == [200] + [429] * 4
    assert RateLimiter(store, "3/hour").peek(("wide", "everyone")).remaining == 2


def test_p3_an_inner_middleware_gets_its_tokens_back_by_the_outermost(store: MemoryStore) -> None:
    async def part(_request: Request) -> PlainTextResponse:
        return PlainTextResponse("part")

    limited = of_starlette.limited(store=store, **NARROW)(part)
    app: Any = Starlette(routes=[Route("/", limited)])
    app = asgi.RateLimitMiddleware(app, store, Rule("/*", "3/hour", **WIDE))
    app = asgi.RateLimitMiddleware(app, store, Rule("/*", "4/hour", by=everyone(), name="outer"))
    assert [ask(app, "/").status_code for _ in range(5)] == [200] + [429] * 4
    assert RateLimiter(store, "3/hour").peek(("wide", "everyone")).remaining == 2
    assert RateLimiter(store, "4/hour").peek(("outer", "everyone")).remaining == 3


def test_p14_an_answer_of_on_denied_that_is_no_error_gives_nothing_back(
    store: MemoryStore,
) -> None:
    """It can't be told from a page."""
    app = flask.Flask("site", root_path=".")
    of_flask.limit_app(app, store, Rule("/*", "3/hour", **WIDE))
    options: Any = {**NARROW, "on_denied": lambda *_given: DenialResponse(200, (), b"later")}
    app.get("/")(of_flask.limited(store=store, **options)(lambda: "page"))
    client = app.test_client()
    assert [client.get("/").status_code for _ in range(4)] == [200] * 3 + [429]


def batch_of_fastapi(
    store: MemoryStore, *, installed: bool, catches: bool
) -> tuple[list[int], list[int]]:
    """The statuses of requests of five parts each, and how many parts each of them did."""
    app = FastAPI(dependencies=[Depends(RateLimit("3/hour", store=store, **WIDE))])
    if installed:
        install(app)
    part = RateLimit("7/hour", store=store, by=everyone(), name="part")
    done: list[int] = []

    @app.get("/")
    async def batch(request: FastAPIRequest, response: Response) -> str:
        done.append(0)
        for _ in range(5):
            try:
                await part(request, response)
            except RateLimitExceeded:
                if not catches:
                    raise
            else:
                done[-1] += 1
        return "done"

    return [ask(app, "/").status_code for _ in range(5)], done


@pytest.mark.parametrize("installed", [True, False])
def test_p14_a_view_of_fastapi_that_asks_for_each_part_and_catches_the_denial_gives_nothing_back(
    store: MemoryStore, installed: bool
) -> None:
    statuses, done = batch_of_fastapi(store, installed=installed, catches=True)
    assert statuses == [200] * 3 + [429] * 2
    assert done == [5, 2, 0]


def test_p3_a_denial_that_a_view_of_fastapi_raises_gives_back_once_that_is_installed(
    store: MemoryStore,
) -> None:
    statuses, done = batch_of_fastapi(store, installed=True, catches=False)
    assert statuses == [200] + [429] * 4
    assert done == [5, 2, 0, 0, 0], "what was done for a part stays counted"
    assert RateLimiter(store, "3/hour").peek(("wide", "everyone")).remaining == 2
    store.clear()
    statuses, done = batch_of_fastapi(store, installed=False, catches=False)
    assert done == [5, 2, 0], "nobody sees the response, so the requests count"


def test_p3_a_dependency_that_is_not_cached_gives_back_what_it_took_before(
    store: MemoryStore,
) -> None:
    limit = Depends(RateLimit("3/hour", store=store, by=everyone(), name="part"), use_cache=False)
    app = FastAPI()

    @app.get("/")
    async def page(first: Verdict = limit, second: Verdict = limit) -> bool:
        return bool(first and second)

    assert [ask(app, "/").status_code for _ in range(4)] == [200] + [429] * 3
    assert RateLimiter(store, "3/hour").peek(("part", "everyone")).remaining == 1


def test_p3_where_fastapi_tells_no_route_its_dependencies_give_back_at_once(
    store: MemoryStore, tmp_path: Path
) -> None:
    (tmp_path / "a.txt").write_text("a")
    limits = [RateLimit("3/hour", store=store, **WIDE), RateLimit(store=store, **NARROW)]
    app = FastAPI(dependencies=[Depends(limit) for limit in limits])
    app.frontend("/", directory=tmp_path)
    assert [ask(app, "/a.txt").status_code for _ in range(5)] == [200] + [429] * 4
    assert RateLimiter(store, "3/hour").peek(("wide", "everyone")).remaining == 2


@pytest.mark.parametrize("narrow_at", ["app", "outer", "included", "router", "route"])
def test_p3_a_dependency_of_any_router_gives_back_at_once(
    store: MemoryStore, narrow_at: str
) -> None:
    """FastAPI from 0.137 on keeps those of routers that include others apart from the route."""
    wide, narrow = RateLimit("3/hour", store=store, **WIDE), RateLimit(store=store, **NARROW)

    def at(place: str) -> list[Any]:
        first = [Depends(wide)] if place == "app" else []
        return [*first, *([Depends(narrow)] if place == narrow_at else [])]

    app = FastAPI(dependencies=at("app"))
    outer = APIRouter(prefix="/outer", dependencies=at("outer"))
    router = APIRouter(prefix="/inner", dependencies=at("router"))
    router.get("/page", dependencies=at("route"))(lambda: "page")
    outer.include_router(router, dependencies=at("included"))
    app.include_router(outer)
    assert [ask(app, "/outer/inner/page").status_code for _ in range(5)] == [200] + [429] * 4
    assert RateLimiter(store, "3/hour").peek(("wide", "everyone")).remaining == 2
