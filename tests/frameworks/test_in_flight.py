"""Rule(in_flight=...) in Flask and Django: to the end of the response, whatever ends it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import django.http
import flask
import pytest
from asgiref.sync import async_to_sync
from django.test import override_settings

import tests.frameworks.django_site  # noqa: F401 - it configures Django
from ratelimit_ddb import ConcurrencyLimiter, MemoryStore
from ratelimit_ddb.django import RateLimitMiddleware
from ratelimit_ddb.flask import limit_app
from ratelimit_ddb.web import Rule, everyone

RULE = Rule("/*", in_flight=1, by=everyone(), name="app")


def free(store: MemoryStore) -> int:
    return ConcurrencyLimiter(store, 1).peek("app:everyone").remaining


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def app(store: MemoryStore) -> flask.Flask:
    app = flask.Flask(__name__)
    limit_app(app, store, RULE)

    @app.get("/stream")
    def stream() -> flask.Response:
        return flask.Response(iter(["a", "b"]))

    @app.get("/fails")
    def fails() -> str:
        raise ZeroDivisionError

    @app.get("/free")
    def how_many() -> str:
        return str(free(store))

    return app


def test_flask_holds_a_slot_until_the_server_closes_the_response(
    app: flask.Flask, store: MemoryStore
) -> None:
    client = app.test_client()
    response = client.get("/stream", buffered=False)
    assert free(store) == 0
    assert client.get("/stream").status_code == 429
    assert response.data == b"ab"
    response.close()
    assert free(store) == 1
    assert client.get("/free", buffered=True).text == "0"
    assert free(store) == 1


def test_flask_releases_the_slot_of_a_view_that_raises(
    app: flask.Flask, store: MemoryStore
) -> None:
    assert app.test_client().get("/fails", buffered=True).status_code == 500
    assert free(store) == 1
    app.testing = True  # exceptions are propagated, and there is no response
    with pytest.raises(ZeroDivisionError):
        app.test_client().get("/fails")
    assert free(store) == 1


def middleware(store: MemoryStore, view: Callable[..., Any]) -> RateLimitMiddleware:
    with override_settings(RATELIMIT_DDB={"STORE": store, "RULES": [RULE]}):
        return RateLimitMiddleware(view)


def a_request() -> Any:
    request = django.http.HttpRequest()
    request.method, request.path, request.path_info = "GET", "/x", "/x"
    return request


def pieces() -> Iterator[bytes]:
    yield b"a"
    yield b"b"


def test_django_holds_a_slot_until_the_server_closes_the_response(store: MemoryStore) -> None:
    limited = middleware(store, lambda request: django.http.StreamingHttpResponse(pieces()))
    response = limited(a_request())
    assert free(store) == 0
    assert limited(a_request()).status_code == 429
    assert b"".join(response) == b"ab"
    response.close()
    assert free(store) == 1


def test_django_releases_the_slot_of_a_view_that_raises(store: MemoryStore) -> None:
    def fails(request: Any) -> Any:
        raise ZeroDivisionError

    async def fails_async(request: Any) -> Any:
        raise ZeroDivisionError

    for view in (fails, async_to_sync(fails_async)):
        with pytest.raises(ZeroDivisionError):
            middleware(store, view)(a_request())
        assert free(store) == 1


def test_django_holds_slots_of_async_views(store: MemoryStore) -> None:
    async def view(request: Any) -> Any:
        return django.http.HttpResponse(b"ok")

    async def scenario() -> None:
        limited = middleware(store, view)
        response = await limited(a_request())
        assert free(store) == 0
        assert (await limited(a_request())).status_code == 429
        response.close()
        assert free(store) == 1

    async_to_sync(scenario)()
