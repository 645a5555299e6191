"""How often Django's and Flask's sessions make JSON of a value that a request sets."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import flask
import pytest
from django.http import HttpResponse
from django.test import Client, override_settings
from django.urls import path

from sessions.django import SessionStore
from tests.frameworks import flask_sessions_site
from tests.frameworks.django_site.with_sessions import with_sessions
from tests.frameworks.seen_store import SeenStore

CART = ["a", "list", {"that": "no", "other": "is"}]


@pytest.fixture
def encodings(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """The values of which JSON was made that are the cart."""
    seen: list[object] = []
    dumps: Callable[..., str] = json.dumps

    def noted(value: object, **options: Any) -> str:
        if value == CART:
            seen.append(value)
        return dumps(value, **options)

    monkeypatch.setattr(json, "dumps", noted)
    return seen


@pytest.fixture
def django() -> Iterator[None]:
    with with_sessions(SeenStore(), SESSION_COOKIE_AGE=1_200):
        yield


@pytest.mark.usefixtures("django")
@pytest.mark.parametrize("cart", [CART, tuple(CART)])
def test_django_makes_json_of_a_value_to_see_a_change_and_to_save_it(
    encodings: list[object], cart: Any
) -> None:
    session = SessionStore()
    session["cart"] = cart
    if session.modified:  # as Django's middleware asks
        session.save()
    assert len(encodings) <= 2
    assert SessionStore(session.session_key)["cart"] == CART


@pytest.mark.usefixtures("django")
@pytest.mark.parametrize(
    "middleware",
    ["sessions.django.SessionMiddleware", "django.contrib.sessions.middleware.SessionMiddleware"],
)
def test_a_request_to_django_makes_json_of_a_value_at_most_twice(
    encodings: list[object], middleware: str
) -> None:
    def put(request: Any) -> HttpResponse:
        request.session["cart"] = list(CART)
        return HttpResponse("put")

    def change(request: Any) -> HttpResponse:
        request.session["cart"].append("more")
        request.session["cart"].pop()
        return HttpResponse("changed")

    with override_settings(
        MIDDLEWARE=[middleware],
        ROOT_URLCONF=(path("put", put), path("change", change)),
    ):
        client = Client()
        for where in ("/put", "/put", "/change"):
            del encodings[:]
            client.get(where, secure=True)
            assert 1 <= len(encodings) <= 2, where


@pytest.mark.usefixtures("django")
def test_django_makes_no_json_of_a_session_that_is_not_used(encodings: list[object]) -> None:
    client = Client()
    client.get("/set/colour/red", secure=True)
    del encodings[:]
    client.get("/", secure=True)
    assert encodings == []


@pytest.mark.usefixtures("django")
def test_two_keys_that_json_spells_alike_become_one() -> None:
    session = SessionStore()
    session["names"] = {1: "a", "1": "b"}
    session.save()
    found = SessionStore(session.session_key)
    assert found["names"] == {"1": "b"}
    assert not found.modified


def test_flask_makes_json_of_a_value_at_most_twice(encodings: list[object]) -> None:
    app = flask_sessions_site.site(SeenStore())

    @app.get("/cart")
    def cart() -> str:
        flask.session["cart"] = list(CART)
        flask.session["_user_id"] = "7"  # as Flask-Login does
        return "put"

    client = app.test_client()
    for _ in range(2):
        del encodings[:]
        client.get("/cart", base_url="https://localhost")
        assert 1 <= len(encodings) <= 2
