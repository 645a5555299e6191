"""A user's sessions: listed, ended one by one, ended everywhere."""

from __future__ import annotations

import pytest

from tests.browser.browser import Browser
from tests.browser.site import Served

pytestmark = pytest.mark.browser

over_http = pytest.mark.parametrize("site", ["http"], indirect=True)  # all the same over TLS

HERE, THERE = ("Chrome on Linux", True), ("Chrome on Linux", False)


def test_my_devices_shows_both_browsers_the_newest_first(
    browser: Browser, other: Browser, site: Served
) -> None:
    browser.login("ada")
    site.clock.advance(600)
    other.login("ada")
    for one, seen in ((browser, [THERE, HERE]), (other, [HERE, THERE])):
        one.open("/devices")
        assert one.devices == seen
    assert "Since\n15 Jan 2027, 08:00 UTC\nLast seen\nNow" in browser.text
    assert "Since\n15 Jan 2027, 08:00 UTC\nLast seen\n15 Jan 2027, 08:10 UTC" in other.text


@over_http
def test_another_users_devices_are_not_among_them(browser: Browser, other: Browser) -> None:
    browser.login("ada")
    other.login("grace")
    other.open("/devices")
    assert other.devices == [HERE]
    assert "You are logged in nowhere else" in other.text


def test_log_out_everywhere_ends_the_other_browser_and_not_this_one(
    browser: Browser, other: Browser, site: Served
) -> None:
    browser.login("ada")
    other.login("ada")
    browser.open("/devices")

    browser.press("Log out everywhere else")

    assert browser.note == "1 other session is ended. Only this one goes on."
    assert browser.devices == [HERE]
    other.reload()
    assert other.heading == "Nobody is logged in"
    browser.open()
    assert browser.heading == "Hello, ada"
    assert len(site.store) == 1


@over_http
def test_log_out_everywhere_leaves_other_users_alone(browser: Browser, other: Browser) -> None:
    other.login("grace")
    browser.login("ada")
    old = browser.token()
    browser.forget_everything()
    browser.login("ada")
    browser.open("/devices")
    browser.press("Log out everywhere else")
    other.reload()
    assert other.heading == "Hello, grace"
    browser.put_token(str(old))
    browser.open()
    assert browser.heading == "Nobody is logged in"


def test_one_device_is_ended_by_its_button(browser: Browser, other: Browser) -> None:
    browser.login("ada")
    other.login("ada")
    browser.open("/devices")
    assert browser.devices.count(THERE) == 1

    browser.press("End Chrome on Linux, since 15 Jan 2027, 08:00 UTC")

    assert browser.note == "That session is ended."
    assert browser.devices == [HERE]
    other.open("/devices")
    assert (other.path, other.note) == ("/login", "Log in first.")


@over_http
def test_a_device_that_has_gone_meanwhile_is_said_to_be(browser: Browser, other: Browser) -> None:
    browser.login("ada")
    other.login("ada")
    browser.open("/devices")
    other.press("Log out")
    browser.press("End")
    assert browser.note == "That session was over already."
    assert browser.devices == [HERE]


@over_http
def test_a_form_of_an_ended_session_does_nothing(browser: Browser, other: Browser) -> None:
    browser.login("ada")
    other.login("ada")
    other.open("/devices")
    browser.open("/devices")
    browser.press("Log out everywhere else")

    other.press("Log out everywhere else")

    assert other.heading == "That form is out of date"
    browser.reload()
    assert browser.devices == [HERE]
