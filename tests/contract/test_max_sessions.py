"""At most so many sessions a user: what every store keeps to, however the logins come."""

from __future__ import annotations

from typing import Any

import pytest

from sessions import TooManySessions
from sessions.operations.operation import ReadCount
from tests.sessions.browser import Browser, Site, begun, memory_site

pytest_plugins = ("tests.contract.session_stores",)

HOUR = 3_600


def login(site: Site, user: str, most: int = 2, **options: Any) -> Browser:
    """A browser that has logged in where a user may have so many sessions."""
    browser = site.browser(max_sessions_per_user=most, **options)
    with browser.request() as session:
        session.login(user)
        session["cart"] = [17]
    site.clock.advance(1)
    return browser


def refused(site: Site, user: str, browser: Browser, **options: Any) -> None:
    """Log in with the policy "refuse", which must be refused."""
    request = site.browser(
        browser, max_sessions_per_user=2, on_max_sessions="refuse", **options
    ).open()
    request.session.login(user)
    with pytest.raises(TooManySessions, match="max_sessions_per_user is 2"):
        request.begin()
    request.finish()


def users(*browsers: Browser) -> list[str | None]:
    return [browser.user_id() for browser in browsers]


# The oldest ends


def test_a_login_beyond_the_most_ends_the_oldest_session(site: Site, ada: str) -> None:
    one, two, three = (login(site, ada) for _ in range(3))
    assert users(one, two, three) == [None, ada, ada]
    assert site.ids_of(ada) == {two.session_id, three.session_id}
    four = login(site, ada)
    assert users(two, three, four) == [None, ada, ada]


def test_the_ended_session_tells_its_user_why_and_has_nothing(site: Site, ada: str) -> None:
    one, *_ = (login(site, ada, most=1) for _ in range(2))
    assert [(event.what, event.why, event.user_id) for event in site.events][-2] == (
        "destroyed",
        "login_elsewhere",
        ada,
    )
    site.events.clear()
    for _ in range(2):
        with one.request() as session:
            assert session.end_reason == "login_elsewhere"
            assert (session.user_id, dict(session), session.id) == (None, {}, None)
    assert [(event.what, event.why) for event in site.events] == [
        ("invalid", "login_elsewhere")
    ] * 2
    with one.request() as session:
        session["cart"] = [18]  # a session of nobody begins
    with one.request() as session:
        assert session.end_reason is None
        assert dict(session) == {"cart": [18]}


def test_why_it_ended_is_told_until_it_would_have_been_over(site: Site, ada: str) -> None:
    one, _ = (login(site, ada, most=1) for _ in range(2))
    site.clock.advance(HOUR - 3)
    assert one.open().session.end_reason == "login_elsewhere"
    site.clock.advance(1)
    assert one.open().session.end_reason is None


def test_a_request_under_way_learns_why_its_session_ended(site: Site, ada: str) -> None:
    one = login(site, ada, most=1)
    late, stream, again = (site.browser(one).open() for _ in range(3))
    login(site, ada, most=1)
    late.session["late"] = 1
    assert late.finish() == [("vary", "Cookie")]
    assert late.session.end_reason == "login_elsewhere"
    revoked = site.events[-1]
    assert (revoked.what, revoked.user_id, revoked.why) == ("revoked", ada, "login_elsewhere")
    assert revoked.session is not None
    assert not stream.still_valid()
    assert stream.session.end_reason == "login_elsewhere"
    again.reload()
    assert again.session.end_reason == "login_elsewhere"
    assert again.session.user_id is None


def test_nothing_of_an_ended_session_can_be_saved_or_brought_back(site: Site, ada: str) -> None:
    one = login(site, ada, most=1)
    rotates, logs_out = (site.browser(one).open() for _ in range(2))
    two = login(site, ada, most=1)
    rotates.session.rotate()
    rotates.finish()
    logs_out.session.logout()
    logs_out.finish()
    assert users(one, two) == [None, ada]
    assert one.open().session.end_reason == "login_elsewhere"  # no logout deletes what tells it
    assert site.call("revoke", ada, one.session_id) is False
    assert site.call("revoke_user", ada) == 1


def test_without_an_end_elsewhere_there_is_no_reason(site: Site, ada: str) -> None:
    browser = login(site, ada)
    assert browser.open().session.end_reason is None
    assert site.browser().open().session.end_reason is None
    site.call("revoke_user", ada)
    assert browser.open().session.end_reason is None
    before = begun(site)
    late = site.browser(before)
    with before.request() as session:
        session.login(ada)
    assert late.open().session.end_reason == "replaced"


# What counts


@pytest.mark.parametrize("how", ["logout", "revoke", "idle", "lifetime"])
def test_what_has_ended_does_not_count(site: Site, ada: str, how: str) -> None:
    options = {"lifetime": 2 * HOUR}
    one, two = (login(site, ada, **options) for _ in range(2))
    if how == "logout":
        with one.request() as session:
            session.logout()
    elif how == "revoke":
        assert site.call("revoke", ada, one.session_id)
    elif how == "idle":
        site.clock.advance(HOUR - 2)
        two.seen()
    else:
        for _ in range(2):
            site.clock.advance(HOUR - 100)
            one.seen()
            two.seen()
        site.clock.advance(199)
    three = login(site, ada, on_max_sessions="refuse", **options)
    if how == "lifetime":
        assert users(one, three) == [None, ada]
    else:
        assert users(one, two, three) == [None, ada, ada]
    assert site.browser(one).open().session.end_reason is None


def test_what_is_over_by_an_idle_timeout_that_was_lowered_does_not_count(
    site: Site, ada: str
) -> None:
    one, two = (login(site, ada) for _ in range(2))
    site.clock.advance(600)
    two.seen()
    three = login(site, ada, idle=600, on_max_sessions="refuse")
    assert users(one, two, three) == [None, ada, ada]


def test_what_a_login_chose_to_live_longer_counts_so_long(site: Site, ada: str) -> None:
    longer: dict[str, Any] = {"max_idle": 10 * HOUR}
    browser = site.browser(max_sessions_per_user=1, **longer)
    with browser.request() as session:
        session.login(ada, idle=10 * HOUR)
    site.clock.advance(9 * HOUR)
    refusing: dict[str, Any] = {"on_max_sessions": "refuse", **longer}
    request = site.browser(max_sessions_per_user=1, **refusing).open()
    request.session.login(ada)
    with pytest.raises(TooManySessions):
        request.begin()
    assert browser.user_id() == ada


def test_a_session_that_is_over_can_not_come_back_beside_the_login_it_made_room_for(
    site: Site, ada: str
) -> None:
    one, two = (login(site, ada) for _ in range(2))
    site.clock.advance(HOUR - 3)
    straddling = one.open()
    two.seen()
    site.clock.advance(2)
    three = login(site, ada)
    straddling.session["late"] = 1
    straddling.finish()
    assert users(one, two, three) == [None, ada, ada]


def test_a_rotation_counts_no_more(site: Site, ada: str) -> None:
    one, two = (login(site, ada) for _ in range(2))
    for browser in (one, two, one):
        with browser.request() as session:
            session.rotate()
        site.clock.advance(30)
    assert users(one, two) == [ada, ada]
    three = login(site, ada)
    assert users(one, two, three) == [None, ada, ada]
    assert one.open().session.end_reason == "login_elsewhere"


def test_who_logs_in_again_takes_the_place_of_their_own_session(site: Site, ada: str) -> None:
    one, two = (login(site, ada) for _ in range(2))
    for _ in range(3):
        with two.request() as session:
            session.login(ada)
        assert users(one, two) == [ada, ada]


def test_each_namespace_and_each_user_counts_for_itself(site: Site, ada: str, bob: str) -> None:
    browsers = [
        login(site, ada, most=1),
        login(site, bob, most=1),
        login(site, ada, most=1, namespace="shop"),
    ]
    assert users(*browsers) == [ada, bob, ada]


def test_anonymous_sessions_do_not_count(site: Site, ada: str) -> None:
    begun_there = [site.browser(max_sessions_per_user=1) for _ in range(3)]
    for browser in begun_there:
        with browser.request() as session:
            session["seed"] = 0
    assert [browser.seen() for browser in begun_there] == [{"seed": 0}] * 3


def test_a_double_click_on_log_in_does_not_use_up_the_others(site: Site, ada: str) -> None:
    other = login(site, ada)
    one = site.browser(max_sessions_per_user=2)
    with one.request() as session:
        session["cart"] = [17]
    two = site.browser(one, max_sessions_per_user=2, on_max_sessions="refuse")
    first, second = one.open(), two.open()
    first.session.login(ada)
    first.finish()
    second.session.login(ada)
    second.finish()
    assert users(other, two) == [ada, ada]
    assert two.seen() == {"cart": [17]}


# Refused


def test_a_login_beyond_the_most_is_refused_if_that_is_asked_for(site: Site, ada: str) -> None:
    one, two = (login(site, ada) for _ in range(2))
    browser = begun(site, cart=[1])
    refused(site, ada, browser)
    assert site.events[-1][1:] == (None, ada, "too_many_sessions")
    assert site.events[-1].what == "refused"
    assert users(one, two, browser) == [ada, ada, None]
    assert browser.seen() == {"cart": [1]}
    assert site.call("revoke", ada, one.session_id)
    with site.browser(
        browser, max_sessions_per_user=2, on_max_sessions="refuse"
    ).request() as session:
        session.login(ada)
    assert len(site.ids_of(ada)) == 2


def test_a_refused_login_is_raised_where_it_is_saved_and_changes_nothing(
    site: Site, ada: str
) -> None:
    for _ in range(2):
        login(site, ada)
    browser = site.browser(max_sessions_per_user=2, on_max_sessions="refuse")
    request = browser.open()
    request.session["form"] = 1
    request.session.login(ada)
    with pytest.raises(TooManySessions) as raised:
        site.flavour.save(request.session)
    assert raised.value.user_id == ada
    assert request.session.user_id is None
    request.session["told"] = True
    request.finish()
    assert browser.seen() == {"form": 1, "told": True}
    assert browser.user_id() is None
    (row,) = site.rows(browser.session_id)
    assert set(row.data) == {"form", "told"}, "and no time of a login"


def test_a_logout_before_a_refused_login_holds(site: Site, ada: str, bob: str) -> None:
    for _ in range(2):
        login(site, ada)
    browser = login(site, bob)
    request = site.browser(browser, max_sessions_per_user=2, on_max_sessions="refuse").open()
    request.session.login(ada)
    with pytest.raises(TooManySessions):
        request.begin()  # and nothing more is done with it
    assert browser.user_id() is None
    assert site.ids_of(bob) == set()


# Options that change


def test_sessions_of_before_the_option_count_too(site: Site, ada: str) -> None:
    browsers: list[Browser] = []
    elsewhere: list[Browser] = []
    for _ in range(4):
        for namespace, several in (("", browsers), ("shop", elsewhere)):
            browser = site.browser(namespace=namespace)
            with browser.request() as session:
                session.login(ada)
            several.append(browser)
        site.clock.advance(1)
    five = login(site, ada, most=3)
    assert users(*browsers, five) == [None, None, ada, ada, ada]
    assert users(*elsewhere) == [ada] * 4


def test_a_session_of_before_the_option_that_is_rotated_counts_too(site: Site, ada: str) -> None:
    browser = site.browser()
    with browser.request() as session:
        session.login(ada)
    rotating = site.browser(browser, max_sessions_per_user=1)
    with rotating.request() as session:
        session.rotate()
    site.clock.advance(30)
    two = login(site, ada, most=1)
    assert users(rotating, two) == [None, ada]


def test_a_session_that_began_in_a_process_without_the_option_is_counted_when_it_is_rotated(
    site: Site, ada: str
) -> None:
    login(site, ada, most=2)
    uncounted = site.browser()
    with uncounted.request() as session:
        session.login(ada)
    rotating = site.browser(uncounted, max_sessions_per_user=2)
    with rotating.request() as session:
        session.rotate()
    site.clock.advance(30)
    login(site, ada, most=2)
    assert len(site.ids_of(ada)) == 2


def test_one_that_was_rotated_in_a_process_without_the_option_is_counted_yet(
    site: Site, ada: str
) -> None:
    one = login(site, ada, most=1)
    rotated = site.browser(one)
    with rotated.request() as session:
        session.rotate()
    again = site.browser(rotated, max_sessions_per_user=1, on_max_sessions="refuse")
    with again.request() as session:
        session.login(ada)  # in its own place
    assert site.ids_of(ada) == {again.session_id}
    rotated = site.browser(again)
    with rotated.request() as session:
        session.rotate()
    two = login(site, ada, most=1)
    assert users(rotated, two) == [None, ada]


def test_a_lower_most_ends_all_that_are_too_many_at_the_next_login(site: Site, ada: str) -> None:
    browsers = [login(site, ada, most=5) for _ in range(5)]
    last = login(site, ada, most=2)
    assert users(*browsers, last) == [None] * 4 + [ada, ada]


def test_switched_on_for_a_user_with_more_sessions_than_a_transaction_holds(
    table_site: Site, ada: str
) -> None:
    for _ in range(120):
        with table_site.browser().request() as session:
            session.login(ada)
    last = login(table_site, ada, most=1)
    assert table_site.ids_of(ada) == {last.session_id}


def test_what_is_counted_is_what_lives(site: Site, ada: str) -> None:
    browsers = [login(site, ada, most=3) for _ in range(5)]
    with browsers[3].request() as session:
        session.rotate()
    counted = site.send(ReadCount(ada, ""))
    assert counted.ids == {browser.session_id for browser in browsers[2:]} == site.ids_of(ada)


def test_with_the_register_no_session_of_before_is_missed(lagging_site: Site, ada: str) -> None:
    before = lagging_site.browser()
    with before.request() as session:
        session.login(ada)
    lagging_site.clock.advance(1)
    after = login(lagging_site, ada, most=1)
    assert users(before, after) == [None, ada]


def test_a_list_forgets_what_has_ended_in_the_register_too(lagging_site: Site, ada: str) -> None:
    one, two = (login(lagging_site, ada, most=1) for _ in range(2))
    assert lagging_site.ids_of(ada) == {two.session_id}
    assert users(one, two) == [None, ada]


# Mistakes


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"max_sessions_per_user": 0}, ValueError, "must be from 1 to 100, not 0"),
        ({"max_sessions_per_user": 101}, ValueError, "must be from 1 to 100, not 101"),
        ({"max_sessions_per_user": True}, TypeError, "must be an int or None, not True"),
        ({"on_max_sessions": "refuse"}, ValueError, "'refuse' needs max_sessions_per_user"),
        ({"on_max_sessions": "end"}, ValueError, "must be 'end_oldest' or 'refuse', not 'end'"),
    ],
)
def test_what_can_not_be_a_most_is_refused(
    options: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        memory_site().browser(**options)
