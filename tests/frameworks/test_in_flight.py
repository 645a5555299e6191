"""Rule(in_flight=...) in Flask and Django: to the end of the response, whatever ends it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import django.http
import django.test
import flask
import pytest
from asgiref.sync import async_to_sync
from django.test import override_settings

import tests.frameworks.django_site  # noqa: F401 - it configures Django
from ratelimit_ddb import ConcurrencyLimiter, MemoryStore
from ratelimit_ddb.django import RateLimitMiddleware, limited
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


@pytest.mark.parametrize("replaced", ["once more", "for good"])
def test_flask_releases_the_slot_of_a_response_that_another_takes_the_place_of(
    app: flask.Flask, store: MemoryStore, replaced: str
) -> None:
    @app.after_request
    def replace(response: flask.Response) -> flask.Response:
        if replaced == "for good":
            return flask.Response("another")
        raise ZeroDivisionError  # and Flask has the page for 500 pass here as well

    responses = [app.test_client().get("/free", buffered=True) for _ in range(2)]
    assert [response.status_code for response in responses] == (
        [200, 200] if replaced == "for good" else [500, 500]
    )
    assert all("ratelimit" in one.headers for one in responses) == (replaced == "once more")
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


@pytest.mark.parametrize("is_async", [False, True])
def test_django_releases_the_slot_of_a_response_that_another_takes_the_place_of(
    store: MemoryStore, is_async: bool
) -> None:
    # As ConditionalGetMiddleware does for a 304. Django closes the request with what it sends.
    def view(request: Any) -> Any:
        return django.http.HttpResponse(b"ok")

    async def view_async(request: Any) -> Any:
        return django.http.HttpResponse(b"ok")

    limited, request = middleware(store, view_async if is_async else view), a_request()
    response = async_to_sync(limited)(request) if is_async else limited(request)
    assert free(store) == 0
    request.close()
    assert free(store) == 1
    response.close()
    assert free(store) == 1


@pytest.mark.parametrize("is_async", [False, True])
def test_django_holds_the_slot_of_a_view_whose_value_others_make_a_response_of(
    store: MemoryStore, is_async: bool
) -> None:
    # As Django Ninja does. Django closes the request with the response.
    def view(request: Any) -> Any:
        return {"left": free(store)}

    async def view_async(request: Any) -> Any:
        return {"left": free(store)}

    limit: Any = limited(store=store, in_flight=1, by=everyone(), name="app")
    called = async_to_sync(limit(view_async)) if is_async else limit(view)
    for _ in range(3):
        request = a_request()
        assert called(request) == {"left": 0}
        assert free(store) == 0
        request.close()
        assert free(store) == 1


def test_django_sends_a_304_without_a_slot_left_behind(store: MemoryStore) -> None:
    settings = {
        "MIDDLEWARE": [
            "django.middleware.http.ConditionalGetMiddleware",
            "ratelimit_ddb.django.RateLimitMiddleware",
        ],
        "RATELIMIT_DDB": {"STORE": store, "RULES": [RULE]},
    }
    with override_settings(**settings):
        client = django.test.Client()
        first = client.get("/login")
        again = [client.get("/login", headers={"If-None-Match": first["ETag"]}) for _ in range(2)]
    assert [first.status_code, *(one.status_code for one in again)] == [200, 304, 304]
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
