"""A Django site with sessions of another engine moves: each goes on, once."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import AsyncClient, Client, override_settings
from django.utils.module_loading import import_string

from sessions.django import SessionStore, sessions_of
from tests.frameworks.django_site.accounts import User
from tests.frameworks.django_site.session_clients import COOKIE, seen, user_of
from tests.frameworks.django_site.with_sessions import (
    MEANWHILE,
    MIDDLEWARE,
    PASSWORDS,
    with_sessions,
)
from tests.frameworks.seen_store import SeenStore

CACHE = "django.contrib.sessions.backends.cache"
COOKIES = "django.contrib.sessions.backends.signed_cookies"
DJANGOS = "django.contrib.sessions.middleware.SessionMiddleware"


@pytest.fixture(params=[CACHE, COOKIES])
def engine(request: pytest.FixtureRequest) -> str:
    chosen: str = request.param
    return chosen


@pytest.fixture
def store() -> SeenStore:
    return SeenStore()


@pytest.fixture
def old(engine: str, store: SeenStore) -> str:
    """The key of a session of before, of user 7, with a colour."""
    djangos = [DJANGOS, *MIDDLEWARE[1:]]
    with with_sessions(store, SESSION_ENGINE=engine, MIDDLEWARE=djangos):
        client = Client()
        client.get("/login/7")
        client.get("/set/colour/red")
        return str(client.cookies[COOKIE].value)


@pytest.fixture(autouse=True)
def moved(engine: str, store: SeenStore, old: str) -> Iterator[None]:
    with with_sessions(store, options={"PREVIOUS_ENGINE": engine}):
        yield


def client_with(key: str) -> Client:
    client = Client()
    client.cookies[COOKIE] = key
    return client


def test_b20_an_old_session_goes_on_and_its_user_stays_logged_in(old: str) -> None:
    client = client_with(old)
    assert seen(client) == {"colour": "red"}
    assert client.cookies[COOKIE].value != old
    assert user_of(client) == "7"
    assert [info.user_id for info in sessions_of(User(pk=7))] == ["7"]
    client.get("/set/shape/round")
    assert seen(client) == {"colour": "red", "shape": "round"}


def test_b20_a_session_that_moved_costs_one_read_as_any_other(old: str, store: SeenStore) -> None:
    client = client_with(old)
    seen(client)
    store.seen.clear()
    assert COOKIE not in client.get("/seen").cookies
    assert store.seen == ["Find"]


def test_b20_it_is_not_read_where_nobody_asks_for_it(old: str, store: SeenStore) -> None:
    client_with(old).get("/")
    assert store.seen == []


def test_b20_a_request_that_only_writes_takes_it_over_too(old: str) -> None:
    client = client_with(old)
    client.get("/set/shape/round")
    assert seen(client) == {"colour": "red", "shape": "round"}


def test_b20_a_lost_response_loses_no_session(old: str) -> None:
    seen(client_with(old))
    again = client_with(old)
    assert seen(again) == {"colour": "red"}
    assert user_of(again) == "7"


def test_b20_a_second_request_sets_no_cookie_beside_the_first(old: str) -> None:
    seen(client_with(old))
    assert COOKIE not in client_with(old).get("/seen").cookies


def test_b20_an_old_key_is_worth_nothing_after_a_logout(old: str) -> None:
    client = client_with(old)
    client.get("/logout")
    late = client_with(old)
    assert user_of(late) == "None"
    assert seen(late) == {}
    assert sessions_of(User(pk=7)) == []


def test_b20_the_old_session_is_deleted(old: str, engine: str) -> None:
    seen(client_with(old))
    if engine == CACHE:
        assert not import_string(f"{engine}.SessionStore")().exists(old)


def test_b20_a_request_under_way_at_a_login_leaves_its_cookie(old: str) -> None:
    first, second = client_with(old), client_with(old)
    seen(first)
    MEANWHILE.append(lambda: first.get("/login/8"))
    assert COOKIE not in second.get("/slow/seen").cookies
    assert user_of(first) == "8"


@pytest.mark.parametrize("user_id", ["7", "8"])
def test_b20_a_login_may_be_the_first_request(old: str, user_id: str) -> None:
    client = client_with(old)
    client.get(f"/login/{user_id}")
    assert user_of(client) == user_id
    assert seen(client) == ({"colour": "red"} if user_id == "7" else {})
    # Django gives no new key to a user who is logged in already.
    assert user_of(client_with(old)) == ("7" if user_id == "7" else "None")
    assert user_of(client) == user_id


def test_b20_another_password_logs_out_as_before(old: str) -> None:
    PASSWORDS[7] = "another"
    assert user_of(client_with(old)) == "None"


@pytest.mark.parametrize("key", ["x" * 32, "forged", "a:b:c"])
def test_b20_a_key_of_neither_is_none_and_its_cookie_is_deleted(key: str) -> None:
    client = client_with(key)
    assert seen(client) == {}
    assert client.cookies[COOKIE].value == ""


@pytest.mark.parametrize("first", ["", "forged-and-longer", "x"])
def test_b20_a_dead_old_key_hides_none_behind_it(old: str, first: str) -> None:
    client = Client()
    answer = client.get("/seen", headers={"cookie": f"{COOKIE}={first}; {COOKIE}={old}"})
    assert answer.json()["colour"] == "red"
    assert COOKIE in answer.cookies
    assert seen(client)["colour"] == "red", "by the cookie that was set"


def test_b20_an_old_session_goes_on_in_an_event_loop(old: str) -> None:
    async def visits() -> None:
        client = AsyncClient()
        client.cookies[COOKIE] = old
        for _ in range(2):
            assert (await client.get("/async/seen")).json() == {"colour": "red"}
        assert client.cookies[COOKIE].value != old
        assert (await client.get("/async/who")).content == b"7"

    asyncio.run(visits())


def test_b20_djangos_own_middleware_sets_the_new_cookie(old: str) -> None:
    with override_settings(MIDDLEWARE=[DJANGOS, *MIDDLEWARE[1:]]):
        client = client_with(old)
        assert seen(client) == {"colour": "red"}
        assert client.cookies[COOKIE].value != old
        assert user_of(client) == "7"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"PREVIOUS_ENGINE": "sessions.django"}, "PREVIOUS_ENGINE must be the SESSION_ENGINE"),
        ({"PREVIOUS_ENGINE": 7}, "PREVIOUS_ENGINE must be the SESSION_ENGINE"),
        ({"PREVIOUS_ENGINE": "no.such"}, "PREVIOUS_ENGINE 'no.such'"),
        ({"PREVIOUS": None}, "use PREVIOUS_ENGINE"),
    ],
)
def test_b20_a_wrong_engine_is_refused(store: SeenStore, options: Any, message: str) -> None:
    with (
        with_sessions(store, options=options),
        pytest.raises(ImproperlyConfigured, match=message),
    ):
        SessionStore()
