"""What every session store promises: changes are kept, and what has ended stays ended."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from sessions import SessionConflict, SessionRevoked
from tests.sessions.browser import Browser, Site, app_data, begun, logged_in
from tests.sessions.values import VALUES

pytest_plugins = ("tests.contract.session_stores",)

HOUR_SECONDS = 3_600


def test_what_is_saved_is_read(site: Site) -> None:
    browser = begun(site, **VALUES)
    # repr tells 1 from True and 1.0, and -0.0 from 0.0.
    assert sorted(map(repr, browser.seen().items())) == sorted(map(repr, VALUES.items()))


def test_what_is_saved_later_is_read(site: Site) -> None:
    browser = begun(site)
    with browser.request() as session:
        session.update(VALUES)
        del session["seed"]
    assert sorted(map(repr, browser.seen().items())) == sorted(map(repr, VALUES.items()))


def test_changes_of_different_keys_are_all_kept(site: Site) -> None:
    browser = begun(site, a=0, b=0, c=0)
    requests = {key: browser.open() for key in "abcd"}
    for key, request in requests.items():
        request.session[key] = 1
    for request in requests.values():
        request.finish()
    assert browser.seen() == {"a": 1, "b": 1, "c": 1, "d": 1}


def test_of_two_changes_of_one_key_the_last_is_kept(site: Site) -> None:
    browser = begun(site)
    earlier, later = browser.open(), browser.open()
    earlier.session["a"], later.session["a"] = "earlier", "later"
    earlier.finish()
    later.finish()
    assert browser.seen()["a"] == "later"


def test_a_removed_key_stays_removed_when_another_is_saved_later(site: Site) -> None:
    browser = begun(site, a=1, b=1)
    slow, quick = browser.open(), browser.open()
    slow.session["b"] = 2
    del quick.session["a"]
    quick.finish()
    slow.finish()
    assert browser.seen() == {"b": 2}


def test_a_key_that_another_request_removed_may_be_removed_again(site: Site) -> None:
    browser = begun(site, a=1, b=1)
    requests = [browser.open(), browser.open()]
    for request in requests:
        del request.session["a"]
    for request in requests:
        request.finish()
    assert browser.seen() == {"b": 1}


def test_changes_inside_values_are_kept(site: Site) -> None:
    browser = begun(site, cart=[{"id": 1, "n": 1}])
    with browser.request() as session:
        session["cart"][0]["n"] += 1
        session["cart"].append({"id": 2, "n": 1})
    assert browser.seen() == {"cart": [{"id": 1, "n": 2}, {"id": 2, "n": 1}]}


def test_a_session_may_lose_all_its_keys_and_live(site: Site) -> None:
    browser = begun(site, a=1)
    with browser.request() as session:
        del session["a"]
    assert browser.seen() == {}
    assert len(site.rows(browser.session_id)) == 1


# What has ended stays ended

End = Callable[[Site, Browser, str], None]


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


ENDS = [by_logout, by_revoke, by_revoke_user, by_login, by_idleness]


def _set(session: Any) -> None:
    session["late"] = 1


def _remove(session: Any) -> None:
    del session["seed"]


def _rotate(session: Any) -> None:
    session.rotate()


@pytest.mark.parametrize("do", [_set, _remove, _rotate])
@pytest.mark.parametrize("end", ENDS)
def test_a_slow_request_does_not_bring_back_what_has_ended(
    site: Site, ada: str, end: End, do: Callable[[Any], None]
) -> None:
    browser = logged_in(site, ada, seed=0)
    slow = browser.open()
    do(slow.session)
    end(site, browser, ada)
    fields = slow.finish()
    assert "set-cookie" not in dict(fields)
    assert browser.seen() == {}
    assert browser.user_id() is None
    rows = site.rows(browser.session_id)
    left = [{"seed": "0"}] if end is by_idleness else [{}] if end is by_login else []
    assert [app_data(row) for row in rows] == left
    told = [event.what for event in site.events]
    assert (told.count("revoked"), told.count("dropped")) == ((0, 1) if end is by_login else (1, 0))


@pytest.mark.parametrize("end", ENDS)
def test_a_slow_request_is_told_if_it_asks_to_be(site: Site, ada: str, end: End) -> None:
    browser = logged_in(site, ada, seed=0)
    slow = site.browser(browser, on_revoked="raise").open()
    slow.session["late"] = 1
    end(site, browser, ada)
    with pytest.raises(SessionRevoked):
        slow.begin()
    assert browser.seen() == {}


@pytest.mark.parametrize("end", ENDS)
def test_a_touch_leaves_no_ghost(site: Site, ada: str, end: End) -> None:
    browser = logged_in(site, ada, seed=0)
    site.clock.advance(HOUR_SECONDS - 1)
    slow = browser.open()
    end(site, browser, ada)
    slow.finish()
    left = [row for row in site.rows(browser.session_id) if row.replaced_by is None]
    assert all(row.expires_at <= site.clock() // 10**9 for row in left)
    assert browser.seen() == {}


def test_a_save_through_an_old_cookie_begins_nothing_of_the_old(site: Site, ada: str) -> None:
    browser = logged_in(site, ada, seed=0)
    dead = site.browser(browser)
    by_logout(site, browser, ada)
    with dead.request() as session:
        session["new"] = 1
    assert dead.cookie != browser.cookie
    assert dead.seen() == {"new": 1}
    assert dead.user_id() is None


def test_what_is_over_is_not_served_though_its_row_is_there(site: Site, ada: str) -> None:
    browser = logged_in(site, ada, seed=0)
    site.clock.advance(HOUR_SECONDS - 1)
    unseen = browser.open()
    assert unseen.session.user_id == ada  # not finished: this request is not noted
    site.clock.advance(1)
    assert len(site.rows(browser.session_id)) == 1
    assert browser.seen() == {}
    assert browser.user_id() is None
    assert site.ids_of(ada) == set()


# Strict


@pytest.mark.parametrize("keys", ["ab", "aa"])
def test_strict_tells_the_second_of_two_saves(site: Site, keys: str) -> None:
    browser = begun(site)
    requests = [site.browser(browser, strict=True).open() for _ in keys]
    for request, key in zip(requests, keys, strict=True):
        request.session[key] = 1
    requests[0].finish()
    with pytest.raises(SessionConflict, match="strict=True"):
        requests[1].begin()
    assert browser.seen() == {"seed": 0, "a": 1}


def test_strict_takes_one_save_after_another(site: Site) -> None:
    browser = site.browser(begun(site), strict=True)
    for number in range(3):
        with browser.request() as session:
            session["a"] = number
            browser.flavour.save(session)
            session["b"] = number
    assert browser.seen() == {"seed": 0, "a": 2, "b": 2}


def test_strict_minds_no_touch(site: Site) -> None:
    browser = begun(site)
    slow = site.browser(browser, strict=True).open()
    slow.session["a"] = 1
    site.clock.advance(600)
    browser.seen()  # noted
    slow.finish()
    assert browser.seen() == {"seed": 0, "a": 1}


def test_strict_minds_no_rotation_that_changed_nothing_else(site: Site) -> None:
    browser = begun(site)
    slow = site.browser(browser, strict=True).open()
    slow.session["a"] = 1
    with browser.request() as session:
        session.rotate()
    slow.finish()
    assert browser.seen() == {"seed": 0, "a": 1}


def test_strict_tells_of_a_save_before_a_rotation(site: Site) -> None:
    browser = begun(site, a=0)
    slow = site.browser(browser, strict=True).open()
    slow.session["a"] = "slow"
    with browser.request() as session:
        session["a"] = "quick"
        session.rotate()
    with pytest.raises(SessionConflict):
        slow.begin()
    assert browser.seen() == {"a": "quick"}


def test_strict_tells_of_saves_before_and_after_a_rotation(site: Site) -> None:
    browser = begun(site, a=0)
    slow = site.browser(browser, strict=True).open()
    slow.session["a"] = "slow"
    with browser.request() as session:
        session["a"] = "quick"
        session.rotate()
    with browser.request() as session:
        session["a"] = "quicker"
    with pytest.raises(SessionConflict):
        slow.begin()
    assert browser.seen() == {"a": "quicker"}
