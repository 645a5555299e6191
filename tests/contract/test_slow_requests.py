"""Requests that came in time and are slow: what they change is kept, or told to be lost."""

from __future__ import annotations

import pytest

from sessions.config.session_config import GRACE_SECONDS
from tests.sessions.browser import Browser, Site, begun, logged_in, rotated

pytest_plugins = ["tests.contract.session_stores"]

IDLE_SECONDS, LIFETIME_SECONDS = 600, 3_000


def _begun(site: Site) -> Browser:
    browser = site.browser(idle=IDLE_SECONDS, lifetime=LIFETIME_SECONDS)
    with browser.request() as session:
        session["seed"] = 0
    return browser


def _told(site: Site) -> list[str]:
    return [event.what for event in site.events]


@pytest.mark.parametrize("slow_seconds", [1, 30, IDLE_SECONDS - 1])
def test_a_change_of_a_request_that_lasts_over_the_idle_end_is_kept(
    site: Site, slow_seconds: int
) -> None:
    browser = _begun(site)
    site.clock.advance(IDLE_SECONDS - 1)
    request = browser.open()
    site.clock.advance(slow_seconds)
    request.session["a"] = 1
    del site.events[:]
    request.finish()
    assert _told(site) == []
    site.clock.advance(IDLE_SECONDS - 1)
    assert browser.seen() == {"seed": 0, "a": 1}, "it was used when that request came"


def test_a_touch_of_such_a_request_is_kept_too(site: Site) -> None:
    browser = _begun(site)
    site.clock.advance(IDLE_SECONDS - 1)
    request = browser.open()
    site.clock.advance(2)
    request.finish()
    assert browser.seen() == {"seed": 0}


def test_one_that_takes_the_idle_time_itself_is_told_that_its_change_is_lost(site: Site) -> None:
    browser = _begun(site)
    site.clock.advance(IDLE_SECONDS - 1)
    request = browser.open()
    site.clock.advance(IDLE_SECONDS)
    request.session["a"] = 1
    del site.events[:]
    request.finish()
    assert _told(site) == ["revoked"]
    assert browser.seen() == {}


def test_none_passes_the_end_of_the_lifetime(site: Site) -> None:
    browser = _begun(site)
    for _ in range(LIFETIME_SECONDS // 500 - 1):
        site.clock.advance(500)
        browser.seen()
    site.clock.advance(499)
    request = browser.open()
    assert "seed" in request.session
    site.clock.advance(1)
    request.session["a"] = 1
    del site.events[:]
    request.finish()
    assert _told(site) == ["revoked"]
    assert browser.seen() == {}


def test_what_was_ended_meanwhile_stays_ended(site: Site, ada: str) -> None:
    browser = logged_in(site, ada, seed=0)
    site.clock.advance(3_599)
    request = browser.open()
    site.clock.advance(2)
    site.call("revoke_user", ada)
    request.session["a"] = 1
    request.finish()
    assert browser.user_id() is None


def test_another_request_after_the_idle_end_finds_none(site: Site) -> None:
    browser = _begun(site)
    site.clock.advance(IDLE_SECONDS - 1)
    browser.open()
    site.clock.advance(1)
    assert site.browser(browser).seen() == {}


@pytest.mark.parametrize("act", ["login", "rotate"])
def test_a_new_id_over_the_idle_end_takes_the_values_along(site: Site, ada: str, act: str) -> None:
    browser = _begun(site)
    site.clock.advance(IDLE_SECONDS - 1)
    request = browser.open()
    site.clock.advance(2)
    before = browser.cookie
    request.session.login(ada) if act == "login" else request.session.rotate()
    request.session["a"] = 1
    request.finish()
    assert browser.cookie != before
    assert browser.seen().items() >= {"seed": 0, "a": 1}.items()


# Rotations


@pytest.mark.parametrize("rotations", [1, 2, 20])
@pytest.mark.parametrize("slow_seconds", [GRACE_SECONDS - 1, GRACE_SECONDS, 300])
def test_a_change_of_a_request_that_is_slower_than_a_rotations_grace_is_kept(
    site: Site, slow_seconds: int, rotations: int
) -> None:
    browser = begun(site)
    request = site.browser(browser).open()
    for _ in range(rotations):
        rotated(site, browser)
    site.clock.advance(slow_seconds)
    request.session["a"] = 1
    del site.events[:]
    assert all(name != "set-cookie" for name, _ in request.finish())
    assert _told(site) == []
    assert browser.seen().items() >= {"seed": 0, "a": 1}.items()


def test_the_old_id_itself_leads_nowhere_after_the_grace(site: Site) -> None:
    browser = begun(site)
    before = rotated(site, browser)
    site.clock.advance(GRACE_SECONDS)
    assert before.seen() == {}


def test_a_slow_request_cannot_undo_the_end_of_a_rotated_session(site: Site, ada: str) -> None:
    browser = logged_in(site, ada, seed=0)
    request = site.browser(browser).open()
    rotated(site, browser)
    site.clock.advance(GRACE_SECONDS + 1)
    with browser.request() as session:
        session.logout()
    request.session["a"] = 1
    del site.events[:]
    request.finish()
    assert _told(site)[-1] in ("revoked", "dropped")
    assert site.ids_of(ada) == set()
