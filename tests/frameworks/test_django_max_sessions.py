"""At most so many sessions of one of Django's users."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib import auth
from django.http import HttpRequest, HttpResponse
from django.test import AsyncClient, Client
from django.urls import path

from sessions import TooManySessions
from sessions.django import sessions_of
from tests.frameworks.django_site import with_sessions as site
from tests.frameworks.django_site.session_clients import user_of
from tests.frameworks.seen_store import SeenStore


def enter_or_say(request: HttpRequest) -> HttpResponse:
    auth.login(request, site.People().get_user(7))
    try:
        request.session.save()
    except TooManySessions:
        auth.logout(request)
        return HttpResponse("too many", status=409)
    return HttpResponse("in")


def why(request: HttpRequest) -> HttpResponse:
    return HttpResponse(str(request.session.end_reason))


async def why_async(request: HttpRequest) -> HttpResponse:
    return HttpResponse(str(await request.session.aend_reason()))


urlpatterns = [
    *site.urlpatterns,
    path("enter-or-say", enter_or_say),
    path("why", why),
    path("async/why", why_async),
]


@pytest.fixture
def store() -> SeenStore:
    return SeenStore()


@pytest.fixture(params=["end_oldest"])
def policy(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture(autouse=True)
def settings(store: SeenStore, policy: str) -> Iterator[None]:
    options = {"MAX_SESSIONS_PER_USER": 2, "ON_MAX_SESSIONS": policy}
    with site.with_sessions(
        store, options=options, SESSION_COOKIE_AGE=1_200, ROOT_URLCONF=__name__
    ):
        yield


def logged_in(store: SeenStore) -> Client:
    client = Client()
    client.get("/login/7")
    store.fake_clock.advance(1)
    return client


def test_a_login_beyond_the_most_ends_the_oldest_and_it_can_say_why(store: SeenStore) -> None:
    clients = [logged_in(store) for _ in range(3)]
    assert [user_of(client) for client in clients] == ["None", "7", "7"]
    assert [client.get("/why").content for client in clients] == [
        b"login_elsewhere",
        b"None",
        b"None",
    ]
    assert len(sessions_of(site.People().get_user(7))) == 2


def test_it_can_say_why_in_an_event_loop(store: SeenStore) -> None:
    one, *_ = (logged_in(store) for _ in range(3))
    client = AsyncClient()
    client.cookies = one.cookies
    response = asyncio.run(client.get("/async/why"))
    assert response.content == b"login_elsewhere"


def test_a_change_of_password_counts_no_more(store: SeenStore) -> None:
    one, two = (logged_in(store) for _ in range(2))
    for _ in range(3):
        two.get("/password")
        store.fake_clock.advance(30)
    assert len(sessions_of(site.People().get_user(7))) == 2
    assert one.get("/why").content == b"None"


@pytest.mark.parametrize("seconds", [120, 20_000])
def test_each_session_counts_until_its_own_expiry(store: SeenStore, seconds: int) -> None:
    one, two = (logged_in(store) for _ in range(2))
    one.get(f"/expire/{seconds}")
    store.fake_clock.advance(130)
    three = logged_in(store)
    alive = {120: ["None", "7", "7"], 20_000: ["None", "7", "7"]}[seconds]
    assert [user_of(client) for client in (one, two, three)] == alive
    told = b"None" if seconds == 120 else b"login_elsewhere"
    assert one.get("/why").content == told


def test_another_sessions_own_short_expiry_ends_no_other(store: SeenStore) -> None:
    one = logged_in(store)
    store.fake_clock.advance(200)
    two = logged_in(store)
    two.get("/expire/120")
    two.get("/password")  # a new key, of a session whose own expiry is shorter than one's
    three = Client()
    three.get("/expire/120")
    three.get("/login/7")
    assert [client.get("/why").content for client in (one, two, three)] == [
        b"login_elsewhere",
        b"None",
        b"None",
    ]


@pytest.mark.parametrize("policy", ["refuse"], indirect=True)
def test_a_login_beyond_the_most_is_refused_where_it_is_saved(store: SeenStore) -> None:
    clients = [Client() for _ in range(3)]
    assert [client.get("/enter-or-say").content for client in clients] == [
        b"in",
        b"in",
        b"too many",
    ]
    assert [user_of(client) for client in clients] == ["7", "7", "None"]
    clients[0].get("/logout")
    assert clients[2].get("/enter-or-say").content == b"in"


@pytest.mark.parametrize("policy", ["refuse"], indirect=True)
def test_a_refused_login_that_nobody_saves_fails_the_request(store: SeenStore) -> None:
    for _ in range(2):
        logged_in(store)
    client = Client()
    with pytest.raises(TooManySessions):
        client.get("/login/7")
    assert user_of(client) == "None"
    assert len(sessions_of(site.People().get_user(7))) == 2
