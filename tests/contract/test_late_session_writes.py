"""A write that arrives long after its connection was lost changes nothing that came since.

A kernel goes on sending what a closed socket had to send, and what stands between client and table
may hold a request. The client has had no answer, or had one to its repetition.
"""

from __future__ import annotations

from sessions.operations.operation import Create, Save
from sessions.store.dynamodb.item import ENDED
from tests.sessions.browser import Site, begun, logged_in

pytest_plugins = ("tests.contract.session_stores",)


def test_a_save_that_arrives_after_a_later_one_changes_nothing(site: Site) -> None:
    browser = begun(site, step=1)
    (row,) = site.rows(browser.session_id)
    late = Save(
        row.session_id,
        row.user_id,
        row.last_seen_at,
        row.last_seen_at,
        row.expires_at,
        {"step": "2"},
        frozenset(),
    )
    site.clock.advance(1)
    with browser.request() as session:
        session["step"] = 3
    assert site.send(late) is False
    assert browser.seen() == {"step": 3}


def test_a_save_by_a_clock_that_is_behind_another_one_is_kept(site: Site) -> None:
    browser = begun(site, step=1)
    site.clock.advance(1)
    with browser.request() as session:
        session["step"] = 2
    site.clock.advance(-1)
    with browser.request() as session:
        session["step"] = 3
    assert browser.seen() == {"step": 3}


def test_a_save_that_another_one_overtook_is_made_once_more(site: Site) -> None:
    browser = begun(site, a=1, b=1)
    slow = browser.open()
    slow.session["a"] = 2
    site.clock.advance(5)
    quick = site.browser(browser)
    with quick.request() as session:
        session["b"] = 2
    site.clock.advance(-5)  # the slow one read the time before
    slow.finish()
    assert browser.seen() == {"a": 2, "b": 2}


def test_a_strict_save_is_no_conflict_where_only_a_use_was_noted_later(site: Site) -> None:
    browser = begun(site, step=1)
    strict = site.browser(browser, strict=True)
    slow = strict.open()
    slow.session["step"] = 2
    site.clock.advance(600)
    site.browser(browser).seen()  # a touch
    site.clock.advance(-600)
    slow.finish()
    assert browser.seen() == {"step": 2}


def test_a_session_that_was_logged_out_is_not_begun_by_its_first_write_once_more(
    table_site: Site,
) -> None:
    browser = begun(table_site, step=1)
    before = table_site.browser(browser)
    (row,) = table_site.rows(browser.session_id)
    with browser.request() as session:
        session.logout()
    table_site.send(Create(row))
    assert before.seen() == {}
    assert table_site.rows(row.session_id) == []


def test_nor_is_one_that_was_revoked(table_site: Site, ada: str) -> None:
    browser, other = logged_in(table_site, ada, step=1), logged_in(table_site, ada, step=2)
    rows = [row for one in (browser, other) for row in table_site.rows(one.session_id)]
    assert table_site.call("revoke", ada, browser.session_id)
    assert table_site.call("revoke_user", ada) == 1
    for row in rows:
        table_site.send(Create(row))
    assert browser.seen() == other.seen() == {}
    assert table_site.ids_of(ada) == set()
    assert not table_site.call("revoke", ada, browser.session_id)
    assert table_site.call("revoke_user", ada) == 0
    assert ENDED not in repr(table_site.rows(browser.session_id))
