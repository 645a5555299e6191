"""What every session store promises of ids: a login ends the old one, a rotation forwards it."""

from __future__ import annotations

import pytest

from sessions.config.session_config import GRACE_SECONDS
from sessions.values.csrf import CSRF
from tests.sessions.browser import Site, alive, begun, logged_in, rotated

pytest_plugins = ("tests.contract.session_stores",)

HOUR_SECONDS = 3_600


# Login


def test_login_gives_another_id_and_the_old_one_is_dead_at_once(site: Site, ada: str) -> None:
    browser = begun(site)
    before = site.browser(browser)
    with browser.request() as session:
        session.login(ada)
    assert browser.session_id != before.session_id
    (row,) = site.rows(before.session_id)
    assert (row.replaced_by, row.successor, row.data) == (browser.session_id, None, {})
    assert alive(site, before, browser) == [False, True]
    assert browser.user_id() == ada


def test_login_without_a_session_begins_one(site: Site, ada: str) -> None:
    browser = logged_in(site, ada)
    assert browser.user_id() == ada
    assert browser.seen() == {}


def test_login_carries_what_an_anonymous_session_holds(site: Site, ada: str) -> None:
    browser = begun(site, cart=[1], step=1)
    with browser.request() as session:
        session["step"] = 2
        session.login(ada)
        session["after"] = True
    assert browser.seen() == {"cart": [1], "step": 2, "after": True}


def test_login_carries_nothing_of_another_user(site: Site, ada: str, bob: str) -> None:
    browser = logged_in(site, ada, seed=0)
    before = site.browser(browser)
    with browser.request() as session:
        session["hers"] = 1
        session.login(bob)
        session["his"] = 1
    assert browser.seen() == {"his": 1}
    assert browser.user_id() == bob
    assert alive(site, before) == [False]
    assert site.ids_of(ada) == set()


def test_login_again_keeps_the_data_and_begins_another_lifetime(site: Site, ada: str) -> None:
    browser = logged_in(site, ada, seed=0)
    (row,) = site.rows(browser.session_id)
    before = site.browser(browser)
    site.clock.advance(10)
    with browser.request() as session:
        session.login(ada, device="phone")
    (now,) = site.rows(browser.session_id)
    assert (now.created_at, now.ends_at) == (row.created_at + 10, row.ends_at + 10)
    assert alive(site, before, browser) == [False, True]
    assert [info.device for info in site.call("sessions_of", ada)] == ["phone"]


def test_login_takes_along_what_another_request_saved_meanwhile(site: Site, ada: str) -> None:
    browser = begun(site, gone=1, a=0)
    login, save = browser.open(), browser.open()
    login.session.login(ada)
    login.session["a"] = 1
    save.session["b"] = 1
    del save.session["gone"]
    save.finish()
    login.finish()
    assert browser.seen() == {"a": 1, "b": 1}


def test_login_follows_a_rotation_of_another_request(site: Site, ada: str) -> None:
    browser = begun(site)
    login = browser.open()
    login.session.login(ada)
    before = rotated(site, browser)
    between = site.browser(browser)
    login.finish()
    assert alive(site, before, between, browser) == [False, False, True]
    assert browser.user_id() == ada


def test_login_begins_anew_where_the_session_was_revoked_meanwhile(site: Site, ada: str) -> None:
    browser = logged_in(site, ada, old=1)
    login = browser.open()
    login.session.login(ada)
    login.session["new"] = 1
    assert site.call("revoke_user", ada) == 1
    login.finish()
    assert browser.seen() == {"new": 1}
    assert site.ids_of(ada) == {browser.session_id}


def test_logins_of_two_users_from_one_session_share_nothing(site: Site, ada: str, bob: str) -> None:
    browser = begun(site)
    one, other = browser.open(), browser.open()
    one.session.login(ada)
    one.session["hers"] = 1
    other.session.login(bob)
    other.session["his"] = 1
    one.finish()
    hers = site.browser(browser)
    other.finish()
    assert (hers.user_id(), hers.seen()) == (ada, {"seed": 0, "hers": 1})
    assert (browser.user_id(), browser.seen()) == (bob, {"his": 1})


def test_logout_and_login_in_one_request_end_one_and_begin_another(site: Site, ada: str) -> None:
    browser = logged_in(site, ada, seed=0)
    before = site.browser(browser)
    with browser.request() as session:
        session.logout()
        session.login(ada)
    assert alive(site, before) == [False]
    assert (browser.user_id(), browser.seen()) == (ada, {})


# Rotation


def test_an_old_id_leads_to_the_new_one_until_its_grace_ends(site: Site) -> None:
    browser = begun(site)
    before = rotated(site, browser)
    assert alive(site, before, browser) == [True, True]
    site.clock.advance(GRACE_SECONDS - 1)
    assert alive(site, before, browser) == [True, True]
    site.clock.advance(1)
    assert alive(site, before, browser) == [False, True]


def test_several_rotations_within_their_grace_are_followed(site: Site) -> None:
    browser = begun(site)
    before = [rotated(site, browser) for _ in range(6)]
    assert alive(site, *before, browser) == [True] * 7


def test_more_rotations_than_there_can_be_are_not_followed(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a loop that somebody wrote into the table would have no end."""
    monkeypatch.setattr("sessions.lifecycle.load._MAX_ROTATIONS", 4)
    browser = begun(site)
    before = [rotated(site, browser) for _ in range(4)]
    assert alive(site, *before, browser) == [False, True, True, True, True]


def test_a_rotation_keeps_all_but_the_id(site: Site, ada: str) -> None:
    browser = site.browser()
    with browser.request() as session:
        session.login(ada, device="phone")
        session["seed"] = 0
    (row,) = site.rows(browser.session_id)
    site.clock.advance(100)
    before = rotated(site, browser)
    (now,) = site.rows(browser.session_id)
    # The secret of its forms is derived from its token, and kept when the token changes.
    data = {key: stored for key, stored in now.data.items() if key != CSRF}
    assert (now.owner_id, now.device, data) == (ada, "phone", row.data)
    assert (now.created_at, now.ends_at) == (row.created_at, row.ends_at)
    assert now.last_seen_at == row.last_seen_at + 100
    assert site.ids_of(ada) == {browser.session_id}
    (old,) = site.rows(before.session_id)
    assert old.data == {}


def test_saves_through_the_old_id_land_in_the_new_row(site: Site) -> None:
    browser = begun(site)
    slow = browser.open()
    slow.session["slow"] = 1
    before = rotated(site, browser)
    with before.request() as session:
        session["late"] = 1
    slow.finish()
    assert browser.seen() == {"seed": 0, "late": 1, "slow": 1}


def test_a_rotation_takes_along_what_another_request_saved_meanwhile(site: Site) -> None:
    browser = begun(site, gone=1)
    rotation, save = browser.open(), browser.open()
    rotation.session.rotate()
    rotation.session["a"] = 1
    save.session["b"] = 1
    del save.session["gone"]
    save.finish()
    rotation.finish()
    assert browser.seen() == {"a": 1, "b": 1}


def test_of_two_rotations_at_once_one_gives_the_id(site: Site) -> None:
    browser = begun(site)
    requests = {key: browser.open() for key in "ab"}
    for key, request in requests.items():
        request.session.rotate()
        request.session[key] = 1
    cookies = [dict(request.finish()).get("set-cookie") for request in requests.values()]
    assert [cookie is not None for cookie in cookies] == [True, False]
    assert browser.seen() == {"seed": 0, "a": 1, "b": 1}


def test_logout_through_the_old_id_ends_the_new_one(site: Site, ada: str) -> None:
    browser = logged_in(site, ada, seed=0)
    before = rotated(site, browser)
    with before.request() as session:
        session.logout()
    assert alive(site, before, browser) == [False, False]
    assert site.ids_of(ada) == set()


def test_logout_is_not_undone_by_a_rotation_meanwhile(site: Site, ada: str) -> None:
    browser = logged_in(site, ada, seed=0)
    other = site.browser(browser)
    logout = other.open()
    logout.session.logout()
    before = rotated(site, browser)
    logout.finish()
    assert alive(site, before, browser) == [False, False]
    assert site.ids_of(ada) == set()


def test_login_of_another_user_is_a_logout_in_spite_of_a_rotation(
    site: Site, ada: str, bob: str
) -> None:
    browser = logged_in(site, ada, seed=0)
    other = site.browser(browser)
    login = other.open()
    login.session.login(bob)
    before = rotated(site, browser)
    login.finish()
    assert alive(site, before, browser) == [False, False]
    assert other.user_id() == bob


def test_an_id_that_was_listed_before_a_rotation_can_be_revoked(site: Site, ada: str) -> None:
    browser = logged_in(site, ada, seed=0)
    (listed,) = site.ids_of(ada)
    before = rotated(site, browser)
    assert site.call("revoke", ada, listed)
    assert alive(site, before, browser) == [False, False]


def test_a_users_sessions_end_in_their_grace_too(site: Site, ada: str) -> None:
    browser = logged_in(site, ada, seed=0)
    before = rotated(site, browser)
    assert site.call("revoke_user", ada) == 1
    assert alive(site, before, browser) == [False, False]


def test_no_grace_passes_the_end_of_the_session(site: Site) -> None:
    browser = site.browser(begun(site), idle=HOUR_SECONDS, lifetime=HOUR_SECONDS)
    site.clock.advance(HOUR_SECONDS - 5)
    before = rotated(site, browser)
    site.clock.advance(4)
    assert alive(site, before, browser) == [True, True]
    site.clock.advance(1)
    for cookie in (before, browser):
        assert site.browser(cookie, lifetime=HOUR_SECONDS).seen() == {}


def test_a_rotation_is_activity_and_leaves_the_old_id_its_grace(site: Site) -> None:
    browser = begun(site)
    site.clock.advance(HOUR_SECONDS - 1)
    before = rotated(site, browser)
    site.clock.advance(GRACE_SECONDS - 1)
    assert alive(site, before, browser) == [True, True]


def test_a_session_that_begins_may_be_rotated(site: Site) -> None:
    browser = site.browser()
    with browser.request() as session:
        session["seed"] = 0
        session.rotate()
    assert alive(site, browser) == [True]


def test_rotating_an_empty_session_begins_none(site: Site) -> None:
    browser = site.browser()
    with browser.request() as session:
        session.rotate()
    assert browser.cookie is None
