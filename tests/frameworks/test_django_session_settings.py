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
        ({"options": {"secret": "x"}}, "unknown option 'secret'; expected one of STORE, LIFETIME"),
        ({"options": {"SECRET": "short"}}, "secret must .*, not 5"),
        ({"options": {"LIFETIME": 60}}, "lifetime must .*, not 60"),
        ({"SESSION_COOKIE_AGE": 60}, "idle must .*, not 60"),
        ({"SESSION_COOKIE_AGE": 1.5}, "idle must .*, not 1.5"),
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


STORE = SeenStore()
