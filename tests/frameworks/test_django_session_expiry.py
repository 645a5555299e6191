"""How long a session of Django's lasts, in a browser that drops its cookie when that is due."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone

from sessions.django import SessionStore
from tests.frameworks.django_site.session_clients import COOKIE, user_of
from tests.frameworks.django_site.with_sessions import MIDDLEWARE, with_sessions
from tests.frameworks.seen_store import SeenStore

DJANGOS = ["django.contrib.sessions.middleware.SessionMiddleware", *MIDDLEWARE[1:]]


class Browser:
    """A client that forgets the cookie at the end of its Max-Age."""

    def __init__(self, store: SeenStore) -> None:
        self.client = Client()
        self._store = store
        self._cookie_ends_at = float("inf")

    def get(self, path: str) -> Any:
        if self._now() >= self._cookie_ends_at:
            self.client.cookies.clear()
        response = self.client.get(path)
        if COOKIE in response.cookies:
            age = response.cookies[COOKIE]["max-age"]
            self._cookie_ends_at = float("inf") if age == "" else self._now() + age
        return response

    def user(self) -> str:
        return str(self.get("/who").content, "utf-8")

    def _now(self) -> int:
        return self._store.fake_clock() // 10**9


@pytest.mark.parametrize("middleware", [MIDDLEWARE, DJANGOS], ids=["ours", "Django's"])
@pytest.mark.parametrize("seconds", [10, 60, 300, 1_200, 20_000])
@pytest.mark.parametrize("part", [0.5, 0.85])
def test_who_is_active_stays_logged_in_however_short_the_expiry(
    middleware: list[str], seconds: int, part: float
) -> None:
    store = SeenStore()
    with with_sessions(store, SESSION_COOKIE_AGE=1_200, MIDDLEWARE=middleware):
        browser = Browser(store)
        browser.get("/login/7")
        browser.get(f"/expire/{seconds}")
        for _ in range(min(20, int(43_199 / (seconds * part)))):
            store.fake_clock.advance(int(seconds * part))
            assert browser.user() == "7"
        store.fake_clock.advance(seconds)
        assert browser.user() == "None"


@pytest.mark.parametrize("middleware", [MIDDLEWARE, DJANGOS], ids=["ours", "Django's"])
def test_who_is_active_stays_logged_in_by_the_sites_own_idle_time(middleware: list[str]) -> None:
    store = SeenStore()
    with with_sessions(store, SESSION_COOKIE_AGE=1_200, MIDDLEWARE=middleware):
        browser = Browser(store)
        browser.get("/login/7")
        for _ in range(20):
            store.fake_clock.advance(1_000)
            assert browser.user() == "7"


def test_a_reader_of_a_session_with_an_expiry_gets_no_cookie() -> None:
    # A response that is slower than a login would put it over the login's.
    store = SeenStore()
    with with_sessions(store):
        client = Client()
        client.get("/login/7")
        assert client.cookies[COOKIE]["max-age"] == 1_209_600
        assert COOKIE not in client.get("/expire/300").cookies
        store.fake_clock.advance(200)
        response = client.get("/who")
        assert (response.content, COOKIE in response.cookies) == (b"7", False)


def test_zero_makes_a_cookie_that_the_browser_drops() -> None:
    with with_sessions(SeenStore()):
        client = Client()
        client.get("/login/7")
        assert client.get("/expire/0").cookies[COOKIE]["max-age"] == ""
        assert user_of(client) == "7"


def test_the_expiry_that_a_session_tells_is_the_sessions() -> None:
    store = SeenStore()
    with with_sessions(store, SESSION_COOKIE_AGE=1_200, options={"LIFETIME": 3_000}):
        client = Client()
        client.get("/login/7")
        session = client.session
        now = timezone.now()
        assert session.get_expiry_age() == 1_200
        assert session.get_expiry_date(modification=now) == now + datetime.timedelta(0, 1_200)
        session.set_expiry(300)
        session.save()
        assert client.session.get_expiry_age() == 300
        for _ in range(9):
            store.fake_clock.advance(299)
            assert user_of(client) == "7"
        # The lifetime is over in 309 seconds, and goes before.
        session = client.session
        session.set_expiry(1_000)
        assert session.get_expiry_age() == 3_000 - 9 * 299
        until = now + datetime.timedelta(0, 3_000 - 9 * 299)
        assert session.get_expiry_date(modification=now) == until


def test_the_age_of_a_session_that_is_not_read_is_told_without_reading_it() -> None:
    store = SeenStore()
    with with_sessions(store):
        client = Client()
        client.get("/set/colour/red")
        session = SessionStore(client.cookies[COOKIE].value)
        store.seen.clear()
        assert session.get_expiry_age(expiry=300) == 300
        assert store.seen == []
        assert session.get_expiry_age() == settings.SESSION_COOKIE_AGE


def test_a_lifetime_that_has_become_shorter_counts() -> None:
    store = SeenStore()
    with with_sessions(store, SESSION_COOKIE_AGE=1_200, options={"LIFETIME": 3_000}):
        begun = SessionStore()
        begun["cat"] = "dog"
        begun.save()
    store.fake_clock.advance(1_000)
    with with_sessions(store, SESSION_COOKIE_AGE=1_200, options={"LIFETIME": 1_500}):
        found = SessionStore(begun.session_key)
        assert found["cat"] == "dog"
        assert (found.seconds_left, found.get_expiry_age()) == (500, 500)
        assert found.get_cookie_max_age() == 500
