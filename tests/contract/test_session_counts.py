"""What a store does to the count of a user's sessions, in one step with a row."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sessions.operations.count import Count, Counted, Recount
from sessions.operations.operation import ByOwner, Create, ReadCount, Replace
from sessions.operations.row import Row
from tests.sessions.browser import Browser, Site

pytest_plugins = ("tests.contract.session_stores",)

FAR = 4_000_000_000


def login(site: Site, user: str) -> Browser:
    browser = site.browser(max_sessions_per_user=10)
    with browser.request() as session:
        session.login(user)
    return browser


def new_row(site: Site, user: str, name: str) -> Row:
    now = site.clock() // 10**9
    session_id = f"{name}{user}".ljust(43, "x")[:43]
    return Row(session_id, user, now, now, now + 3_600, now + 3_600)


def counted(site: Site, user: str) -> Counted:
    found = site.send(ReadCount(user, ""))
    assert isinstance(found, Counted)
    return found


def test_one_session_more_is_counted_with_its_row_or_neither_is(site: Site, ada: str) -> None:
    first = login(site, ada)
    one, two = (new_row(site, ada, name) for name in "ab")
    assert site.send(Create(one, Count(ada, "", one.session_id, frozenset(), 2, FAR)))
    assert not site.send(Create(two, Count(ada, "", two.session_id, frozenset(), 2, FAR)))
    assert site.rows(two.session_id) == []
    assert counted(site, ada).ids == {first.session_id, one.session_id}


def test_a_session_takes_the_place_of_another_in_the_count(site: Site, ada: str) -> None:
    first = login(site, ada)
    (old,) = site.rows(first.session_id)
    new = new_row(site, ada, "a")
    now = site.clock() // 10**9
    unknown = Count(ada, "", new.session_id, frozenset(["nobody".ljust(43, "x")]), 1, FAR)
    place = replace(unknown, removed=frozenset([first.session_id]))
    assert not site.send(Replace(old, new, now, now + 20, True, unknown))
    assert site.send(Replace(old, new, now, now + 20, True, place))
    assert counted(site, ada).ids == {new.session_id}


def test_what_was_counted_anew_meanwhile_is_not_counted_over(site: Site, ada: str) -> None:
    first, *others = (login(site, ada) for _ in range(3))
    known = counted(site, ada)
    ended = [row for other in others for row in site.rows(other.session_id)]
    one, two = (new_row(site, ada, name) for name in "ab")
    # The second one ends no row, whose own condition would refuse it, too.
    for row, rows, is_done in ((one, ended, True), (two, [], False)):
        ids = frozenset([first.session_id, row.session_id])
        recount = Recount(ada, "", known, ids, FAR, rows)
        assert site.send(Create(row, recount)) is is_done
        assert len(site.rows(row.session_id)) == is_done
    assert counted(site, ada).ids == {first.session_id, one.session_id}


@pytest.mark.parametrize("how", ["logout", "rotate", "login"])
def test_what_has_ended_or_moved_is_not_ended_again(site: Site, ada: str, how: str) -> None:
    first = login(site, ada)
    (row,) = site.rows(first.session_id)
    with first.request() as session:
        getattr(session, how)(*([ada] if how == "login" else []))
    new = new_row(site, ada, "a")
    recount = Recount(ada, "", counted(site, ada), frozenset([new.session_id]), FAR, [row])
    assert not site.send(Create(new, recount))
    assert site.rows(new.session_id) == []


def test_what_is_ended_with_a_login_keeps_neither_data_nor_user(site: Site, ada: str) -> None:
    first = login(site, ada)
    with first.request() as session:
        session["cart"] = [17]
    (row,) = site.rows(first.session_id)
    new = new_row(site, ada, "a")
    recount = Recount(ada, "", counted(site, ada), frozenset([new.session_id]), FAR, [row])
    assert site.send(Create(new, recount))
    (ended,) = site.rows(first.session_id)
    assert (ended.end_reason, ended.data, ended.expires_at) == (
        "login_elsewhere",
        {},
        row.expires_at,
    )
    assert site.ids_of(ada) == {new.session_id}


def test_a_rotation_that_found_nothing_counted_is_refused_once_something_is(
    table_site: Site, ada: str
) -> None:
    old = new_row(table_site, ada, "old")
    assert table_site.send(Create(old))
    new, now = new_row(table_site, ada, "new"), table_site.clock() // 10**9
    nothing = Recount(ada, "", None, None, FAR)
    assert table_site.send(ReadCount(ada, "")) is None
    login(table_site, ada)
    assert not table_site.send(Replace(old, new, now, now + 20, True, nothing))


def test_what_has_ended_with_a_login_leaves_the_index(table_site: Site, ada: str) -> None:
    first = login(table_site, ada)
    (row,) = table_site.rows(first.session_id)
    new = new_row(table_site, ada, "a")
    ids = frozenset([new.session_id])
    assert table_site.send(Create(new, Recount(ada, "", counted(table_site, ada), ids, FAR, [row])))
    assert first.session_id not in table_site.send(ByOwner(ada))
