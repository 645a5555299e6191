"""What every session store promises of a user's sessions: they are listed, and can be ended."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from sessions.operations.operation import BatchDelete
from tests.sessions.browser import Site, alive, begun, logged_in, rotated

pytest_plugins = ("tests.contract.session_stores",)

HOUR_SECONDS = 3_600


def test_a_users_sessions_are_listed_the_newest_first(site: Site, ada: str) -> None:
    begun(site)
    start = site.clock() // 10**9
    browsers = []
    for device in ("phone", "laptop", None):
        browser = site.browser()
        with browser.request() as session:
            session.login(ada, device=device)
        browsers.append(browser)
        site.clock.advance(100)
    site.clock.advance(300)
    browsers[0].seen()  # its use is noted
    listed = site.call("sessions_of", ada)
    assert [(info.device, info.created_at - start) for info in listed] == [
        (None, 200),
        ("laptop", 100),
        ("phone", 0),
    ]
    assert [info.last_seen_at - start for info in listed] == [200, 100, 600]
    assert [info.expires_at - info.last_seen_at for info in listed] == [HOUR_SECONDS] * 3
    assert {info.user_id for info in listed} == {ada}
    for browser in browsers:
        with browser.request() as session:
            assert session.id in {info.id for info in listed}


def test_nobody_has_no_sessions(site: Site, ada: str) -> None:
    assert site.call("sessions_of", ada) == []
    assert site.call("revoke_user", ada) == 0


def test_what_is_over_is_not_listed_though_its_row_is_there(site: Site, ada: str) -> None:
    browser = logged_in(site, ada)
    site.clock.advance(HOUR_SECONDS - 1)
    assert len(site.ids_of(ada)) == 1
    site.clock.advance(1)
    assert site.ids_of(ada) == set()
    assert len(site.rows(browser.session_id)) == 1
    assert site.call("sessions_of", ada) == []  # again, for the first may have tidied up


def test_one_session_is_ended_and_no_other(site: Site, ada: str) -> None:
    one, other = (logged_in(site, ada, seed=0) for _ in range(2))
    assert site.call("revoke", ada, one.session_id)
    assert alive(site, one, other) == [False, True]
    assert not site.call("revoke", ada, one.session_id)
    assert site.ids_of(ada) == {other.session_id}


def test_of_what_a_batch_deleted_only_the_data_is_not_told(site: Site, ada: str) -> None:
    browser = logged_in(site, ada, cart=[17])
    (row,) = site.rows(browser.session_id)
    assert row.data
    keys = [(row.session_id, ada), ("z" * 43, ada)]
    assert site.send(BatchDelete(keys)) == [replace(row, data={})]
    assert site.rows(browser.session_id) == []


def test_a_session_of_somebody_else_cant_be_ended_by_its_id(site: Site, ada: str, bob: str) -> None:
    hers, his = logged_in(site, ada, seed=0), logged_in(site, bob, seed=0)
    anonymous = begun(site)
    assert not site.call("revoke", bob, hers.session_id)
    assert not site.call("revoke", bob, anonymous.session_id)
    assert alive(site, hers, his, anonymous) == [True, True, True]


@pytest.mark.parametrize("text", ["", "x", "sessions-of~x", "é" * 5_000])
def test_a_text_that_is_no_id_ends_nothing(site: Site, ada: str, text: str) -> None:
    assert not site.call("revoke", ada, text)


def test_all_sessions_of_a_user_end_but_the_one_that_is_kept(
    site: Site, ada: str, bob: str
) -> None:
    browsers = [logged_in(site, ada, seed=0) for _ in range(3)]
    his = logged_in(site, bob, seed=0)
    with browsers[0].request() as session:
        assert site.call("revoke_user", ada, except_=session.id) == 2
    assert alive(site, *browsers, his) == [True, False, False, True]
    assert site.call("revoke_user", ada) == 1
    assert alive(site, *browsers, his) == [False, False, False, True]


def test_what_was_over_is_not_counted_as_ended(site: Site, ada: str) -> None:
    browser = logged_in(site, ada)
    site.clock.advance(HOUR_SECONDS)
    assert site.call("revoke_user", ada) == 0
    assert not site.call("revoke", ada, browser.session_id)


@pytest.mark.parametrize("user_id", ["", "anonymous~", "anonymous~x", "u" * 1_025, 7, None, b"u"])
def test_what_can_be_no_user_is_refused(site: Site, user_id: object) -> None:
    for method in ("sessions_of", "revoke_user"):
        with pytest.raises((TypeError, ValueError), match="user_id"):
            site.call(method, user_id)
    with pytest.raises((TypeError, ValueError), match="user_id"):
        site.call("revoke", user_id, "x")
    session: Any = site.browser().open().session
    with pytest.raises((TypeError, ValueError), match="user_id"):
        session.login(user_id)


@pytest.mark.parametrize("user_id", ["u" * 1_024, "Ünï 🐈", "a~b:c/d", "sessions-of~x"])
def test_any_other_text_can_be_a_user(site: Site, ada: str, user_id: str) -> None:
    user_id = f"{ada}{user_id}"[-1_024:]
    browser = logged_in(site, user_id, seed=0)
    assert browser.user_id() == user_id
    assert site.ids_of(user_id) == {browser.session_id}
    assert site.call("revoke_user", user_id) == 1
    assert alive(site, browser) == [False]


def test_large_sessions_are_all_found(site: Site, ada: str) -> None:
    # A page of an answer ends at 1 MB.
    large = {"seed": "x" * 300_000}
    browsers = [logged_in(site, ada, **large) for _ in range(5)]
    assert len(site.ids_of(ada)) == 5
    assert site.call("revoke_user", ada) == 5
    assert alive(site, *browsers) == [False] * 5


# Strict revocation: exact though the index lags for ever


def test_a_strict_store_lists_exactly(lagging_site: Site, ada: str, bob: str) -> None:
    site = lagging_site
    hers = [logged_in(site, ada, seed=0) for _ in range(2)]
    his = logged_in(site, bob, seed=0)
    assert site.ids_of(ada) == {browser.session_id for browser in hers}
    rotated(site, hers[0])
    with hers[1].request() as session:
        session.login(ada)
    assert site.ids_of(ada) == {browser.session_id for browser in hers}
    with hers[0].request() as session:
        session.logout()
    assert site.ids_of(ada) == {hers[1].session_id}
    assert site.ids_of(bob) == {his.session_id}


def test_a_strict_store_revokes_exactly(lagging_site: Site, ada: str, bob: str) -> None:
    site = lagging_site
    kept, direct, upgraded, again = (logged_in(site, ada, seed=0) for _ in range(4))
    anonymous = begun(site)
    with anonymous.request() as session:
        session.login(ada)
    before = rotated(site, upgraded)
    with again.request() as session:
        session.login(ada)
    his = logged_in(site, bob, seed=0)
    assert site.call("revoke_user", ada, except_=kept.session_id) == 4
    assert alive(site, kept, direct, upgraded, before, again, anonymous) == [True] + [False] * 5
    assert alive(site, his) == [True]
    assert site.call("revoke", ada, kept.session_id)
    assert site.ids_of(ada) == set()


def test_a_strict_store_forgets_what_is_over(lagging_site: Site, ada: str) -> None:
    site = lagging_site
    logged_in(site, ada)
    site.clock.advance(HOUR_SECONDS)
    assert site.ids_of(ada) == set()
    browser = logged_in(site, ada)
    assert site.ids_of(ada) == {browser.session_id}
    assert site.call("revoke_user", ada) == 1


def test_a_strict_store_takes_each_user_for_another(lagging_site: Site, ada: str) -> None:
    site = lagging_site
    browser = logged_in(site, ada, seed=0)
    assert not site.call("revoke", f"{ada}2", browser.session_id)
    assert site.call("revoke_user", ada[:-1]) == 0
    assert alive(site, browser) == [True]
