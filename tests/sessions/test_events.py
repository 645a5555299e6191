"""Events: each turn of a session's life is told once, and none tells how to take it over."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from sessions import Session, SessionEvent, SessionRevoked
from sessions.request_session import RequestSession
from tests.sessions.browser import Browser, Site, begun, logged_in, rotated

UNKNOWN = "A" * 43


def told(site: Site) -> list[tuple[Any, ...]]:
    """What was told since the last time, but for the digests."""
    events = [(event.what, event.user_id, event.why) for event in site.events]
    site.events.clear()
    return events


def test_each_turn_is_told_once(site: Site) -> None:
    browser = begun(site)
    assert told(site) == [("created", None, None)]
    with browser.request() as session:
        session["a"] = 1
    browser.seen()
    site.clock.advance(600)
    browser.seen()  # a touch
    assert told(site) == []
    with browser.request() as session:
        session.rotate()
    assert told(site) == [("renewed", None, None)]
    with browser.request() as session:
        session.login("ada")
    assert told(site) == [("renewed", "ada", None)]
    with browser.request() as session:
        session.login("bob")
    assert told(site) == [("destroyed", "ada", None), ("created", "bob", None)]
    with browser.request() as session:
        session.logout()
    assert told(site) == [("destroyed", "bob", None)]
    logged_in(site, "ada")
    assert told(site) == [("created", "ada", None)]


def test_a_logout_without_a_session_is_no_event(site: Site) -> None:
    with site.browser().request() as session:
        session.logout()
    assert told(site) == []


@pytest.mark.parametrize("on_revoked", ["ignore", "raise"])
def test_an_end_elsewhere_is_told_to_the_request_that_met_it(site: Site, on_revoked: str) -> None:
    browser = logged_in(site, "ada")
    slow = site.browser(browser, on_revoked=on_revoked).open()
    slow.session["a"] = 1
    site.store.revoke_user("ada")
    told(site)
    if on_revoked == "raise":
        with pytest.raises(SessionRevoked):
            slow.begin()
    else:
        slow.finish()
    assert told(site) == [("revoked", "ada", None)]


def test_cookies_that_lead_to_no_session_are_told_with_the_reason(site: Site) -> None:
    browser = site.browser()
    for cookie, why in [("abc/x", "malformed"), ("", "malformed"), (UNKNOWN, "unknown")]:
        browser.cookie = f"__Host-session={cookie}"
        browser.seen()
        assert told(site) == [("invalid", None, why)]
    browser = begun(site)
    site.clock.advance(3_600)
    browser.seen()
    browser = site.browser(begun(site), encryption=b"k" * 32)
    browser.seen()
    assert told(site) == [
        ("created", None, None),
        ("invalid", None, "over"),
        ("created", None, None),
        ("invalid", None, "unreadable"),
    ]


def test_no_cookie_and_cookies_of_others_are_no_events(site: Site) -> None:
    browser = site.browser()
    for cookie in (None, "", "other=1; session=abc"):
        browser.cookie = cookie
        browser.seen()
    assert told(site) == []


def test_events_of_one_session_can_be_told_together(site: Site) -> None:
    one, other = logged_in(site, "ada"), logged_in(site, "ada")
    created = [event.session for event in site.events]
    assert None not in created
    assert len(set(created)) == 2
    for browser in (other, one):
        with browser.request() as session:
            session.logout()
    assert [event.session for event in site.events[2:]] == [created[1], created[0]]


def test_digests_are_the_same_only_with_the_same_salt(site: Site) -> None:
    events: dict[str, list[SessionEvent]] = {
        "a": [],
        "a again": [],
        "b": [],
        "own": [],
        "own 2": [],
    }
    salts = {"a": b"a" * 16, "a again": b"a" * 16, "b": b"b" * 16}
    for name, heard in events.items():
        options: dict[str, Any] = {"event_salt": salts[name]} if name in salts else {}
        browser = site.browser(on_event=heard.append, **options)
        browser.cookie = f"__Host-session={UNKNOWN}"
        browser.seen()
    digests = {name: heard[0].session for name, heard in events.items()}
    assert digests["a"] == digests["a again"]
    assert len(set(digests.values())) == 4


def whole_story(site: Site) -> tuple[list[Browser], list[str]]:
    """Browsers with every cookie of a long story, and the reprs of every session in it."""
    told: list[str] = []
    browsers = []

    def visit(browser: Browser, do: Any) -> None:
        request = browser.open()
        told.append(repr(request.session))
        do(request.session)
        told.append(repr(request.session))
        request.begin()
        told.append(repr(request.session))
        browsers.append(site.browser(browser))

    browser = site.browser()
    visit(browser, lambda session: session.update(secret="correct horse"))
    visit(browser, lambda session: session.csrf_token())
    visit(browser, lambda session: session.rotate())
    visit(browser, lambda session: session.login("ada"))
    slow = browser.open()
    slow.session["late"] = 1
    visit(browser, lambda session: session.login("bob"))
    slow.finish()
    slower = browser.open()
    slower.session["late"] = 1
    site.store.revoke_user("bob")
    slower.finish()
    return browsers, told


def test_no_event_repr_or_log_tells_a_token_an_id_or_a_value(
    site: Site, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    with caplog.at_level(logging.DEBUG):
        browsers, told = whole_story(site)
    printed = capsys.readouterr()
    everything = "\n".join([*map(repr, site.events), *told, caplog.text, printed.out, printed.err])
    whats = {event.what for event in site.events}
    assert whats >= {"created", "renewed", "revoked", "dropped", "destroyed"}
    assert all(event.session for event in site.events)
    for browser in browsers:
        assert browser.token not in everything
        assert browser.session_id not in everything
    assert "horse" not in everything


def test_a_repr_tells_whose_it_is(site: Site) -> None:
    unread = RequestSession(begun(site).config, begun(site).cookie)
    assert repr(Session(unread)) == "<Session, not loaded>"
    assert repr(site.browser().open().session) == "<Session, new>"
    assert repr(begun(site).open().session) == "<Session of nobody>"
    assert repr(logged_in(site, "ada").open().session) == "<Session of ada>"


def test_a_rotation_that_lost_to_another_is_no_event(site: Site) -> None:
    browser = begun(site)
    slow = browser.open()
    slow.session.rotate()
    rotated(site, browser)
    told(site)
    slow.finish()
    assert told(site) == []


async def _awaited(event: SessionEvent) -> None: ...


@pytest.mark.parametrize("on_event", [1, "print", [], _awaited])
def test_what_cant_be_called_is_refused(site: Site, on_event: Any) -> None:
    with pytest.raises(TypeError, match="on_event"):
        site.browser(on_event=on_event)
