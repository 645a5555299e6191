"""Limits that count by the response, in each framework: on views, and on whole applications."""

from __future__ import annotations

import asyncio
from typing import Any

import flask
import pytest
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.test import RequestFactory
from fastapi import Depends, FastAPI
from fastapi import HTTPException as FastAPIHTTPException
from fastapi import Request as FastAPIRequest
from fastapi import Response as FastAPIResponse
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket
from werkzeug.exceptions import Unauthorized

from ratelimit_ddb import MemoryStore
from ratelimit_ddb import django as ratelimit_django
from ratelimit_ddb import flask as ratelimit_flask
from ratelimit_ddb import starlette as ratelimit_starlette
from ratelimit_ddb.fastapi import RateLimit, install
from ratelimit_ddb.web import ResponseHead, Rule
from tests.frameworks import django_site as _settings  # noqa: F401
from tests.frameworks.asgi_client import ask, kinds, statuses, visit

FREE_THEN_TWO = [200, 200, 200, 401, 401, 429]
PATHS = ["/200", "/200", "/200", "/401", "/401", "/200"]
RULE = Rule("/*", "2/minute", give_back="2xx", name="login")


def server_error(response: ResponseHead) -> bool:
    return response.status == 500 and isinstance(response.exception, LookupError)


def flask_site() -> flask.Flask:
    site = flask.Flask(__name__, root_path=".")
    site.add_url_rule("/<int:status>", view_func=flask_view)
    site.add_url_rule("/raise", view_func=flask_raise)
    return site


def flask_view(status: int) -> Any:
    if status == 401:
        flask.abort(status)  # the status comes of an error handler
    return "page", status


def flask_raise() -> str:
    raise LookupError


def test_flask_counts_by_the_response_of_the_app(store: MemoryStore) -> None:
    site = flask_site()
    ratelimit_flask.limit_app(site, store, RULE)
    client = site.test_client()
    responses = [client.get(path) for path in PATHS]
    assert [response.status_code for response in responses] == FREE_THEN_TWO
    assert responses[0].headers["ratelimit"] == '"login";r=2;t=0'


@pytest.mark.parametrize("propagates", [True, False])
def test_flask_counts_an_exception_that_nobody_handles(
    store: MemoryStore, propagates: bool
) -> None:
    site = flask_site()
    site.config["PROPAGATE_EXCEPTIONS"] = propagates
    rule = Rule("/*", "2/minute", give_back=lambda head: head.status == 500)
    ratelimit_flask.limit_app(site, store, rule)
    client = site.test_client()
    for _ in range(4):
        if propagates:
            with pytest.raises(LookupError):
                client.get("/raise")
        else:
            assert client.get("/raise").status_code == 500


def test_flask_counts_by_the_response_to_a_views_own_limit(store: MemoryStore) -> None:
    site = flask.Flask(__name__, root_path=".")
    limited = ratelimit_flask.limited("2/minute", store=store, give_back="2xx")
    site.add_url_rule("/<int:status>", view_func=limited(flask_view))
    client = site.test_client()
    assert [client.get(path).status_code for path in PATHS] == FREE_THEN_TWO


def flask_login(answer: Any) -> Any:
    """What a view is that returns something, or raises it."""

    def login() -> Any:
        if isinstance(answer, Exception):
            raise answer
        return answer

    return login


@pytest.mark.parametrize(
    "answer", ["no", ("no", 401), ("no", "401 No", {}), Unauthorized(), KeyError()]
)
@pytest.mark.parametrize("of_batch", [200, 500])
def test_p14_a_flask_view_in_another_one_counts_by_its_own_response(
    store: MemoryStore, answer: Any, of_batch: int
) -> None:
    """A login that failed counts, whatever the view that called it answers."""
    site = flask.Flask("site", root_path=".")
    free = "4xx" if answer == "no" else ["2xx", "5xx"]
    login = ratelimit_flask.limited("2/minute", store=store, give_back=free)(flask_login(answer))

    @site.get("/")
    def batch() -> Any:
        try:
            denied = isinstance(login(), flask.Response)
        except (Unauthorized, KeyError):
            denied = False
        return "denied" if denied else "tried", of_batch

    client = site.test_client()
    assert [client.get("/").text for _ in range(4)] == ["tried"] * 2 + ["denied"] * 2


def test_a_flask_view_in_another_one_gives_back_by_its_own_response(store: MemoryStore) -> None:
    site = flask.Flask("site", root_path=".")
    login = ratelimit_flask.limited("2/minute", store=store, give_back="2xx")(lambda: "welcome")

    @site.get("/")
    def batch() -> Any:
        return login(), 500

    client = site.test_client()
    assert [client.get("/").status_code for _ in range(4)] == [500] * 4


def django_view(request: HttpRequest) -> HttpResponse:
    last = request.path.rpartition("/")[2]
    if last == "404":
        raise Http404
    if last == "403":
        raise PermissionDenied
    if last == "raise":
        raise LookupError
    return HttpResponse("page", status=int(last))


def django_statuses(view: Any, *paths: str) -> list[int]:
    found = []
    for path in paths:
        try:
            found.append(view(RequestFactory().get(path)).status_code)
        except (Http404, PermissionDenied, LookupError):
            found.append(0)
    return found


def test_django_counts_by_what_a_limited_view_returns(store: MemoryStore) -> None:
    view = ratelimit_django.limited("2/minute", store=store, give_back="2xx")(django_view)
    assert django_statuses(view, *PATHS) == FREE_THEN_TWO


def test_django_counts_by_what_it_will_make_of_an_exception(store: MemoryStore) -> None:
    limited = ratelimit_django.limited("2/minute", store=store, give_back=["404", "500"])
    view = limited(django_view)
    paths = ["/404", "/raise", "/404", "/403", "/403", "/404"]
    assert django_statuses(view, *paths) == [0, 0, 0, 0, 0, 429]


class NotLoggedIn(Exception):
    """As Django REST Framework's and Ninja's are, which these answer themselves."""

    status_code = 401


def test_an_exception_that_says_its_status_is_not_counted_as_a_failure_of_the_server(
    store: MemoryStore,
) -> None:
    def view(request: Any) -> Any:
        raise NotLoggedIn

    limited = ratelimit_django.limited("2/minute", store=store, give_back="5xx")(view)
    for _ in range(2):
        with pytest.raises(NotLoggedIn):
            limited(RequestFactory().get("/"))
    assert limited(RequestFactory().get("/")).status_code == 429


def test_django_counts_by_what_an_async_view_returns(store: MemoryStore) -> None:
    async def view(request: HttpRequest) -> HttpResponse:
        return django_view(request)

    limited: Any = ratelimit_django.limited("2/minute", store=store, give_back=["2xx", "404"])(view)
    paths = ["/200", "/404", *PATHS]

    async def asked(path: str) -> int:
        try:
            response: HttpResponse = await limited(RequestFactory().get(path))
        except Http404:
            return 404
        return int(response.status_code)

    assert [asyncio.run(asked(path)) for path in paths] == [200, 404, *FREE_THEN_TWO]


def starlette_view(request: Request) -> Response:
    last = request.path_params["status"]
    if last == "raise":
        raise LookupError
    if last == "401":
        raise HTTPException(401)
    return PlainTextResponse("page", int(last))


@pytest.mark.parametrize("colour", ["async def", "def"])
def test_starlette_counts_by_what_an_endpoint_gives(store: MemoryStore, colour: str) -> None:
    async def awaited(request: Request) -> Response:
        return starlette_view(request)

    limit = ratelimit_starlette.limited("2/minute", store=store, give_back="2xx", name="login")
    app = Starlette(
        routes=[Route("/{status}", limit(starlette_view if colour == "def" else awaited))]
    )
    assert ask(app, "/200").headers["ratelimit"] == '"login";r=2;t=0'
    assert statuses(app, *PATHS) == FREE_THEN_TWO


def test_starlette_counts_an_exception_and_an_application(store: MemoryStore) -> None:
    limit = ratelimit_starlette.limited("2/minute", store=store, give_back=server_error)

    async def endpoint(request: Request) -> Any:
        status = request.path_params["status"]
        return starlette_view(request) if status == "raise" else PlainTextResponse.__call__

    async def as_app(request: Request) -> Any:
        async def app(scope: Any, receive: Any, send: Any) -> None:
            await starlette_view(request)(scope, receive, send)

        return app

    app = Starlette(routes=[Route("/{status}", limit(endpoint)), Route("/app/{status}", as_app)])
    for _ in range(4):
        with pytest.raises(LookupError):
            ask(app, "/raise")
    by_app = ratelimit_starlette.limited("2/minute", store=store, give_back="2xx", name="app")
    app = Starlette(routes=[Route("/{status}", by_app(as_app))])
    assert statuses(app, *["/200"] * 4, "/404", "/404", "/200") == [200] * 4 + [404, 404, 429]


@pytest.mark.parametrize("kind", [NotLoggedIn, KeyError])
@pytest.mark.parametrize("colour", ["async def", "def"])
def test_starlette_gives_nothing_back_for_an_exception_that_a_handler_answers_otherwise(
    store: MemoryStore, colour: str, kind: type[Exception]
) -> None:
    def endpoint(request: Request) -> Response:
        raise kind

    async def awaited(request: Request) -> Response:
        raise kind

    async def handler(request: Request, error: Exception) -> Response:
        return PlainTextResponse("who are you?", 401)

    limit = ratelimit_starlette.limited("2/minute", store=store, give_back="5xx", name="login")
    app = Starlette(
        routes=[Route("/", limit(endpoint if colour == "def" else awaited))],
        exception_handlers={NotLoggedIn: handler, LookupError: handler, Exception: handler},
    )
    assert statuses(app, *["/"] * 3) == [401, 401, 429]


def test_starlette_counts_a_handshake_by_its_answer(store: MemoryStore) -> None:
    @ratelimit_starlette.limited("2/minute", store=store, give_back="101")
    async def chat(websocket: WebSocket) -> None:
        if websocket.path_params["token"] == "right":
            await websocket.accept()
            await websocket.send_text("hello")
        await websocket.close()

    app = Starlette(routes=[WebSocketRoute("/{token}", chat)])
    for _ in range(4):
        assert kinds(visit(app, "/right")) == ["accept", "send", "close"]
    for _ in range(2):
        assert kinds(visit(app, "/wrong")) == ["close"]
    assert kinds(visit(app, "/right", denial=False)) == ["close"]


def fastapi_site(store: MemoryStore) -> FastAPI:
    app = FastAPI()
    limit = Depends(RateLimit("2/minute", store=store, give_back="2xx", name="login"))

    @app.get("/{status}", dependencies=[limit])
    async def page(status: int) -> str:
        if status != 200:
            raise FastAPIHTTPException(status)
        return "page"

    return app


def test_fastapi_counts_by_the_response_where_the_limits_are_installed(store: MemoryStore) -> None:
    app = fastapi_site(store)
    install(app)
    assert ask(app, "/200").headers["ratelimit"] == '"login";r=2;t=0'
    assert statuses(app, *PATHS) == FREE_THEN_TWO


def test_fastapi_refuses_to_count_by_responses_that_nobody_sees(store: MemoryStore) -> None:
    with pytest.raises(RuntimeError, match=r"to see responses needs install\(app\)"):
        ask(fastapi_site(store), "/200")


def test_p14_parts_of_a_request_that_a_fastapi_view_asked_for_before_the_last_count(
    store: MemoryStore,
) -> None:
    """The response is one for all of them."""
    app = FastAPI()
    install(app)
    part = RateLimit("4/hour", store=store, name="part", give_back="2xx")

    @app.get("/")
    async def batch(request: FastAPIRequest, response: FastAPIResponse) -> str:
        for _ in range(3):
            await part(request, response)
        return "done"

    assert [ask(app, "/").status_code for _ in range(3)] == [200, 429, 429]
