"""Which of a request's cookies Django's session is taken from."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import AsyncClient, Client

from tests.frameworks.django_site.session_clients import COOKIE, key_of
from tests.frameworks.django_site.with_sessions import MIDDLEWARE, with_sessions
from tests.frameworks.seen_store import SeenStore

HOST = "__Host-sessionid"


@pytest.fixture
def store() -> Iterator[SeenStore]:
    made = SeenStore()
    with with_sessions(made, options={"SECRET": None}):
        yield made


def _key_of_new_session(colour: str) -> str:
    client = Client()
    client.get(f"/set/colour/{colour}")
    return key_of(client)


def _dead(number: int, key: str) -> str:
    """A well-formed key that leads to no session."""
    return key[number + 1 :] + key[: number + 1]


@pytest.mark.parametrize("dead", [0, 1, 2])
def test_a_session_is_found_behind_cookies_that_lead_to_none(store: SeenStore, dead: int) -> None:
    key = _key_of_new_session("red")
    before = ["", "x", *(_dead(number, key) for number in range(dead))]
    field = "; ".join(f"{COOKIE}={value}" for value in [*before, key])
    store.seen.clear()
    assert Client().get("/seen", headers={"cookie": field}).json() == {"colour": "red"}
    assert store.seen == ["Find"] * (dead + 1)


def test_the_first_of_two_sessions_counts_and_three_are_tried_at_most(store: SeenStore) -> None:
    red, blue = _key_of_new_session("red"), _key_of_new_session("blue")
    both = f"{COOKIE}={red}; {COOKIE}={blue}"
    assert Client().get("/seen", headers={"cookie": both}).json() == {"colour": "red"}
    many = "; ".join(f"{COOKIE}={key}" for key in [*(_dead(n, red) for n in range(30)), red])
    store.seen.clear()
    assert Client().get("/seen", headers={"cookie": many}).json() == {}
    assert store.seen == ["Find"] * 3


def test_it_is_so_in_an_event_loop_where_the_field_may_be_split(store: SeenStore) -> None:
    key = _key_of_new_session("red")
    client = AsyncClient()
    client.cookies["theme"] = "dark"  # a Cookie field of its own
    field = f"{COOKIE}={_dead(0, key)}; {COOKIE}={key}"
    answer = asyncio.run(client.get("/async/seen", headers={"cookie": field}))
    assert answer.json() == {"colour": "red"}


@pytest.mark.parametrize("asked", [[], ["KeyInAField"]], ids=["", "asked for before"])
@pytest.mark.parametrize("space", ["\xa0", "\x85", "\u2003", "\x1c", "\x0c"])
def test_only_the_very_name_is_the_sessions(space: str, asked: list[str]) -> None:
    with with_sessions(
        SeenStore(),
        SESSION_COOKIE_NAME=HOST,
        SESSION_COOKIE_SECURE=True,
        MIDDLEWARE=[*(f"{__name__}.{name}" for name in asked), *MIDDLEWARE],
    ):
        keys = []
        for colour in ("planted", "own"):
            client = Client()
            client.get(f"/set/colour/{colour}")
            keys.append(str(client.cookies[HOST].value))
        planted, own = keys
        as_utf8 = space.encode().decode("latin-1")  # as a WSGI server gives it
        for raw in [as_utf8, space] if space < "\u0100" else [as_utf8]:
            field = f"{HOST}={own}; {raw}{HOST}={planted}"
            request = Client().get("/seen", headers={"cookie": field}, secure=True)
            assert request.json() == {"colour": "own"}
            alone = Client().get("/seen", headers={"cookie": f"{raw}{HOST}={planted}"}, secure=True)
            assert alone.json() == {}


def test_a_logout_ends_the_sessions_of_all_cookies(store: SeenStore) -> None:
    keys = []
    for _ in range(2):
        client = Client()
        client.get("/login/7")
        keys.append(key_of(client))
    assert len(store.sessions_of("7")) == 2
    field = "; ".join(f"{COOKIE}={key}" for key in keys)
    Client().get("/logout", headers={"cookie": field})
    assert store.sessions_of("7") == []


class KeyInAField:
    """A middleware that takes the key from another field, as for a mobile app."""

    def __init__(self, get_response: Any) -> None:
        self._get_response = get_response

    def __call__(self, request: Any) -> Any:
        assert request.COOKIES is not None
        if "X-Session" in request.headers:
            request.COOKIES[COOKIE] = request.headers["X-Session"]
        return self._get_response(request)


def test_a_key_that_a_middleware_puts_among_the_cookies_counts(store: SeenStore) -> None:
    red, blue = _key_of_new_session("red"), _key_of_new_session("blue")
    with with_sessions(
        store, options={"SECRET": None}, MIDDLEWARE=[f"{__name__}.KeyInAField", *MIDDLEWARE]
    ):
        for headers, colour in (
            ({"x-session": blue}, "blue"),
            ({"x-session": blue, "cookie": f"{COOKIE}={red}"}, "blue"),
            ({"cookie": f"{COOKIE}={red}"}, "red"),
        ):
            assert Client().get("/seen", headers=headers).json() == {"colour": colour}


@pytest.mark.parametrize(
    "settings",
    [
        {"SESSION_COOKIE_NAME": "__Host-sessionid", "SESSION_COOKIE_SECURE": True},
        {"SESSION_COOKIE_NAME": "__http-sessionid", "SESSION_COOKIE_SECURE": True},
        {"SESSION_COOKIE_PATH": "/set", "SESSION_COOKIE_DOMAIN": ".example.com"},
        {"SESSION_COOKIE_HTTPONLY": False, "SESSION_COOKIE_SAMESITE": "None"},
    ],
)
def test_the_cookie_is_set_and_deleted_with_the_same_attributes(settings: dict[str, Any]) -> None:
    with with_sessions(SeenStore(), **{"SESSION_COOKIE_SECURE": True, **settings}):
        client = Client()
        name = settings.get("SESSION_COOKIE_NAME", COOKIE)
        put = client.get("/login/7").cookies[name]
        deleted = client.get("/logout").cookies[name]
    age = ("expires", "max-age")
    assert (deleted.value, deleted["max-age"]) == ("", 0)
    assert deleted["expires"] == "Thu, 01 Jan 1970 00:00:00 GMT"
    assert {name: value for name, value in deleted.items() if name not in age} == {
        name: value for name, value in put.items() if name not in age
    }
