"""Logging in, staying so, and logging out, as one user sees it."""

from __future__ import annotations

import pytest

from tests.browser.browser import Browser
from tests.browser.site import Served

pytestmark = pytest.mark.browser

over_http = pytest.mark.parametrize("site", ["http"], indirect=True)  # all the same over TLS

TAB, ENTER = "\ue004", "\ue007"  # as WebDriver calls the keys


def test_who_only_looks_gets_no_cookie_and_no_session(browser: Browser, site: Served) -> None:
    browser.open()
    assert browser.heading == "Nobody is logged in"
    assert browser.cookies() == []
    assert len(site.store) == 0


def test_a_login_lasts_over_reloads(browser: Browser) -> None:
    browser.open("/login")
    browser.type("User name", "ada")
    browser.press("Log in")
    assert (browser.path, browser.heading) == ("/", "Hello, ada")
    assert browser.note == "You are logged in on this device, Chrome on Linux."
    assert "once in this session" in browser.text

    browser.reload()

    assert browser.heading == "Hello, ada"
    assert "2 times in this session" in browser.text
    assert "You are logged in on this device" not in browser.text


def test_another_browser_knows_nothing_of_it(browser: Browser, other: Browser) -> None:
    browser.login("ada")
    other.open()
    assert other.heading == "Nobody is logged in"


@over_http
def test_two_users_in_two_browsers_do_not_meet(browser: Browser, other: Browser) -> None:
    browser.login("ada")
    other.login("grace")
    browser.reload()
    other.reload()
    other.reload()
    assert (browser.heading, other.heading) == ("Hello, ada", "Hello, grace")
    assert "2 times in this session" in browser.text
    assert "3 times in this session" in other.text


@over_http
def test_another_user_in_the_same_browser_finds_nothing_of_the_first(browser: Browser) -> None:
    browser.login("ada")
    browser.reload()
    browser.login("grace")
    assert browser.heading == "Hello, grace"
    assert "once in this session" in browser.text
    browser.open("/devices")
    assert browser.devices == [("Chrome on Linux", True)]


@over_http
def test_two_tabs_share_a_session_and_its_end(browser: Browser) -> None:
    browser.login("ada")
    first = browser.driver.current_window_handle
    browser.driver.switch_to.new_window("tab")
    try:
        browser.open()
        assert browser.heading == "Hello, ada"
        browser.press("Log out")
    finally:
        browser.driver.close()
        browser.driver.switch_to.window(first)
    browser.reload()
    assert browser.heading == "Nobody is logged in"


@over_http
def test_a_form_of_before_the_login_is_out_of_date_after_it(browser: Browser) -> None:
    browser.open("/login")
    before = browser.driver.current_window_handle
    browser.driver.switch_to.new_window("tab")
    try:
        browser.login("ada")
    finally:
        browser.driver.close()
        browser.driver.switch_to.window(before)
    browser.type("User name", "grace")
    browser.press("Log in")
    assert browser.heading == "That form is out of date"
    browser.follow("To the start page")
    assert browser.heading == "Hello, ada"


def test_logout_ends_the_session_and_takes_the_cookie(browser: Browser, site: Served) -> None:
    browser.login("ada")
    browser.press("Log out")
    assert browser.heading == "Nobody is logged in"
    assert browser.cookies() == []
    assert len(site.store) == 0
    browser.reload()
    assert browser.heading == "Nobody is logged in"


def test_after_a_logout_the_back_button_shows_nothing_of_the_user(browser: Browser) -> None:
    browser.login("ada")
    browser.open("/devices")
    browser.press("Log out")

    browser.back()

    assert (browser.path, browser.heading) == ("/login", "Log in")
    assert browser.note == "Log in first."
    assert "ada" not in browser.text


@over_http
def test_that_a_login_needs_no_mouse(browser: Browser) -> None:
    browser.open("/login")
    browser.keys(TAB, TAB, TAB)  # past both links, to the field
    browser.keys("ada")
    browser.press_by_key(ENTER)
    assert browser.heading == "Hello, ada"
    browser.keys(TAB, TAB, TAB)
    browser.press_by_key(ENTER)
    assert browser.heading == "Nobody is logged in"
