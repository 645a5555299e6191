"""Other sites that make a user's browser ask for what the user did not (CSRF).

A site of another port on the same host is "same-site": the cookie goes with its forms, and the
form's token alone tells them apart. With another host's forms the cookie does not go (SameSite).
"""

from __future__ import annotations

import pytest

from tests.browser.browser import Browser
from tests.browser.site import Served, evil_site

pytestmark = pytest.mark.browser

over_http = pytest.mark.parametrize("site", ["http"], indirect=True)  # all the same over TLS

REFUSED = "That form is out of date"
ELSEWHERE = "127.0.0.1"


def claim(browser: Browser, url: str) -> None:
    browser.driver.get(url)
    assert browser.heading == "You have won"
    browser.press("Claim")


def host_of(site: Served, relation: str) -> str:
    return site.host if relation == "same-site" else ELSEWHERE


@pytest.mark.parametrize(("relation", "sent"), [("same-site", True), ("cross-site", False)])
def test_a_form_of_another_site_does_nothing(
    browser: Browser, site: Served, relation: str, sent: bool
) -> None:
    browser.login("ada")
    (info,) = site.store.sessions_of("ada")
    for path in ("/logout", "/logout-everywhere", "/devices/end"):
        with evil_site(site, host_of(site, relation), path, session=info.id) as url:
            claim(browser, url)
        asked = site.asked[-1]
        assert (asked.method, asked.path, asked.origin_is) == ("POST", path, relation)
        assert (f"{site.cookie}=" in asked.cookies) is sent
        assert browser.heading == REFUSED
    browser.open()
    assert browser.heading == "Hello, ada"


def test_a_token_of_the_attackers_own_session_does_not_help(
    browser: Browser, other: Browser, site: Served
) -> None:
    other.login("mallory")
    token = other.run("return document.querySelector('input[name=csrf]').value")
    browser.login("ada")
    with evil_site(site, site.host, "/logout", csrf=token) as url:
        claim(browser, url)
    assert browser.heading == REFUSED
    browser.open()
    assert browser.heading == "Hello, ada"


@pytest.mark.parametrize("relation", ["same-site", "cross-site"])
def test_another_site_can_not_log_a_user_in_as_someone_else(
    browser: Browser, site: Served, relation: str
) -> None:
    browser.open()
    with evil_site(site, host_of(site, relation), "/login", user_name="mallory") as url:
        claim(browser, url)
    assert browser.heading == REFUSED
    browser.open()
    assert browser.heading == "Nobody is logged in"


def test_a_link_from_another_site_finds_the_user_logged_in(browser: Browser, site: Served) -> None:
    browser.login("ada")
    with evil_site(site, ELSEWHERE) as url:
        browser.driver.get(url)
        browser.follow("More")
    assert site.asked[-1].origin_is == "cross-site"
    assert browser.heading == "Hello, ada"


@over_http
def test_a_link_changes_nothing(browser: Browser, site: Served) -> None:
    browser.login("ada")
    with evil_site(site, site.host, "/logout") as url:
        browser.driver.get(url)
        browser.follow("More")
    assert browser.heading == "Not that way"
    browser.open()
    assert browser.heading == "Hello, ada"


@over_http
def test_another_sites_script_can_not_read_the_pages(browser: Browser, site: Served) -> None:
    browser.login("ada")
    with evil_site(site, site.host) as url:
        browser.driver.get(url)
        read = browser.run_until_done(
            "fetch(arguments[0], {credentials: 'include'}).then(r => r.text()).then(done, "
            "error => done(error.name));",
            f"{site.url}/devices",
        )
    assert read == "TypeError"
    assert f"{site.cookie}=" in site.asked[-1].cookies, "it was asked, and not given to read"


@over_http
def test_another_site_can_not_frame_the_pages(browser: Browser, site: Served) -> None:
    browser.login("ada")
    with evil_site(site, site.host) as url:
        browser.driver.get(url)
        browser.run_until_done(
            "const frame = document.createElement('iframe');"
            "frame.onload = done; frame.src = arguments[0]; document.body.append(frame);",
            f"{site.url}/devices",
        )
        browser.driver.switch_to.frame(0)
        assert "My devices" not in browser.driver.page_source
        browser.driver.switch_to.default_content()
