"""Django's sessions in a store: what clients of a site see."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client, RequestFactory
from moto import mock_aws

from sessions import DynamoDBSessionStore
from sessions.django import SessionMiddleware
from tests.frameworks.django_site.session_clients import COOKIE, copy_of, key_of, seen, user_of
from tests.frameworks.django_site.with_sessions import MEANWHILE, with_sessions
from tests.frameworks.seen_store import SeenStore
from tests.session_table import items_of, session_table


@pytest.fixture
def store() -> Iterator[SeenStore]:
    made = SeenStore()
    with with_sessions(made):
        yield made


@pytest.fixture
def client(store: SeenStore) -> Client:
    return Client()


def test_what_a_request_sets_the_next_one_finds(client: Client) -> None:
    client.get("/set/colour/red")
    assert seen(client) == {"colour": "red"}


def test_a_request_that_does_not_use_its_session_asks_and_sets_nothing(
    client: Client, store: SeenStore
) -> None:
    client.get("/set/colour/red")
    store.seen.clear()
    response = client.get("/")
    assert store.seen == []
    assert COOKIE not in response.cookies
    assert "vary" not in response.headers


def test_a_session_that_is_only_read_costs_one_read(client: Client, store: SeenStore) -> None:
    client.get("/set/colour/red")
    store.seen.clear()
    response = client.get("/seen")
    assert store.seen == ["Find"]
    assert COOKIE not in response.cookies
    assert response.headers["vary"] == "Cookie"


def test_a_changed_key_costs_one_read_and_one_write_of_it_alone(
    client: Client, store: SeenStore
) -> None:
    client.get("/set/colour/red")
    store.seen.clear()
    client.get("/set/shape/round")
    assert store.seen == ["Find", "Save"]
    store.seen.clear()
    client.get("/set/shape/round")
    assert store.seen == ["Find"]


def test_a_visitor_without_data_has_neither_row_nor_cookie(
    client: Client, store: SeenStore
) -> None:
    assert COOKIE not in client.get("/seen").cookies
    assert store.seen == []


def test_a_response_that_sets_the_cookie_is_not_to_be_stored(client: Client) -> None:
    response = client.get("/set/colour/red")
    assert response.headers["cache-control"] == "private, no-store"
    assert response.headers["vary"] == "Cookie"
    cookie = response.cookies[COOKIE]
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Lax", "/")


@pytest.mark.usefixtures("store")
def test_a_cdn_is_not_told_to_store_a_response_that_sets_the_cookie() -> None:
    def view(request: Any) -> HttpResponse:
        request.session["colour"] = "red"
        return HttpResponse(headers={"CDN-Cache-Control": "max-age=60", "X-Own": "1"})

    response = SessionMiddleware(view)(RequestFactory().get("/"))
    assert response.headers["cache-control"] == "private, no-store"
    assert "cdn-cache-control" not in response.headers
    assert response.headers["x-own"] == "1"


def test_changes_inside_values_are_saved_without_a_word(client: Client) -> None:
    client.get("/add/1")
    client.get("/add/2")
    assert seen(client) == {"cart": {"items": [1, 2]}}


def test_made_up_cookies_are_adopted_by_none_and_write_nothing(store: SeenStore) -> None:
    for value in ("a" * 26, "a" * 40, "short", "A" * 43 + "." + "B" * 43, "../etc"):
        client = Client()
        client.cookies[COOKIE] = value
        response = client.get("/seen")
        assert response.json() == {}
        assert response.cookies[COOKIE]["max-age"] == 0
        client.cookies[COOKIE] = value
        client.get("/set/colour/red")
        assert key_of(client) != value
    assert set(store.seen) == {"Create"}


def test_an_unknown_token_costs_a_read_and_is_not_adopted() -> None:
    store = SeenStore()
    with with_sessions(store, options={"SECRET": None}):
        client = Client()
        client.cookies[COOKIE] = "a" * 26
        client.get("/set/colour/red")
        assert store.seen == ["Find", "Create"]
        assert key_of(client) != "a" * 26


def test_requests_that_change_different_keys_are_both_kept(client: Client) -> None:
    client.get("/set/colour/red")
    other = copy_of(client)
    MEANWHILE.append(lambda: other.get("/set/shape/round"))
    client.get("/slow/size/large")
    assert seen(client) == {"colour": "red", "shape": "round", "size": "large"}


def test_sessions_are_over_after_the_cookies_age_without_use() -> None:
    store = SeenStore()
    with with_sessions(store, SESSION_COOKIE_AGE=1_200):
        client = Client()
        client.get("/set/colour/red")
        for _ in range(3):
            store.fake_clock.advance(1_000)
            assert seen(client) == {"colour": "red"}
        store.fake_clock.advance(1_200)
        assert seen(client) == {}


def test_use_is_noted_at_most_once_in_a_tenth_of_the_idle_time() -> None:
    store = SeenStore()
    with with_sessions(store, SESSION_COOKIE_AGE=1_200):
        client = Client()
        client.get("/set/colour/red")
        store.seen.clear()
        for _ in range(4):
            store.fake_clock.advance(60)
            client.get("/seen")
        assert store.seen == ["Find", "Find", "Save", "Find", "Find", "Save"]


def test_use_does_not_pass_the_lifetime_and_the_cookie_lasts_as_long() -> None:
    store = SeenStore()
    with with_sessions(store, SESSION_COOKIE_AGE=1_200, options={"LIFETIME": 3_000}):
        client = Client()
        cookie = client.get("/set/colour/red").cookies[COOKIE]
        assert cookie["max-age"] == 3_000
        store.fake_clock.advance(1_000)
        client.get("/set/colour/blue")
        store.fake_clock.advance(1_000)
        assert client.get("/login/7").cookies[COOKIE]["max-age"] == 3_000
        for _ in range(2):
            store.fake_clock.advance(1_000)
            assert user_of(client) == "7"
        store.fake_clock.advance(1_000)
        assert user_of(client) == "None"


def test_a_response_does_not_set_a_cookie_that_the_browser_has(client: Client) -> None:
    # One that is slower than a login would put the key of before over the login's.
    client.get("/set/colour/red")
    assert COOKIE not in client.get("/set/colour/blue").cookies
    assert seen(client) == {"colour": "blue"}


def test_a_cookie_that_leads_to_nothing_is_left_alone_by_a_reader(client: Client) -> None:
    # A reader that is slower than a logout and a login would delete the login's.
    client.get("/set/colour/red")
    late = copy_of(client)
    client.get("/logout")
    response = late.get("/seen")
    assert (response.json(), COOKIE in response.cookies) == ({}, False)


def test_messages_wait_in_the_session(client: Client) -> None:
    client.get("/say")
    assert client.get("/hear").content == b"Saved & done"
    assert client.get("/hear").content == b""


def test_saving_at_every_request_writes_only_when_there_is_something_to_write() -> None:
    store = SeenStore()
    with with_sessions(store, SESSION_SAVE_EVERY_REQUEST=True):
        client = Client()
        client.get("/set/colour/red")
        store.seen.clear()
        assert COOKIE in client.get("/").cookies
        assert store.seen == ["Find"]


def test_djangos_own_middleware_serves_too() -> None:
    middleware = [
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
    ]
    with with_sessions(SeenStore(), MIDDLEWARE=middleware):
        client = Client()
        client.get("/set/colour/red")
        client.get("/login/7")
        assert (user_of(client), seen(client)) == ("7", {"colour": "red"})
        client.get("/logout")
        assert user_of(client) == "None"


@pytest.mark.parametrize("where", ["moto", "engine"])
def test_it_works_on_a_table(where: str, request: pytest.FixtureRequest) -> None:
    if where == "moto":
        with mock_aws():
            _visit_a_table(None)
    else:
        _visit_a_table(request.getfixturevalue("dynamodb_endpoint"))


def _visit_a_table(endpoint_url: str | None) -> None:
    with session_table(endpoint_url) as table:
        store = DynamoDBSessionStore(table, endpoint_url=endpoint_url)
        with with_sessions(store, options={"ENCRYPTION": b"k" * 32}):
            client = Client()
            client.get("/set/colour/vermilion")
            client.get("/login/7")
            client.get("/password")
            client.get("/add/1")
            assert seen(client) == {"colour": "vermilion", "cart": {"items": [1]}}
            assert user_of(client) == "7"
            (item,) = sessions_in(table, endpoint_url)
            assert item["userId"] == item["ownerId"] == {"S": "7"}
            assert "vermilion" not in json.dumps(item, default=str)
            client.get("/logout")
            assert sessions_in(table, endpoint_url) == []
        store.close()


def sessions_in(table: str, endpoint_url: str | None) -> list[dict[str, Any]]:
    """The items but for those that only say that they were replaced, or have ended."""
    items = items_of(table, endpoint_url)
    return [item for item in items if not item.keys() & {"replacedBy", "endReason"}]
