"""Flask's own settings of sessions: followed, or refused aloud."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from sessions import MemorySessionStore
from tests.frameworks.flask_sessions_site import cookie_of, site


def cookie_with(settings: dict[str, Any], **options: Any) -> str:
    """The Set-Cookie field of an app with these settings and these options."""
    app = site(MemorySessionStore(), **options)
    app.config.update(settings)
    field = cookie_of(app.test_client().get("/set/a/1"))
    assert field is not None
    name, _, rest = field.partition("=")
    return f"{name}=; {rest.partition('; ')[2]}"


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({}, "__Host-session=; Path=/; Secure; HttpOnly; SameSite=Lax"),
        ({"SESSION_COOKIE_NAME": "sid"}, "sid=; Path=/; Secure; HttpOnly; SameSite=Lax"),
        (
            {
                "SESSION_COOKIE_NAME": "sid",
                "SESSION_COOKIE_DOMAIN": "example.com",
                "SESSION_COOKIE_PATH": "/shop",
                "SESSION_COOKIE_SAMESITE": "Strict",
            },
            "sid=; Path=/shop; Domain=example.com; Secure; HttpOnly; SameSite=Strict",
        ),
        (
            {"SESSION_COOKIE_SAMESITE": "None", "SESSION_COOKIE_PARTITIONED": True},
            "__Host-session=; Path=/; Secure; HttpOnly; SameSite=None; Partitioned",
        ),
        (
            {"SESSION_COOKIE_SECURE": True, "SESSION_REFRESH_EACH_REQUEST": False},
            "__Host-session=; Path=/; Secure; HttpOnly; SameSite=Lax",
        ),
    ],
)
def test_settings_are_followed(settings: dict[str, Any], field: str) -> None:
    assert cookie_with(settings) == field


@pytest.mark.parametrize("given", ["strict", "STRICT"])
def test_same_site_is_taken_in_any_case_as_flasks_own_cookies_take_it(given: str) -> None:
    settings = {"SESSION_COOKIE_SAMESITE": given}
    assert cookie_with(settings).endswith("; SameSite=Strict")
    assert cookie_with(settings, same_site="Strict").endswith("; SameSite=Strict")


def test_a_domain_may_have_a_dot_in_front_which_browsers_ignore() -> None:
    settings = {"SESSION_COOKIE_NAME": "sid", "SESSION_COOKIE_DOMAIN": ".example.com"}
    assert "; Domain=example.com; " in cookie_with(settings)
    assert "; Domain=example.com; " in cookie_with(settings, domain="example.com")


def test_a_setting_may_give_the_name_that_an_option_needs() -> None:
    settings = {"SESSION_COOKIE_NAME": "sid"}
    assert cookie_with(settings, secure=False) == "sid=; Path=/; HttpOnly; SameSite=Lax"
    assert cookie_with(settings, path="/shop").startswith("sid=; Path=/shop; ")


def test_a_setting_may_say_what_an_option_says() -> None:
    settings = {"SESSION_COOKIE_NAME": "sid", "PERMANENT_SESSION_LIFETIME": timedelta(days=30)}
    options = {"cookie": "sid", "idle": 3_600, "lifetime": 30 * 86_400}
    assert cookie_with(settings, **options).startswith("sid=")
    assert cookie_with({**settings, "PERMANENT_SESSION_LIFETIME": 2_592_000}, **options)


@pytest.mark.parametrize(
    ("settings", "options", "told"),
    [
        ({"SESSION_COOKIE_NAME": "sid"}, {"cookie": "id"}, "SESSION_COOKIE_NAME is 'sid'"),
        (
            {"SESSION_COOKIE_SECURE": True},
            {"cookie": "id", "secure": False},
            "SESSION_COOKIE_SECURE is True, and SessionInterface has secure=False",
        ),
        ({"SESSION_COOKIE_SAMESITE": "Strict"}, {"same_site": "Lax"}, "SESSION_COOKIE_SAMESITE"),
        ({"SESSION_COOKIE_SAMESITE": "loose"}, {}, "^SESSION_COOKIE_SAMESITE: same_site must be"),
        (
            {"SESSION_COOKIE_DOMAIN": "example.com"},
            {},
            "^SESSION_COOKIE_DOMAIN: .*__Host-session.* choose a name without it",
        ),
        ({"SESSION_COOKIE_PATH": "/shop"}, {}, "^SESSION_COOKIE_PATH: .*__Host-session"),
        ({}, {"secure": False}, "__Host-session"),
        ({"SESSION_COOKIE_HTTPONLY": False}, {}, "SESSION_COOKIE_HTTPONLY must be True"),
        (
            {"PERMANENT_SESSION_LIFETIME": timedelta(days=30)},
            {},
            "PERMANENT_SESSION_LIFETIME of 2592000 seconds is not followed",
        ),
        ({"PERMANENT_SESSION_LIFETIME": 60}, {"lifetime": 7_200}, "lifetime=60"),
    ],
)
def test_what_cant_be_followed_is_refused(
    settings: dict[str, Any], options: dict[str, Any], told: str
) -> None:
    with pytest.raises(ValueError, match=told):
        cookie_with(settings, **options)
