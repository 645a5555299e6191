"""The cookie as a real browser keeps it; kept back, put back, and made up."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.browser.browser import Browser
from tests.browser.site import Served, evil_site, served

pytestmark = pytest.mark.browser

over_tls = pytest.mark.parametrize("site", ["tls"], indirect=True)

MADE_UP = "A" * 43 + "." + "B" * 43


def test_the_cookies_attributes(browser: Browser, site: Served) -> None:
    browser.login("ada")
    (kept,) = browser.cookies()
    assert kept["name"] == ("__Host-session" if site.is_secure else "session")
    assert kept["httpOnly"] is True
    assert kept["secure"] is site.is_secure
    assert kept["sameSite"] == "Lax"
    assert kept["path"] == "/"
    assert kept["domain"] == site.host, "a leading dot would mean subdomains too"
    assert kept["session"] is True, "it goes when the browser does"


def test_scripts_see_no_cookie(browser: Browser) -> None:
    browser.login("ada")
    assert browser.token()
    assert browser.run("return document.cookie") == ""


def test_the_cookie_says_nothing_and_stays_as_it_is(browser: Browser, site: Served) -> None:
    browser.login("ada")
    token = browser.token()
    assert token is not None
    (info,) = site.store.sessions_of("ada")
    assert "ada" not in token
    assert info.id not in token
    for _ in range(3):
        browser.reload()
    browser.open("/devices")
    assert browser.token() == token
    assert token not in browser.driver.page_source


def test_a_login_changes_the_cookie_and_the_old_one_is_nobodys(
    browser: Browser, other: Browser
) -> None:
    """Whoever planted a cookie before the login has nothing of it (session fixation)."""
    other.open("/login")
    planted = other.token()
    assert planted is not None
    browser.open()
    browser.put_token(planted)
    browser.login("ada")
    assert browser.heading == "Hello, ada"
    assert browser.token() != planted

    other.open()

    assert other.token() == planted
    assert other.heading == "Nobody is logged in"


def test_a_cookie_of_before_the_logout_is_nobodys(browser: Browser, site: Served) -> None:
    browser.login("ada")
    old = browser.token()
    assert old is not None
    browser.press("Log out")
    browser.put_token(old)
    browser.open("/devices")
    assert (browser.path, browser.heading) == ("/login", "Log in")
    assert ("invalid", "unknown") in {(event.what, event.why) for event in site.events}


def test_a_cookie_that_was_ended_elsewhere_is_nobodys(browser: Browser, site: Served) -> None:
    browser.login("ada")
    old = browser.token()
    site.store.revoke_user("ada")
    browser.reload()
    assert browser.heading == "Nobody is logged in"
    assert browser.token() == old


def test_a_made_up_cookie_is_nobodys_and_never_adopted(browser: Browser, site: Served) -> None:
    browser.open()
    browser.put_token(MADE_UP)
    browser.open()
    assert browser.heading == "Nobody is logged in"
    assert len(site.store) == 0
    # One for each request of the page: itself, its style, its scripts, its live view.
    assert {(event.what, event.why) for event in site.events} == {("invalid", "malformed")}

    browser.login("ada")

    assert browser.heading == "Hello, ada"
    assert browser.token() != MADE_UP
    browser.put_token(MADE_UP)
    browser.open()
    assert browser.heading == "Nobody is logged in"


def test_a_cookie_with_one_character_changed_is_nobodys(browser: Browser, site: Served) -> None:
    browser.login("ada")
    token = browser.token()
    assert token is not None
    for place in (0, 43, 44, -1):  # of the token, between the two, of its MAC
        letters = list(token)
        letters[place] = "A" if letters[place] != "A" else "B"
        browser.put_token("".join(letters))
        browser.open()
        assert browser.heading == "Nobody is logged in"
        assert site.events[-1].why == "malformed"
    browser.put_token(token)
    browser.open()
    assert browser.heading == "Hello, ada"


@over_tls
def test_off_tls_the_cookie_is_not_sent(browser: Browser, site: Served) -> None:
    """Whoever listens to a request that strayed off TLS hears no token."""
    browser.login("ada")
    with served(None, site.host) as plain:
        browser.driver.get(plain.url)
        assert [request.cookies for request in plain.asked] == [""]
    browser.open()
    assert browser.heading == "Hello, ada"


@over_tls
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_another_host_of_the_domain_can_not_plant_the_cookie(
    browser: Browser, other: Browser, site: Served, scheme: str
) -> None:
    """Nor can whoever sits between, off TLS. This is what the prefix ``__Host-`` is for."""
    other.login("mallory")
    token = other.token()
    secure = "; Secure" if scheme == "https" else ""
    plants = [
        f"{site.cookie}={token}; Domain={site.host}; Path=/{secure}",
        f"{site.cookie}={token}; Domain={site.host}; Path=/devices{secure}",
        f"witness=planted; Domain={site.host}; Path=/{secure}",
    ]
    elsewhere = site if scheme == "https" else replace(site, tls=None)
    with evil_site(elsewhere, f"evil.{site.host}", plants=plants) as url:
        browser.driver.get(url)
        assert browser.heading == "You have won"

    assert [cookie["name"] for cookie in browser.cookies()] == ["witness"]
    browser.open("/devices")
    assert browser.heading == "Log in"
