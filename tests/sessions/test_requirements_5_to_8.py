"""Requirements 5 to 8: logout, caching, the cookie's attributes, what keys and logs hold.

Sources: OWASP Session Management Cheat Sheet; RFC 6265bis; RFC 9111, 4.1 and 5.2.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from sessions import Session
from sessions.cookie.headers import with_session_headers
from tests.sessions.browser import Site, begun, logged_in
from tests.sessions.recording import recorded_site

# 5. Logout deletes the row and clears the cookie with the same attributes; nothing undoes it.


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"cookie": "session", "secure": False},
        {"cookie": "__Secure-s", "path": "/app", "domain": "example.com"},
        {"same_site": "Strict"},
        {"same_site": "None", "persistent": True},
    ],
)
def test_r5_logout_deletes_the_row_and_clears_the_cookie_with_the_same_attributes(
    site: Site, options: dict[str, Any]
) -> None:
    browser = site.browser(**options)
    request = browser.open()
    request.session["a"] = 1
    was_set = dict(request.finish())["set-cookie"]
    session_id = browser.session_id
    request = browser.open()
    request.session.logout()
    cleared = dict(request.finish())["set-cookie"]
    assert site.rows(session_id) == []

    def attributes(field: str) -> set[str]:
        return {part for part in field.split("; ")[1:] if not part.startswith(("Max-", "Expires"))}

    assert attributes(cleared) == attributes(was_set)
    assert cleared.startswith(was_set.partition("=")[0] + "=;")
    assert "Max-Age=0" in cleared


def test_r5_what_another_request_saves_later_does_not_undo_a_logout(site: Site) -> None:
    browser = logged_in(site, "ada", seed=0)
    slow, logout = browser.open(), site.browser(browser).open()
    slow.session["late"] = 1
    logout.session.logout()
    logout.finish()
    assert slow.finish() == [("vary", "Cookie")]
    assert site.rows(browser.session_id) == []
    assert len(site.store) == 0  # type: ignore[arg-type]


# 6. A response that sets the cookie is not stored; one that used the session varies by it.

USES: list[Callable[[Session], object]] = [
    lambda session: session.get("a"),
    lambda session: "a" in session,
    len,
    bool,
    list,
    dict,
    lambda session: session.keys() == {"a"},
    lambda session: session == {},
    lambda session: session.user_id,
    lambda session: session.id,
    lambda session: session.is_new,
    lambda session: session.flashes(),
    lambda session: session.is_csrf_token("x"),
    lambda session: session.csrf_token(),
    lambda session: session.pop("a", None),
    lambda session: session.update(a=2),
    lambda session: session.clear(),
    lambda session: session.flash("message"),
    lambda session: session.logout(),
    lambda session: session.rotate(),
    lambda session: session.login("ada"),
]


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("is_new", [True, False])
def test_r6_every_use_makes_the_response_vary_by_the_cookie(
    site: Site, use: Callable[[Session], object], is_new: bool
) -> None:
    request = (site.browser() if is_new else begun(site, a=1)).open()
    use(request.session)
    fields = request.begin()
    assert ("vary", "Cookie") in fields
    headers = with_session_headers([("content-type", "text/plain")], fields)
    sets = [name for name, _ in headers].count("set-cookie")
    stored = [value for name, value in headers if name == "cache-control"]
    assert stored == ["private, no-store"] * sets
    assert sets <= 1


def test_r6_an_unused_session_adds_nothing(site: Site) -> None:
    for browser in (site.browser(), begun(site)):
        request = browser.open()
        repr(request.session)
        assert request.finish() == []


@pytest.mark.parametrize(
    ("given", "made"),
    [
        ([], [("cache-control", "private, no-store"), ("set-cookie", "s=v"), ("vary", "Cookie")]),
        (
            [("Cache-Control", "public, max-age=60"), ("cache-control", "immutable")],
            [("cache-control", "private, no-store"), ("set-cookie", "s=v"), ("vary", "Cookie")],
        ),
        (
            [("Vary", "Accept, COOKIE"), ("Set-Cookie", "other=1")],
            [
                ("Vary", "Accept, COOKIE"),
                ("Set-Cookie", "other=1"),
                ("cache-control", "private, no-store"),
                ("set-cookie", "s=v"),
            ],
        ),
        (
            [("vary", "Accept"), ("vary", "*")],
            [
                ("vary", "Accept"),
                ("vary", "*"),
                ("cache-control", "private, no-store"),
                ("set-cookie", "s=v"),
            ],
        ),
        (
            [("vary", "X-Cookie")],
            [
                ("cache-control", "private, no-store"),
                ("set-cookie", "s=v"),
                ("vary", "X-Cookie, Cookie"),
            ],
        ),
    ],
)
def test_r6_a_response_that_sets_the_cookie_is_not_stored(
    given: list[tuple[str, str]], made: list[tuple[str, str]]
) -> None:
    assert with_session_headers(given, [("set-cookie", "s=v"), ("vary", "Cookie")]) == made


@pytest.mark.parametrize("own", [["Accept-Encoding"], ["Accept", "Origin"]])
def test_r6_cookie_joins_the_applications_vary_in_one_field(own: list[str]) -> None:
    headers = [("Vary", value) for value in own]
    joined = with_session_headers(headers, [("vary", "Cookie")])
    assert joined == [("vary", ", ".join([*own, "Cookie"]))]


def test_r6_a_response_that_sets_none_keeps_its_cache_control() -> None:
    given = [("cache-control", "private, max-age=60")]
    assert with_session_headers(given, [("vary", "Cookie")]) == [*given, ("vary", "Cookie")]


# 7. Secure, HttpOnly and SameSite are explicit: tables in test_cookie.py.


def test_r7_a_cookie_is_safe_unless_it_is_configured_otherwise(site: Site) -> None:
    request = site.browser().open()
    request.session["a"] = 1
    name, *attributes = dict(request.finish())["set-cookie"].split("; ")
    assert name.startswith("__Host-session=")
    assert attributes == ["Path=/", "Secure", "HttpOnly", "SameSite=Lax"]


@pytest.mark.parametrize("cookie", ["__Host-s", "__Secure-s", "s"])
@pytest.mark.parametrize("secure", [True, False])
@pytest.mark.parametrize("same_site", ["Lax", "Strict", "None"])
@pytest.mark.parametrize("path", ["/", "/app"])
@pytest.mark.parametrize("domain", [None, "example.com"])
def test_r7_no_combination_that_browsers_refuse_is_taken(
    site: Site, cookie: str, secure: bool, same_site: str, path: str, domain: str | None
) -> None:
    refused = (
        (same_site == "None" and not secure)
        or (cookie.startswith("__") and not secure)
        or (cookie.startswith("__Host-") and (path != "/" or domain is not None))
    )
    options: dict[str, Any] = {
        "cookie": cookie,
        "secure": secure,
        "same_site": same_site,
        "path": path,
    }
    try:
        site.browser(**options, domain=domain)
    except ValueError:
        assert refused
    else:
        assert not refused


# 8. The raw token is in no store key and no log (test_events.py); turns of life are events.


def test_r8_no_operation_carries_a_token(site: Site) -> None:
    site, store = recorded_site()
    browser = site.browser(secret="s" * 32)
    tokens = set()
    changes: list[Callable[[Session], object]] = [
        lambda session: session.update(a=1),
        lambda session: session.csrf_token(),
        lambda session: session.rotate(),
        lambda session: session.login("ada"),
        lambda session: session.flash("m"),
    ]
    for do in changes:
        with browser.request() as session:
            do(session)
        tokens.add(browser.token)
    with browser.request() as session:
        session.logout()
    assert len(tokens) == 3
    everything = repr(store.operations)
    assert not any(token in everything for token in tokens)


def test_r8_create_renew_destroy_and_invalid_ids_are_events(site: Site) -> None:
    browser = site.browser(event_salt=b"salt")
    with browser.request() as session:
        session["a"] = 1
    with browser.request() as session:
        session.login("ada")
    kept = site.browser(browser, event_salt=b"salt")
    with browser.request() as session:
        session.logout()
    kept.seen()
    assert [event.what for event in site.events] == ["created", "renewed", "destroyed", "invalid"]
    digests = [event.session for event in site.events]
    assert digests[1] == digests[2] == digests[3] != digests[0]
    assert all(isinstance(digest, str) and len(digest) == 32 for digest in digests)
