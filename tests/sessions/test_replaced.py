"""A request under way while a login replaces its session: it undoes nothing, and loses nothing.

The browser is logged in whichever response it gets last, since only the login's sets a cookie.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from sessions import MemorySessionStore, Session, SessionConflict, SessionReplaced, SessionRevoked
from sessions.operations.operation import Operation, Replace
from tests.sessions.browser import Browser, Site, begun, logged_in, rotated


def log_out_and_set(session: Session) -> None:
    session.logout()
    session["late"] = 1


def rotate_and_set(session: Session) -> None:
    session.rotate()
    session["late"] = 1


CHANGES: list[Callable[[Session], object]] = [
    lambda session: session.update(late=1),
    lambda session: session.pop("cart", None),
    lambda session: session.flash("late"),
    lambda session: session.csrf_token(),
    lambda session: session.rotate(),
    lambda session: session.logout(),
    log_out_and_set,
    rotate_and_set,
    dict,
]


def login(browser: Browser, user_id: str = "ada") -> None:
    with browser.request() as session:
        session.login(user_id)


@pytest.fixture(params=[None, "ada"])
def browser(site: Site, request: pytest.FixtureRequest) -> Browser:
    """A browser with a cart, whether somebody is logged in or not."""
    if request.param is None:
        return begun(site, cart=[17])
    return logged_in(site, request.param, cart=[17])


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("opens_first", [True, False])
def test_a_request_under_way_at_a_login_sets_no_cookie_and_changes_nothing(
    site: Site, browser: Browser, change: Callable[[Session], object], opens_first: bool
) -> None:
    before = site.browser(browser)
    if opens_first:
        late = before.open()
        login(browser)
    else:
        login(browser)
        late = before.open()
        assert dict(late.session) == {}
        assert late.session.user_id is None
        assert late.session.end_reason == "replaced"
    change(late.session)
    assert [name for name, _ in late.finish() if name == "set-cookie"] == []
    assert before.cookie != browser.cookie
    assert browser.seen() == {"cart": [17]}
    assert browser.user_id() == "ada"


@pytest.mark.parametrize("opens_first", [True, False])
def test_its_changes_are_told_and_raised_if_that_is_asked_for(
    site: Site, browser: Browser, opens_first: bool
) -> None:
    before = site.browser(browser, on_revoked="raise", event_salt=b"salt")
    late = before.open() if opens_first else None
    old_id = before.session_id
    login(browser)
    late = late or before.open()
    site.events.clear()
    late.session["late"] = 1
    says = r"^a login, or another new session, replaced the session .*: its changes were not saved$"
    with pytest.raises(SessionReplaced, match=says) as raised:
        late.begin()
    assert isinstance(raised.value, SessionRevoked)
    (event,) = site.events
    assert (event.what, event.why) == ("dropped", "replaced")
    site.events.clear()
    before.seen()
    assert [(one.what, one.why) for one in site.events] == [("invalid", "replaced")]
    assert site.events[0].session == event.session is not None
    assert old_id != browser.session_id


def test_a_second_click_on_log_in_is_not_one_session_too_many(site: Site) -> None:
    options: Any = {"max_sessions_per_user": 1, "on_max_sessions": "refuse"}
    browser = site.browser(**options)
    with browser.request() as session:
        session["cart"] = [17]
    double = site.browser(browser, **options)
    login(browser)
    login(double)
    assert double.seen() == {"cart": [17]}
    assert [browser.user_id(), double.user_id()] == [None, "ada"]


def test_a_rotation_after_a_save_takes_along_what_the_row_has_then(site: Site) -> None:
    browser = begun(site, kept=1, removed=2)
    request = browser.open()
    request.session["added"] = 3
    del request.session["removed"]
    site.flavour.save(request.session)
    request.session.rotate()
    request.finish()
    assert browser.seen() == {"kept": 1, "added": 3}


def test_a_strict_request_may_save_more_than_once(site: Site) -> None:
    browser = begun(site, cart=[17])
    request = site.browser(browser, strict=True).open()
    for number in range(3):
        request.session["cart"] = [number]
        site.flavour.save(request.session)
    request.finish()
    assert browser.seen() == {"cart": [2]}


def test_a_strict_save_follows_a_rotation_that_saved_nothing(site: Site) -> None:
    browser = begun(site, cart=[17])
    late = site.browser(browser, strict=True).open()
    late.session["late"] = 1
    rotated(site, browser)
    late.finish()
    assert browser.seen() == {"cart": [17], "late": 1}


@pytest.mark.parametrize("others", [2, 20])
def test_a_login_takes_the_values_along_that_others_took_over(
    site: Site, browser: Browser, others: int
) -> None:
    late = site.browser(browser)
    under_way = late.open()
    under_way.session.login("ada")
    for _ in range(others):
        login(browser)
    under_way.finish()
    assert late.seen() == {"cart": [17]}
    assert late.user_id() == "ada"


@pytest.mark.parametrize("change", [Session.rotate, lambda session: session.login("bob")])
def test_a_new_id_that_is_refused_twenty_times_is_a_conflict(
    site: Site,
    browser: Browser,
    change: Callable[[Session], object],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    send = MemorySessionStore.send
    refused: list[Replace] = []

    def refusing(store: MemorySessionStore, operation: Operation, deadline_ns: int) -> Any:
        if not isinstance(operation, Replace):
            return send(store, operation, deadline_ns)
        refused.append(operation)
        return False

    monkeypatch.setattr(MemorySessionStore, "send", refusing)
    late = site.browser(browser).open()
    change(late.session)
    with pytest.raises(SessionConflict, match="again and again while it got a new id"):
        late.begin()
    assert len(refused) == 20


@pytest.mark.parametrize("saves", [True, False])
def test_a_strict_rotation_minds_saves_and_no_touch(site: Site, saves: bool) -> None:
    browser = begun(site, cart=[17])
    late = site.browser(browser, strict=True)
    under_way = late.open()
    under_way.session.rotate()
    site.clock.advance(1_000)
    if saves:
        with browser.request() as session:
            session["cart"] = [18]
        with pytest.raises(SessionConflict):
            under_way.begin()
    else:
        browser.seen()
        under_way.finish()
        assert late.seen() == {"cart": [17]}
        assert late.session_id != browser.session_id


def test_what_is_set_after_a_logout_is_kept_though_another_request_saved_meanwhile(
    site: Site, browser: Browser
) -> None:
    late = site.browser(browser)
    under_way = late.open()
    log_out_and_set(under_way.session)
    site.clock.advance(1)
    with browser.request() as session:
        session["cart"] = [18]
    under_way.finish()
    assert late.seen() == {"late": 1}
    assert late.user_id() is None
    assert browser.seen() == {}


@pytest.mark.parametrize("change", ["rotate", "logout"])
def test_that_a_new_id_or_a_logout_is_dropped_is_told_too(
    site: Site, browser: Browser, change: str
) -> None:
    late = site.browser(browser).open()
    login(browser)
    site.events.clear()
    getattr(late.session, change)()
    late.finish()
    (event,) = site.events
    assert (event.what, event.why) == ("dropped", "replaced")
    assert event.session is not None


def test_a_login_after_a_logout_that_was_dropped_goes_on_as_the_other_does(site: Site) -> None:
    browser = begun(site, cart=[17])
    tab = site.browser(browser)
    late = tab.open()
    login(browser)
    late.session.logout()
    late.session.save()
    late.session.login("ada")
    late.finish()
    assert tab.seen() == browser.seen() == {"cart": [17]}


def test_a_session_is_still_valid_after_a_login_of_the_request_itself(
    site: Site, browser: Browser
) -> None:
    request = browser.open()
    assert request.still_valid()
    request.session.login("ada")
    request.session.save()
    assert request.still_valid()


def test_a_request_that_changed_nothing_has_nothing_dropped(site: Site, browser: Browser) -> None:
    late = site.browser(browser).open()
    login(browser)
    site.events.clear()
    late.reload()
    assert (dict(late.session), late.session.end_reason) == ({}, "replaced")
    assert site.events == []


def test_a_use_that_was_to_be_noted_is_no_change_that_is_dropped(
    site: Site, browser: Browser
) -> None:
    site.clock.advance(1_000)
    late = site.browser(browser).open()
    login(browser)
    site.events.clear()
    late.finish()
    assert site.events == []


def test_what_is_set_after_a_save_that_was_dropped_is_dropped_too(site: Site) -> None:
    browser = begun(site)
    late = site.browser(browser).open()
    login(browser)
    late.session["late"] = 1
    late.session.save()
    late.session["later"] = 1
    assert late.session.user_id is None
    assert not [name for name, _ in late.finish() if name == "set-cookie"]
    assert browser.seen() == {"seed": 0}


def test_after_some_seconds_a_replaced_id_is_unknown_like_any_other(site: Site) -> None:
    browser = begun(site)
    before = site.browser(browser)
    login(browser)
    site.clock.advance(19)
    with before.request() as session:
        session["early"] = 1
    assert before.cookie != browser.cookie
    assert before.seen() == {}
    site.clock.advance(1)
    with before.request() as session:
        session["late"] = 1
    assert before.seen() == {"late": 1}


def test_a_request_with_an_id_that_was_rotated_before_the_login_sets_no_cookie(site: Site) -> None:
    browser = begun(site)
    before = rotated(site, browser)
    late = before.open()
    login(browser)
    for request in (late, before.open()):
        request.session["late"] = 1
        assert not [name for name, _ in request.finish() if name == "set-cookie"]
    assert browser.user_id() == "ada"


@pytest.mark.parametrize("opens_first", [True, False])
@pytest.mark.parametrize("is_last", [True, False])
def test_a_double_click_on_log_in_keeps_the_cart_whichever_cookie_comes_last(
    site: Site, browser: Browser, opens_first: bool, is_last: bool
) -> None:
    double = site.browser(browser)
    first = browser.open()
    second = double.open() if opens_first else None
    first.session.login("ada")
    first.session["welcome"] = 1
    first.finish()
    second = second or double.open()
    second.session.login("ada")
    second.finish()
    kept = double if is_last else browser
    assert kept.seen() == {"cart": [17], "welcome": 1}
    assert kept.user_id() == "ada"


def test_a_third_login_at_once_has_the_cart_too(site: Site) -> None:
    browser = begun(site, cart=[17])
    others = [site.browser(browser) for _ in range(3)]
    login(browser)
    rotated(site, browser)
    for other in others:
        login(other)
        assert other.seen() == {"cart": [17]}


def test_a_second_login_as_somebody_else_gets_nothing_of_the_first(site: Site) -> None:
    browser = begun(site, cart=[17])
    before = site.browser(browser)
    login(browser)
    login(before, "bob")
    assert before.seen() == {}
    assert before.user_id() == "bob"
    assert browser.seen() == {"cart": [17]}


def test_a_second_login_takes_nothing_along_from_a_session_that_was_logged_out(site: Site) -> None:
    browser = begun(site, cart=[17])
    before = site.browser(browser)
    login(browser)
    with browser.request() as session:
        session.logout()
    login(before)
    assert before.seen() == {}


def test_a_login_by_hand_is_not_undone_either(site: Site) -> None:
    """As in Flask's tutorial: the session is emptied, and a key names the user."""
    browser = begun(site, cart=[17])
    before = site.browser(browser)
    with browser.request() as session:
        session.logout()
        session["user_id"] = 7
    with before.request() as session:
        session["late"] = 1
    assert before.cookie is not None
    assert before.seen() == {}
    assert browser.seen() == {"user_id": 7}


def test_a_login_after_a_logout_of_another_user_is_not_undone_either(site: Site) -> None:
    browser = logged_in(site, "bob", secret=1)
    before = site.browser(browser)
    late = site.browser(browser).open()
    login(browser)
    for request in (late, before.open()):
        request.session["late"] = 1
        assert not [name for name, _ in request.finish() if name == "set-cookie"]
    assert browser.user_id() == "ada"
    assert browser.seen() == {}
    assert site.ids_of("bob") == set()


@pytest.mark.parametrize("end", ["logout", "revoke", "revoke_user"])
def test_an_end_that_was_under_way_leaves_what_tells_of_the_login(site: Site, end: str) -> None:
    browser = logged_in(site, "ada")
    before = site.browser(browser)
    late = before.open()
    login(browser)
    if end == "logout":
        late.session.logout()
        late.finish()
    elif end == "revoke":
        assert site.call("revoke", "ada", before.session_id) is False
    else:
        assert site.call("revoke_user", "ada", except_=browser.session_id) == 0
    with before.request() as session:
        session["later"] = 1
    assert before.seen() == {}
    assert browser.user_id() == "ada"


def test_a_replaced_session_is_neither_listed_nor_counted(site: Site) -> None:
    browser = logged_in(site, "ada")
    old_id = browser.session_id
    login(browser)
    assert site.ids_of("ada") == {browser.session_id}
    assert site.call("revoke", "ada", old_id) is False
    assert browser.user_id() == "ada"
    assert site.call("revoke_user", "ada") == 1
    assert browser.user_id() is None


def test_a_logout_holds_though_what_was_set_after_it_is_too_large(site: Site) -> None:
    browser = logged_in(site, "ada")
    request = site.browser(browser).open()
    request.session.logout()
    request.session["large"] = "x" * 500_000
    with pytest.raises(ValueError, match="large"):
        request.begin()
    assert browser.user_id() is None
