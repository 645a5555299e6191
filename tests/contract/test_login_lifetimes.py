"""Each login chooses how long its session lives, within what the application allows."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sessions.browser import Browser, Site

pytest_plugins = ("tests.contract.session_stores",)

HOUR, DAY = 3_600, 86_400
LIMITS: dict[str, Any] = {
    "idle": HOUR,
    "lifetime": 12 * HOUR,
    "max_idle": 7 * DAY,
    "max_lifetime": 30 * DAY,
}


def remembered(site: Site, user: str, **chosen: Any) -> tuple[Browser, str]:
    """A browser that has logged in, and its Set-Cookie field."""
    browser = site.browser(**LIMITS)
    request = browser.open()
    request.session.login(user, **chosen)
    request.session["cart"] = [17]
    return browser, dict(request.finish())["set-cookie"]


def is_alive(browser: Browser) -> bool:
    """Whether it is served, without a note of its use."""
    return "cart" in browser.open().session


def test_a_login_that_chooses_nothing_lives_as_the_options_say(site: Site, ada: str) -> None:
    browser, cookie = remembered(site, ada)
    assert "Max-Age" not in cookie
    site.clock.advance(HOUR - 1)
    assert is_alive(browser)
    site.clock.advance(1)
    assert not is_alive(browser)


def test_a_login_that_is_remembered_lives_as_long_as_it_chose(site: Site, ada: str) -> None:
    browser, cookie = remembered(site, ada, idle=7 * DAY, lifetime=30 * DAY, persistent=True)
    assert f"Max-Age={30 * DAY}" in cookie
    for _ in range(4):
        site.clock.advance(7 * DAY - 1)
        assert browser.seen() == {"cart": [17]}
    (info,) = site.call("sessions_of", ada)
    assert info.expires_at == info.created_at + 30 * DAY
    site.clock.advance(2 * DAY + 3)
    assert is_alive(browser)
    site.clock.advance(1)
    assert not is_alive(browser)


def test_its_idle_end_is_the_chosen_one(site: Site, ada: str) -> None:
    browser, _ = remembered(site, ada, idle=7 * DAY, lifetime=30 * DAY)
    site.clock.advance(7 * DAY - 1)
    assert is_alive(browser)
    site.clock.advance(1)
    assert not is_alive(browser)


def test_a_login_may_choose_less(site: Site, ada: str) -> None:
    browser, cookie = remembered(site, ada, lifetime=600, persistent=True)
    assert "Max-Age=600" in cookie
    site.clock.advance(599)
    assert is_alive(browser)
    site.clock.advance(1)
    assert not is_alive(browser)


def test_what_was_chosen_is_kept_over_rotations_and_saves(site: Site, ada: str) -> None:
    browser, _ = remembered(site, ada, idle=7 * DAY, lifetime=30 * DAY, persistent=True)
    for day in range(3):
        site.clock.advance(5 * DAY)
        request = browser.open()
        request.session["day"] = day
        request.session.rotate()
        cookie = dict(request.finish())["set-cookie"]
        assert f"Max-Age={(25 - 5 * day) * DAY}" in cookie
    site.clock.advance(7 * DAY - 1)
    assert is_alive(browser)
    site.clock.advance(1)
    assert not is_alive(browser)


def test_its_use_is_noted_in_a_tenth_of_its_own_idle_time(site: Site, ada: str) -> None:
    browser, _ = remembered(site, ada, idle=7 * DAY, lifetime=30 * DAY)
    start = site.clock() // 10**9
    site.clock.advance(7 * DAY // 10 - 1)
    browser.seen()
    (row,) = site.rows(browser.session_id)
    assert row.last_seen_at == start
    site.clock.advance(1)
    browser.seen()
    (row,) = site.rows(browser.session_id)
    assert row.last_seen_at == start + 7 * DAY // 10


def test_another_login_chooses_anew(site: Site, ada: str) -> None:
    browser, _ = remembered(site, ada, idle=7 * DAY, lifetime=30 * DAY, persistent=True)
    request = browser.open()
    request.session.login(ada)
    assert "Max-Age" not in dict(request.finish())["set-cookie"]
    site.clock.advance(HOUR)
    assert not is_alive(browser)


def test_a_most_that_was_lowered_holds_for_what_was_chosen_before(site: Site, ada: str) -> None:
    browser, _ = remembered(site, ada, idle=7 * DAY, lifetime=30 * DAY)
    stricter = site.browser(browser, **{**LIMITS, "max_idle": DAY, "max_lifetime": 2 * DAY})
    site.clock.advance(DAY - 1)
    assert is_alive(stricter)
    site.clock.advance(1)
    assert not is_alive(stricter)
    assert is_alive(browser)


@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        ({"idle": 7 * DAY + 1}, "login: idle must be at most 604800 .*max_idle, not 604801"),
        ({"lifetime": 30 * DAY + 1}, "lifetime must be at most 2592000 .*max_lifetime, not 25920"),
        ({"idle": 13 * HOUR}, "idle must be at most the lifetime of 43200 seconds, not 46800"),
        ({"idle": 1_200, "lifetime": 600}, "idle must be at most the lifetime of 600"),
        ({"lifetime": 119}, "login: lifetime must be from 120 to 34560000 seconds, not 119"),
    ],
)
def test_more_than_the_most_is_refused(
    site: Site, ada: str, chosen: dict[str, Any], message: str
) -> None:
    request = site.browser(**LIMITS).open()
    with pytest.raises(ValueError, match=message):
        request.session.login(ada, **chosen)
    assert request.session.user_id is None
    request.finish()
    assert site.ids_of(ada) == set()


@pytest.mark.parametrize("chosen", [{"idle": "600"}, {"lifetime": True}, {"persistent": 1}])
def test_what_is_no_time_is_refused(site: Site, ada: str, chosen: dict[str, Any]) -> None:
    with pytest.raises(TypeError, match=f"{next(iter(chosen))} must be"):
        site.browser(**LIMITS).open().session.login(ada, **chosen)


def test_without_a_most_of_its_own_the_timeout_is_the_most(site: Site, ada: str) -> None:
    session = site.browser(idle=HOUR, lifetime=2 * HOUR).open().session
    with pytest.raises(ValueError, match="idle must be at most 3600 "):
        session.login(ada, idle=HOUR + 1)
    with pytest.raises(ValueError, match="lifetime must be at most 7200 "):
        session.login(ada, lifetime=2 * HOUR + 1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_idle": HOUR - 1}, "max_idle must be at least idle, 3600 seconds, not 3599"),
        ({"max_lifetime": HOUR}, "max_lifetime must be at least lifetime, 43200 seconds"),
        ({"max_idle": DAY}, "max_idle must be at most 43200 seconds.*max_lifetime"),
        ({"max_lifetime": 401 * DAY}, "max_lifetime must be from 120 to 34560000"),
    ],
)
def test_a_most_that_can_not_be_is_refused_when_it_is_configured(
    site: Site, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        site.browser(idle=HOUR, lifetime=12 * HOUR, **options)


def test_an_encrypted_session_keeps_what_its_login_chose(site: Site, ada: str) -> None:
    browser = site.browser(**LIMITS, encryption=b"k" * 32)
    with browser.request() as session:
        session.login(ada, idle=7 * DAY, lifetime=30 * DAY)
        session["cart"] = [17]
    site.clock.advance(7 * DAY - 1)
    assert is_alive(browser)


@pytest.mark.parametrize("is_saved", [True, False])
def test_what_a_login_chose_ends_with_its_logout(site: Site, ada: str, is_saved: bool) -> None:
    browser = site.browser(**LIMITS)
    request = browser.open()
    request.session.login(ada, idle=7 * DAY, lifetime=30 * DAY, persistent=True)
    if is_saved:
        site.flavour.save(request.session)
    request.session.logout()
    request.session["cart"] = [17]
    cookie = dict(request.finish())["set-cookie"]
    assert "Max-Age" not in cookie
    site.clock.advance(HOUR)
    assert not is_alive(browser)
