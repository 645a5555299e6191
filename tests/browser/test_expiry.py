"""Sessions that are over by time: the browser keeps its cookie, the site does not take it."""

from __future__ import annotations

import pytest

from tests.browser.browser import Browser
from tests.browser.site import IDLE_SECONDS, LIFETIME_SECONDS, Served

pytestmark = pytest.mark.browser


def test_a_session_that_was_idle_too_long_is_over(browser: Browser, site: Served) -> None:
    browser.login("ada")
    token = browser.token()
    site.clock.advance(IDLE_SECONDS - 1)
    browser.reload()
    assert browser.heading == "Hello, ada"

    site.clock.advance(IDLE_SECONDS)
    browser.reload()

    assert browser.heading == "Nobody is logged in"
    assert browser.token() == token, "the browser's own clock has not moved"
    assert site.events[-1].why == "over"


def test_use_does_not_keep_a_session_beyond_its_lifetime(browser: Browser, site: Served) -> None:
    browser.login("ada")
    steps = 4
    assert LIFETIME_SECONDS / steps < IDLE_SECONDS
    for _ in range(steps):
        browser.reload()
        assert browser.heading == "Hello, ada"
        site.clock.advance(LIFETIME_SECONDS / steps)
    browser.reload()
    assert browser.heading == "Nobody is logged in"


def test_a_session_that_is_over_is_listed_no_more(
    browser: Browser, other: Browser, site: Served
) -> None:
    other.login("ada")
    site.clock.advance(IDLE_SECONDS - 60)
    browser.login("ada")
    site.clock.advance(60)
    browser.open("/devices")
    assert browser.devices == [("Chrome on Linux", True)]


def test_a_form_of_an_expired_session_does_nothing_and_a_login_begins_another(
    browser: Browser, site: Served
) -> None:
    browser.login("ada")
    old = browser.token()
    site.clock.advance(IDLE_SECONDS)
    browser.press("Log out")
    assert browser.heading == "That form is out of date"

    browser.login("ada")

    assert browser.heading == "Hello, ada"
    assert "once in this session" in browser.text
    assert browser.token() not in (None, old)
