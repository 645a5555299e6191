"""A stream or a websocket that is open for long learns that its session has ended, and why not."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sessions import SessionNotSaved, SessionReplaced, SessionRevoked
from tests.sessions.browser import Browser, Site, alive, begun, logged_in, rotated

pytest_plugins = ("tests.contract.session_stores",)

HOUR_SECONDS = 3_600


def by_logout(site: Site, browser: Browser, user_id: str) -> None:
    with site.browser(browser).request() as session:
        session.logout()


def by_revoke(site: Site, browser: Browser, user_id: str) -> None:
    assert site.call("revoke", user_id, browser.session_id)


def by_revoke_user(site: Site, browser: Browser, user_id: str) -> None:
    assert site.call("revoke_user", user_id) == 1


def by_login(site: Site, browser: Browser, user_id: str) -> None:
    with site.browser(browser).request() as session:
        session.login(user_id)


def by_idleness(site: Site, browser: Browser, user_id: str) -> None:
    site.clock.advance(HOUR_SECONDS)


End = Callable[[Site, Browser, str], None]
ENDS: list[End] = [by_logout, by_revoke, by_revoke_user, by_login, by_idleness]


@pytest.mark.parametrize("end", ENDS)
def test_a_long_request_learns_that_its_session_has_ended(site: Site, ada: str, end: End) -> None:
    browser = logged_in(site, ada, seed=0)
    long = site.browser(browser).open()
    long.finish()
    assert long.still_valid()
    rotated(site, browser)
    assert long.still_valid()
    end(site, browser, ada)
    assert not long.still_valid()
    assert long.session.user_id == ada, "to ask changes nothing"
    long.reload()
    assert dict(long.session) == {}
    assert alive(site, browser) == [False]
    assert not long.still_valid()


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("before", ["looked", "nothing"])
def test_on_revoked_raise_tells_it_though_nothing_was_changed(
    site: Site, ada: str, end: End, before: str
) -> None:
    browser = logged_in(site, ada, seed=0)
    slow = site.browser(browser, on_revoked="raise").open()
    if before == "looked":
        assert slow.session["seed"] == 0
    end(site, browser, ada)
    with pytest.raises(SessionReplaced if end is by_login else SessionRevoked):
        slow.begin()
    reading = site.browser(logged_in(site, ada), on_revoked="raise").open()
    reading.finish()
    assert reading.session.user_id == ada


@pytest.mark.parametrize("end", ENDS)
def test_to_read_it_again_raises_if_that_is_asked_for(site: Site, ada: str, end: End) -> None:
    browser = logged_in(site, ada, seed=0)
    long = site.browser(browser, on_revoked="raise").open()
    long.finish()
    end(site, browser, ada)
    with pytest.raises(SessionReplaced if end is by_login else SessionRevoked):
        long.reload()


def test_what_is_read_again_is_what_others_made_of_it(site: Site, ada: str) -> None:
    browser = logged_in(site, ada, seed=0)
    long = site.browser(browser).open()
    assert long.session["seed"] == 0
    long.finish()
    with browser.request() as session:
        session["seed"] = 1
    rotated(site, browser)
    long.reload()
    assert long.session["seed"] == 1
    long.session["late"] = 2
    with pytest.raises(SessionNotSaved, match="save"):
        long.reload()
    site.flavour.save(long.session)
    long.reload()
    assert browser.seen() == {"seed": 1, "late": 2}


def test_to_look_is_no_use_of_the_session(site: Site, ada: str) -> None:
    browser = logged_in(site, ada, seed=0)
    long = site.browser(browser).open()
    long.finish()
    for _ in range(6):
        site.clock.advance(HOUR_SECONDS // 6)
        long.still_valid()
        long.reload()
    assert not long.still_valid()
    assert alive(site, browser) == [False]


def test_a_websocket_of_days_follows_each_rotation_if_it_looks_now_and_then(
    site: Site, ada: str
) -> None:
    browser = logged_in(site, ada, seed=0)
    long = site.browser(browser).open()
    long.finish()
    for _ in range(9):
        for _ in range(3):
            site.clock.advance(60)
            rotated(site, browser)
        assert long.still_valid()
    assert site.call("revoke_user", ada) == 1
    assert not long.still_valid()


def test_a_visitor_without_a_session_has_none_that_ended(site: Site) -> None:
    request = site.browser().open()
    assert request.still_valid()
    request.reload()
    assert request.still_valid()


def test_after_its_own_logout_a_request_has_no_valid_session(site: Site) -> None:
    browser = begun(site)
    request = browser.open()
    request.session.logout()
    assert not request.still_valid()
    request.finish()
    assert not request.still_valid()


def test_after_its_own_login_the_request_looks_at_that(site: Site, ada: str) -> None:
    browser = logged_in(site, ada, seed=0)
    request = browser.open()
    assert request.still_valid()
    request.session.login(ada)
    site.flavour.save(request.session)
    assert request.still_valid()
    request.reload()
    assert request.session.user_id == ada
    request.finish()
    assert browser.user_id() == ada
