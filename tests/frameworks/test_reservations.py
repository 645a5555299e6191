"""The request's reservation in each framework: where the view finds it, and when it is settled."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from typing import Any, ClassVar

import flask
import pytest
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.test import RequestFactory, override_settings
from django.urls import path
from fastapi import FastAPI
from fastapi import Request as FastAPIRequest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Route

from ratelimit_ddb import MemoryStore, RateLimiter
from ratelimit_ddb.asgi import RateLimitMiddleware
from ratelimit_ddb.django import RateLimitMiddleware as DjangoMiddleware
from ratelimit_ddb.flask import limit_app
from ratelimit_ddb.web import Rule, reservation_of
from ratelimit_ddb.wsgi import RateLimitMiddleware as WSGIMiddleware
from tests.fake_clock import FakeClock
from tests.frameworks.asgi_client import ask
from tests.frameworks.django_site.clients import behind_in


def by_tenant(_request: object) -> str:
    return "tenant"


RULE = Rule("/*", "1000/minute", by=by_tenant, name="tokens", cost=900, reserves=True)


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore(clock=FakeClock())


def left(store: MemoryStore) -> int:
    return RateLimiter(store, "1000/minute").peek(("tokens", "tenant")).remaining


def flask_site() -> flask.Flask:
    app = flask.Flask(__name__)
    app.config["PROPAGATE_EXCEPTIONS"] = False

    @app.get("/settles")
    def settles() -> str:
        assert flask.g.reservation is reservation_of(flask.request)
        flask.g.reservation.settle(300)
        return "answer"

    @app.get("/streams")
    def streams() -> flask.Response:
        reservation = flask.g.reservation

        def pieces() -> Iterator[str]:
            yield "piece"
            reservation.settle(400)

        return flask.Response(pieces())

    @app.get("/raises")
    def raises() -> str:
        raise ZeroDivisionError

    @app.get("/leaves")
    def leaves() -> str:
        return "answer"

    return app


@pytest.mark.parametrize(
    ("target", "remaining"),
    [("/settles", 700), ("/streams", 600), ("/raises", 1_000), ("/leaves", 100), ("/404", 100)],
)
@pytest.mark.parametrize("outside", [False, True])
def test_flask(store: MemoryStore, target: str, remaining: int, outside: bool) -> None:
    app = flask_site()
    if outside:
        app.before_request(lambda: setattr(flask.g, "reservation", reservation_of(flask.request)))
        app.wsgi_app = WSGIMiddleware(app.wsgi_app, store, RULE)  # type: ignore[method-assign]
    else:
        limit_app(app, store, RULE)
    with app.test_client() as client, client.get(target, buffered=False) as response:
        assert response.data is not None
    assert left(store) == remaining


@pytest.mark.parametrize("ends", ["the client goes", "the view raises"])
def test_flask_keeps_the_estimate_of_a_stream_that_breaks_off(
    store: MemoryStore, ends: str
) -> None:
    app = flask_site()
    limit_app(app, store, RULE)

    @app.get("/breaks")
    def breaks() -> flask.Response:
        def pieces() -> Iterator[str]:
            yield flask.request.path
            raise ZeroDivisionError

        # It holds the request's context, which is torn down when the stream ends.
        return flask.Response(flask.stream_with_context(pieces()))

    response = app.test_client().get("/breaks", buffered=False)
    if ends == "the view raises":
        with pytest.raises(ZeroDivisionError):
            assert not response.data
    response.close()
    assert left(store) == 100


def test_flask_settles_what_another_response_took_the_place_of(store: MemoryStore) -> None:
    app = flask_site()
    limit_app(app, store, RULE)
    app.after_request(lambda response: flask.Response("another"))
    with app.test_client() as client:
        client.get("/settles", buffered=True)
        assert left(store) == 700
        client.get("/raises", buffered=True)
        assert left(store) == 700


def settling(request: HttpRequest) -> HttpResponse:
    request.reservation.settle(300)
    return HttpResponse("answer")


def streaming(request: HttpRequest) -> StreamingHttpResponse:
    def pieces() -> Iterator[str]:
        yield "piece"
        reservation_of(request).settle(400)

    return StreamingHttpResponse(pieces())


def raising(request: HttpRequest) -> HttpResponse:
    raise ZeroDivisionError


def leaving(request: HttpRequest) -> HttpResponse:
    return HttpResponse("answer")


class Urls:
    """Django's views for these tests."""

    urlpatterns: ClassVar[list[Any]] = [
        path("settles", settling),
        path("streams", streaming),
        path("raises", raising),
        path("leaves", leaving),
    ]


def test_django_settles_what_a_view_had_used_that_is_cancelled(store: MemoryStore) -> None:
    async def view(request: Any) -> Any:
        request.reservation.settle(990)
        raise asyncio.CancelledError

    with override_settings(RATELIMIT_DDB={"STORE": store, "RULES": [RULE]}):
        limited = DjangoMiddleware(view)
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(limited(RequestFactory().get("/")))
    assert left(store) == 10


@pytest.mark.parametrize(
    ("target", "remaining"),
    [("/settles", 700), ("/streams", 600), ("/raises", 1_000), ("/leaves", 100)],
)
def test_django(store: MemoryStore, target: str, remaining: int) -> None:
    with ExitStack() as stack:
        client = behind_in(stack, RULE, STORE=store, raises=False)
        stack.enter_context(override_settings(ROOT_URLCONF=Urls))
        response = client.get(target)
        if response.streaming:
            assert b"".join(response.streaming_content) == b"piece"
    assert left(store) == remaining


def starlette_site() -> Starlette:
    async def settles(request: Request) -> PlainTextResponse:
        request.state.reservation.settle(300)
        return PlainTextResponse("answer")

    def settles_in_a_thread(request: Request) -> PlainTextResponse:
        request.state.reservation.settle(350)
        return PlainTextResponse("answer")

    async def streams(request: Request) -> StreamingResponse:
        async def pieces() -> AsyncIterator[str]:
            yield "piece"
            request.state.reservation.settle(400)

        return StreamingResponse(pieces())

    async def leaves(_: Request) -> PlainTextResponse:
        return PlainTextResponse("answer")

    routes = [
        Route("/settles", settles),
        Route("/thread", settles_in_a_thread),
        Route("/streams", streams),
        Route("/leaves", leaves),
    ]
    return Starlette(routes=routes)


@pytest.mark.parametrize(
    ("target", "remaining"),
    [("/settles", 700), ("/thread", 650), ("/streams", 600), ("/leaves", 100)],
)
def test_starlette(store: MemoryStore, target: str, remaining: int) -> None:
    app = starlette_site()
    app.add_middleware(RateLimitMiddleware, store=store, rules=RULE)
    assert ask(app, target).status_code == 200
    assert left(store) == remaining


def test_a_view_of_starlette_that_raises(store: MemoryStore) -> None:
    async def raises(_: Request) -> PlainTextResponse:
        raise ZeroDivisionError

    app = Starlette(routes=[Route("/raises", raises)])
    app.add_middleware(RateLimitMiddleware, store=store, rules=RULE)
    with pytest.raises(ZeroDivisionError):
        ask(app, "/raises")
    assert left(store) == 1_000


def test_fastapi(store: MemoryStore) -> None:
    app = FastAPI()

    @app.get("/")
    def settles(request: FastAPIRequest) -> str:
        reservation_of(request).settle(300)
        return "answer"

    app.add_middleware(RateLimitMiddleware, store=store, rules=RULE)
    assert ask(app, "/").status_code == 200
    assert left(store) == 700


@pytest.mark.parametrize("enabled", [True, False])
def test_a_view_settles_whether_its_request_is_limited_or_not(
    store: MemoryStore, enabled: bool
) -> None:
    app = FastAPI()

    @app.get("/")
    def settles(request: FastAPIRequest) -> str:
        reservation_of(request).settle(300)
        return "answer"

    app.add_middleware(RateLimitMiddleware, store=store, rules=RULE, enabled=enabled)
    assert ask(app, "/").status_code == 200
