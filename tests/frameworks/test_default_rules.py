"""Rules with ``default=True``: for views that have no limits of their own."""

from __future__ import annotations

from typing import Any

import flask
import pytest
from django.http import HttpRequest, HttpResponse
from django.test import Client, override_settings
from django.urls import path
from django.utils.decorators import method_decorator
from django.views import View
from fastapi import APIRouter, Depends, FastAPI
from flask.views import MethodView
from starlette.applications import Starlette
from starlette.endpoints import HTTPEndpoint
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route

from ratelimit_ddb import MemoryStore, RateLimiter, asgi
from ratelimit_ddb import django as of_django
from ratelimit_ddb import fastapi as of_fastapi
from ratelimit_ddb import flask as of_flask
from ratelimit_ddb import starlette as of_starlette
from ratelimit_ddb.fastapi import RateLimit
from ratelimit_ddb.web import Rule, RuleDecision, everyone
from tests.frameworks.asgi_client import ask
from tests.frameworks.django_site.clients import LIMITS

DEFAULT = Rule("/*", "2/hour", by=everyone(), name="default", default=True)
OWN: dict[str, Any] = {"by": everyone(), "name": "own"}


def own() -> str:
    return "own"


def left(store: MemoryStore) -> int:
    return RateLimiter(store, "2/hour").peek(("default", "everyone")).remaining


def test_flask_does_not_ask_it_where_a_view_has_its_own(store: MemoryStore) -> None:
    app = flask.Flask("site", root_path=".")
    app.add_url_rule("/plain", "plain", lambda: "plain")
    app.add_url_rule("/own", "own", of_flask.limited("4/hour", store=store, **OWN)(own))

    class Items(MethodView):
        @of_flask.limited("1/hour", store=store, by=everyone(), name="post")
        def post(self) -> str:
            return "stored"

        def get(self) -> str:
            return "items"

    app.add_url_rule("/items", view_func=Items.as_view("items"))
    told: list[RuleDecision] = []
    of_flask.limit_app(app, store, DEFAULT, on_decision=told.append)
    client = app.test_client()
    responses = [client.get("/own") for _ in range(5)]
    assert [one.status_code for one in responses] == [200] * 4 + [429], "more than by default"
    assert responses[0].headers["ratelimit-policy"] == '"own";q=4;w=3600'
    assert [client.post("/items").status_code for _ in range(2)] == [200, 429]
    assert (told, left(store)) == ([], 2)
    assert [client.get("/items").status_code for _ in range(2)] == [200, 200], "by default"
    assert client.get("/plain").status_code == 429
    assert client.get("/nowhere").status_code == 429
    assert client.options("/own").status_code == 429, "Flask answers it without the view"


def test_a_view_with_its_own_limits_holds_no_slot_by_default(store: MemoryStore) -> None:
    app = flask.Flask("site", root_path=".")
    app.add_url_rule("/plain", "plain", lambda: "plain")
    app.add_url_rule("/own", "own", of_flask.limited("4/hour", store=store, **OWN)(own))
    slots = Rule("/*", in_flight=5, by=everyone(), name="slots", default=True)
    every = Rule("/*", "9/hour", by=everyone(), name="every")
    told: list[RuleDecision] = []
    of_flask.limit_app(app, store, [slots, every], on_decision=told.append)
    policies = [app.test_client().get(at).headers["ratelimit-policy"] for at in ("/plain", "/own")]
    assert [one.rule for one in told] == ["every", "slots", "every"]
    assert policies == [
        '"every";q=9;w=3600, "slots";q=5;qu="concurrent-requests"',
        '"every";q=9;w=3600, "own";q=4;w=3600',
    ]


def test_django_does_not_ask_it_where_a_view_has_its_own(store: MemoryStore) -> None:
    def plain(request: HttpRequest) -> HttpResponse:
        return HttpResponse("plain")

    class Page(View):
        @method_decorator(of_django.limited("1/hour", store=store, by=everyone()))
        def get(self, request: HttpRequest) -> HttpResponse:
            return HttpResponse("page")

    own = of_django.limited("4/hour", store=store, methods="GET", **OWN)(plain)
    urls = [path("plain", plain), path("own", own), path("page", Page.as_view())]
    with override_settings(
        ROOT_URLCONF=type("Urls", (), {"urlpatterns": urls}),
        RATELIMIT_DDB={"STORE": store, "RULES": [DEFAULT]},
        MIDDLEWARE=[LIMITS],
    ):
        client = Client()
        assert [client.get("/own").status_code for _ in range(5)] == [200] * 4 + [429]
        assert [client.get("/page").status_code for _ in range(2)] == [200, 429]
        assert left(store) == 2
        assert client.post("/own").status_code == 200, "its own limit is not about a POST"
        assert client.get("/plain").status_code == 200
        assert left(store) == 0


def test_fastapi_does_not_ask_it_where_a_route_has_its_own(store: MemoryStore) -> None:
    default = RateLimit("2/hour", store=store, by=everyone(), name="default", default=True)
    app = FastAPI(dependencies=[Depends(default)])
    app.get("/plain")(lambda: "plain")
    own = RateLimit("4/hour", store=store, **OWN)
    app.get("/own", dependencies=[Depends(own)])(lambda: "own")
    assert [ask(app, "/own").status_code for _ in range(5)] == [200] * 4 + [429]
    assert left(store) == 2
    assert [ask(app, "/plain").status_code for _ in range(3)] == [200, 200, 429]


async def page(request: Any) -> PlainTextResponse:
    return PlainTextResponse("page")


@pytest.mark.parametrize("mounted", [False, True])
def test_a_middleware_that_knows_starlettes_routes_does_not_ask_it(
    store: MemoryStore, mounted: bool
) -> None:
    class Items(HTTPEndpoint):
        @of_starlette.limited("1/hour", store=store, by=everyone(), name="get")
        async def get(self, request: Any) -> PlainTextResponse:
            return PlainTextResponse("items")

        async def post(self, request: Any) -> PlainTextResponse:
            return PlainTextResponse("stored")

    own = of_starlette.limited("4/hour", store=store, **OWN)(page)
    routes = [Route("/own", own), Route("/plain", page), Route("/items", Items)]
    app = Starlette(routes=[Mount("/in", routes=routes)] if mounted else routes)
    app.add_middleware(
        asgi.RateLimitMiddleware, store=store, rules=DEFAULT, endpoint_of=of_starlette.route_of()
    )
    prefix = "/in" if mounted else ""
    paths = [f"{prefix}/own"] * 5
    assert [ask(app, path).status_code for path in paths] == [200] * 4 + [429]
    assert [ask(app, f"{prefix}/items").status_code for _ in range(2)] == [200, 429]
    assert left(store) == 2
    assert ask(app, f"{prefix}/items", "POST").status_code == 200
    assert ask(app, f"{prefix}/own", "PUT").status_code == 405
    assert left(store) == 0, "the endpoint was not called"
    assert ask(app, f"{prefix}/plain").status_code == 429


def test_a_middleware_that_knows_fastapis_routes_does_not_ask_it(store: MemoryStore) -> None:
    app, part = FastAPI(), APIRouter(prefix="/part")
    part.get("/own", dependencies=[Depends(RateLimit("4/hour", store=store, **OWN))])(lambda: None)
    part.get("/plain")(lambda: None)
    app.include_router(part)
    app.add_middleware(
        asgi.RateLimitMiddleware, store=store, rules=DEFAULT, endpoint_of=of_fastapi.route_of()
    )
    assert [ask(app, "/part/own").status_code for _ in range(5)] == [200] * 4 + [429]
    assert left(store) == 2
    assert ask(app, "/part/own", "PUT").status_code == 405
    assert [ask(app, "/part/plain").status_code for _ in range(2)] == [200, 429]


@pytest.mark.parametrize("where", ["app", "included"])
@pytest.mark.parametrize("by", ["a middleware", "a dependency"])
def test_a_default_is_not_asked_where_the_routers_of_a_fastapi_route_have_limits(
    store: MemoryStore, where: str, by: str
) -> None:
    """Not even for a moment: requests at the same time would deny each other."""
    told: list[RuleDecision] = []
    own = [Depends(RateLimit("4/hour", store=store, **OWN))]
    options: dict[str, Any] = {"by": everyone(), "name": "default", "default": True}
    default = RateLimit("2/hour", store=store, on_decision=told.append, **options)
    first = [Depends(default)] if by == "a dependency" else []
    app, part = FastAPI(dependencies=first + (own if where == "app" else [])), APIRouter()
    part.get("/own")(lambda: None)
    app.include_router(part, dependencies=own if where == "included" else [])
    if by == "a middleware":
        app.add_middleware(
            asgi.RateLimitMiddleware,
            store=store,
            rules=DEFAULT,
            endpoint_of=of_fastapi.route_of(),
            on_decision=told.append,
        )
    assert [ask(app, "/own").status_code for _ in range(5)] == [200] * 4 + [429]
    assert told == []


def test_a_middleware_before_the_routes_gives_back_what_it_took(store: MemoryStore) -> None:
    told: list[RuleDecision] = []
    own = of_starlette.limited("4/hour", store=store, **OWN)(page)
    app = Starlette(routes=[Route("/own", own), Route("/plain", page)])
    before = asgi.RateLimitMiddleware(app, store, DEFAULT, on_decision=told.append)
    responses = [ask(before, "/own") for _ in range(5)]
    assert [one.status_code for one in responses] == [200] * 4 + [429]
    assert responses[0].headers["ratelimit-policy"] == '"own";q=4;w=3600'
    assert responses[0].headers["ratelimit"] == '"own";r=3;t=900'
    each = [(False, "acquire"), (True, "refund")]
    assert [(one.refunded, one.operation) for one in told] == each * 5
    assert left(store) == 2
    assert [ask(before, "/plain").status_code for _ in range(3)] == [200, 200, 429]


def test_a_middleware_tells_its_other_rules_beside_what_the_view_has(store: MemoryStore) -> None:
    own = of_starlette.limited("4/hour", store=store, **OWN)(page)
    rules = [DEFAULT, Rule("/*", "9/hour", by=everyone(), name="all")]
    app = asgi.RateLimitMiddleware(Starlette(routes=[Route("/own", own)]), store, rules)
    headers = ask(app, "/own").headers
    assert headers["ratelimit-policy"] == '"all";q=9;w=3600, "own";q=4;w=3600'
    assert headers["ratelimit"] == '"all";r=8;t=400, "own";r=3;t=900'
    assert left(store) == 2


NEVER_DENIES = pytest.mark.parametrize("option", [{"enforce": False}, {"enabled": False}], ids=str)


@NEVER_DENIES
def test_a_limit_that_never_denies_replaces_no_default_in_flask(
    store: MemoryStore, option: dict[str, Any]
) -> None:
    app = flask.Flask("site", root_path=".")
    app.add_url_rule("/own", "own", of_flask.limited("4/hour", store=store, **option)(own))
    of_flask.limit_app(app, store, DEFAULT)
    client = app.test_client()
    assert [client.get("/own").status_code for _ in range(3)] == [200, 200, 429]


@NEVER_DENIES
def test_a_limit_that_never_denies_replaces_no_default_in_starlette(
    store: MemoryStore, option: dict[str, Any]
) -> None:
    app = Starlette(
        routes=[Route("/own", of_starlette.limited("4/hour", store=store, **option)(page))]
    )
    app.add_middleware(
        asgi.RateLimitMiddleware, store=store, rules=DEFAULT, endpoint_of=of_starlette.route_of()
    )
    assert [ask(app, "/own").status_code for _ in range(3)] == [200, 200, 429]


@NEVER_DENIES
def test_a_limit_that_never_denies_replaces_no_default_in_fastapi(
    store: MemoryStore, option: dict[str, Any]
) -> None:
    default = RateLimit("2/hour", store=store, by=everyone(), name="default", default=True)
    app = FastAPI(dependencies=[Depends(default)])
    own = RateLimit("4/hour", store=store, **option)
    app.get("/own", dependencies=[Depends(own)])(lambda: "own")
    assert [ask(app, "/own").status_code for _ in range(3)] == [200, 200, 429]


@NEVER_DENIES
def test_a_limit_that_never_denies_replaces_no_default_in_django(
    store: MemoryStore, option: dict[str, Any]
) -> None:
    def view(request: HttpRequest) -> HttpResponse:
        return HttpResponse("own")

    urls = [path("own", of_django.limited("4/hour", store=store, **option)(view))]
    with override_settings(
        ROOT_URLCONF=type("Urls", (), {"urlpatterns": urls}),
        RATELIMIT_DDB={"STORE": store, "RULES": [DEFAULT]},
        MIDDLEWARE=[LIMITS],
    ):
        assert [Client().get("/own").status_code for _ in range(3)] == [200, 200, 429]


def test_default_is_true_or_false() -> None:
    with pytest.raises(TypeError, match="default 1: must be True or False"):
        Rule("/*", "1/minute", default=1)  # type: ignore[arg-type]
