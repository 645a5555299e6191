"""Django's sessions in a store: the settings."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import Client

from tests.frameworks.django_site.with_sessions import with_sessions
from tests.frameworks.seen_store import SeenStore

COOKIE = "sessionid"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"SESSIONS": None}, "a dict with STORE"),
        ({"SESSIONS": {}}, "must have 'STORE'"),
        ({"SESSIONS": {"STORE": object()}}, "STORE must be .* not <object"),
        ({"SESSIONS": {"STORE": "tests.nowhere"}}, "STORE 'tests.nowhere'"),
        (
            {"options": {"IDLE": 60}},
            r"unknown option 'IDLE' \(use SESSION_COOKIE_AGE\)",
        ),
        ({"options": {"ON_REVOKED": "ignore"}}, r"unknown option 'ON_REVOKED' \(Django's"),
        ({"options": {"BEARER": True}}, r"unknown option 'BEARER' \(Django's CsrfViewMiddleware"),
        ({"options": {"secret": "x"}}, "unknown option 'secret'; expected one of STORE, LIFETIME"),
        ({"options": {"SECRET": "short"}}, "secret must .*, not 5"),
        ({"options": {"LIFETIME": 60}}, r"SESSIONS\['LIFETIME'\] must .*, not 60"),
        ({"SESSION_COOKIE_AGE": 60}, "SESSION_COOKIE_AGE must .*, not 60"),
        ({"SESSION_COOKIE_AGE": 1.5}, "SESSION_COOKIE_AGE must .*, not 1.5"),
        (
            {"SESSION_COOKIE_AGE": 50_000, "options": {"LIFETIME": 43_200}},
            r"SESSION_COOKIE_AGE must be at most SESSIONS\['LIFETIME'\], 43200, not 50000: .*used",
        ),
        ({"SESSION_COOKIE_SAMESITE": "None"}, "same_site 'None'"),
        ({"SESSION_COOKIE_NAME": "__Host-session"}, "its prefix needs secure=True"),
        (
            {"SESSION_SERIALIZER": "tests.frameworks.django_site.with_sessions.User"},
            "SESSION_SERIALIZER",
        ),
    ],
)
def test_settings_that_cannot_hold_are_refused_when_the_site_starts(
    settings: Any, message: str
) -> None:
    with (
        with_sessions(SeenStore(), **settings),
        pytest.raises(ImproperlyConfigured, match=message),
    ):
        Client().get("/")


@pytest.mark.parametrize(
    "settings",
    [
        {"SESSION_COOKIE_SAMESITE": False},
        {"SESSION_COOKIE_SAMESITE": "strict"},
        {"SESSION_COOKIE_DOMAIN": ".example.com"},
        {"SESSION_COOKIE_DOMAIN": ""},
        {"SESSION_COOKIE_NAME": "__Host-session", "SESSION_COOKIE_SECURE": True},
        {"SESSIONS": {"STORE": f"{__name__}.STORE"}},
    ],
)
def test_what_django_takes_for_a_cookie_serves(settings: Any) -> None:
    with with_sessions(SeenStore(), **settings):
        client = Client()
        client.get("/set/colour/red", secure=True)
        assert client.get("/seen", secure=True).json() == {"colour": "red"}


@pytest.mark.parametrize(
    ("settings", "idle", "lifetime"),
    [
        ({}, 1_209_600, 1_209_600),  # Django's default
        ({"options": {"LIFETIME": 43_200}}, 43_200, 43_200),
        ({"options": {"LIFETIME": 2_000_000}}, 1_209_600, 2_000_000),
        ({"SESSION_COOKIE_AGE": 1_200}, 1_200, 43_200),
        ({"SESSION_COOKIE_AGE": 1_200, "options": {"LIFETIME": 3_600}}, 1_200, 3_600),
        ({"SESSION_COOKIE_AGE": 90_000}, 90_000, 90_000),
    ],
)
def test_a_timeout_that_the_project_left_out_agrees_with_the_one_it_gives(
    settings: Any, idle: int, lifetime: int
) -> None:
    store = SeenStore()
    with with_sessions(store, **settings):
        client = Client()
        client.get("/login/7")
        (info,) = store.sessions_of("7")
        assert info.expires_at - info.created_at == idle
        assert client.cookies[COOKIE]["max-age"] == lifetime


STORE = SeenStore()
