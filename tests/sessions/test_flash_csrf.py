"""Flash messages, shown once; CSRF tokens, good for one session."""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from typing import Any

import pytest
from markupsafe import Markup

from sessions import Flash, Session, TooManySessions
from sessions.values.csrf import new_secret, secret_of
from tests.sessions.browser import Site, begun, logged_in, rotated
from tests.sessions.recording import recorded_site

HALVES = (slice(32), slice(32, 64))


def csrf_token(browser: Any) -> str:
    with browser.request() as session:
        token: str = session.csrf_token()
    return token


def takes(browser: Any, token: object) -> bool:
    request = browser.open()
    is_token: bool = request.session.is_csrf_token(token)
    request.finish()
    return is_token


# Flash messages


@pytest.mark.parametrize(
    ("message", "told"),
    [
        ((b"Saved",), "message must be a str, not a bytes"),
        ((5,), "message must be a str, not an int"),
        ((Markup("<b>Saved</b>"),), "message must be a str, not a Markup"),
        (("Saved", None), "category must be a str, not None"),
        (("\ud800",), "message must be valid Unicode"),
    ],
)
def test_a_message_that_is_no_text_is_refused_by_its_name(
    site: Site, message: tuple[Any, ...], told: str
) -> None:
    session = site.browser().open().session
    with pytest.raises((TypeError, ValueError), match=rf"session.flash\(\): {told}"):
        session.flash(*message)
    assert session.flashes() == []


def test_messages_are_shown_once_in_their_order(site: Site) -> None:
    browser = site.browser()
    with browser.request() as session:
        session.flash("saved")
        session.flash("no room", "error")
    with browser.request() as session:
        session.flash("late")
    with browser.request() as session:
        shown = session.flashes()
        assert session.flashes() == []
    assert shown == [Flash("saved", "info"), Flash("no room", "error"), Flash("late", "info")]
    with browser.request() as session:
        assert session.flashes() == []


def test_a_message_may_be_shown_in_the_request_that_left_it(site: Site) -> None:
    browser = site.browser()
    with browser.request() as session:
        session.flash("now")
        assert session.flashes() == [("now", "info")]
    assert browser.cookie is None


def test_messages_survive_a_login_and_end_with_a_logout(site: Site) -> None:
    browser = begun(site)
    with browser.request() as session:
        session.flash("welcome")
        session.login("ada")
    with browser.request() as session:
        assert session.flashes() == [("welcome", "info")]
        session.flash("lost")
        session.logout()
        session.flash("goodbye")
    with browser.request() as session:
        assert session.flashes() == [("goodbye", "info")]


def test_looking_for_messages_that_are_not_there_changes_nothing(site: Site) -> None:
    browser = site.browser()
    with browser.request() as session:
        assert session.flashes() == []
    assert browser.cookie is None


def test_what_the_session_keeps_for_itself_is_not_in_the_mapping(site: Site) -> None:
    browser = begun(site)
    with browser.request() as session:
        session.flash("message")
        session.csrf_token()
    with browser.request() as session:
        assert dict(session) == {"seed": 0}
        assert len(session) == 1
        assert "sessions.flash" not in session
        with pytest.raises(KeyError):
            session["sessions.csrf"]
        with pytest.raises(KeyError):
            del session["sessions.flash"]
        with pytest.raises(ValueError, match="reserved"):
            session["sessions.mine"] = 1
        for key in list(session):
            del session[key]
        assert session.flashes() == [("message", "info")]


def test_messages_that_are_left_at_once_are_all_shown(site: Site) -> None:
    browser = begun(site)
    requests = [browser.open() for _ in range(3)]
    for number, request in enumerate(requests):
        request.session.flash(f"message {number}")
    requests[1].session.flash("another")
    for request in reversed(requests):
        request.finish()
    with browser.request() as session:
        messages = [flash.message for flash in session.flashes()]
        assert messages == ["message 0", "message 1", "message 2", "another"]
    with browser.request() as session:
        assert session.flashes() == []


def test_a_message_that_is_left_while_others_are_shown_is_shown_next(site: Site) -> None:
    browser = begun(site)
    with browser.request() as session:
        session.flash("first")
    showing, leaving = browser.open(), browser.open()
    assert [flash.message for flash in showing.session.flashes()] == ["first"]
    leaving.session.flash("second")
    leaving.finish()
    showing.finish()
    with browser.request() as session:
        assert [flash.message for flash in session.flashes()] == ["second"]


# CSRF tokens


def test_a_token_is_good_in_its_session_and_stays_so(site: Site) -> None:
    browser = begun(site)
    tokens = [csrf_token(browser) for _ in range(3)]
    assert all(takes(browser, token) for token in tokens)


def test_a_token_is_another_each_time_and_never_shows_the_secret(site: Site) -> None:
    browser = begun(site)
    tokens = [csrf_token(browser) for _ in range(50)]
    assert len(set(tokens)) == 50
    raw = [urlsafe_b64decode(token) for token in tokens]
    assert {len(one) for one in raw} == {64}
    # No byte of the token is the same each time, or a page's compressed length would tell it.
    assert all(len({one[place] for one in raw}) > 1 for place in range(64))


def test_a_token_of_another_session_is_not_good(site: Site) -> None:
    one, other = begun(site), begun(site)
    token = csrf_token(one)
    csrf_token(other)
    assert not takes(other, token)
    assert not takes(site.browser(), token)


@pytest.mark.parametrize("before", ["anonymous", "login", "rotation"])
def test_tokens_of_pages_that_are_made_at_once_are_all_good(site: Site, before: str) -> None:
    browser = begun(site) if before == "anonymous" else logged_in(site, "ada")
    if before == "rotation":
        rotated(site, browser)
    tabs = [site.browser(browser).open() for _ in range(4)]
    tokens = [tab.session.csrf_token() for tab in tabs]
    for tab in tabs:
        tab.finish()
    assert [takes(browser, token) for token in tokens] == [True] * 4
    assert [event.what for event in site.events].count("created") == 1


def test_a_token_for_a_session_that_is_there_costs_no_write() -> None:
    site, store = recorded_site()
    browser = begun(site)
    store.asked()
    csrf_token(browser)
    assert store.asked() == ["Find"]


def test_tokens_of_a_page_made_at_once_with_a_rotation_are_good(site: Site) -> None:
    browser = logged_in(site, "ada")
    tabs = [site.browser(browser).open() for _ in range(3)]
    rotating = browser.open()
    rotating.session.rotate()
    tokens = [tabs[0].session.csrf_token(), rotating.session.csrf_token()]
    tabs[1].session.rotate()
    tabs[1].finish()
    browser.cookie = tabs[1]._browser.cookie
    for request in (rotating, tabs[0]):
        request.finish()
    tokens.append(tabs[2].session.csrf_token())
    tabs[2].finish()
    assert [takes(browser, token) for token in tokens] == [True] * 3


def test_a_token_does_not_tell_the_cookies_token(site: Site) -> None:
    browser = begun(site)
    mask, masked = (urlsafe_b64decode(csrf_token(browser))[part] for part in HALVES)
    secret = bytes(one ^ other for one, other in zip(mask, masked, strict=True))
    assert secret != urlsafe_b64decode(browser.token + "=")
    assert secret != urlsafe_b64decode(browser.session_id + "=")


def test_a_token_is_good_after_a_rotation(site: Site) -> None:
    browser = begun(site)
    token = csrf_token(browser)
    before = rotated(site, browser)
    assert takes(browser, token)
    assert takes(before, token)


def test_a_login_ends_the_tokens_from_before(site: Site) -> None:
    browser = begun(site)
    token = csrf_token(browser)
    with browser.request() as session:
        session.login("ada")
        after = session.csrf_token()
    assert not takes(browser, token)
    assert takes(browser, after)


def test_a_login_ends_the_tokens_of_a_session_that_was_rotated(site: Site) -> None:
    browser = begun(site)
    rotated(site, browser)
    token = csrf_token(browser)
    assert takes(browser, token)
    with browser.request() as session:
        session.login("ada")
    assert not takes(browser, token)


def test_a_login_ends_a_token_that_was_made_meanwhile(site: Site) -> None:
    browser = begun(site)
    login = browser.open()
    login.session.login("ada")
    token = csrf_token(site.browser(browser))
    login.finish()
    assert browser.user_id() == "ada"
    assert not takes(browser, token)


def test_a_logout_ends_them_too(site: Site) -> None:
    browser = logged_in(site, "ada")
    token = csrf_token(browser)
    with browser.request() as session:
        session.logout()
        assert not session.is_csrf_token(token)
    with browser.request() as session:
        session.login("ada")
    assert not takes(browser, token)


def altered(token: str) -> list[Any]:
    raw = urlsafe_b64decode(token)
    return [
        token[:-1],
        token + "=",
        token + "A" * 4,
        " " + token,
        token.encode(),
        urlsafe_b64encode(raw[:-1] + bytes([raw[-1] ^ 1])).decode(),
        urlsafe_b64encode(bytes([raw[0] ^ 1]) + raw[1:]).decode(),
        urlsafe_b64encode(raw[32:] + raw[:32][::-1]).decode(),
        urlsafe_b64encode(bytes(64)).decode(),
        "A" * 88,
        "=" * 88,
        "é" * 88,
        "!" * 88,
        "\x00" * 88,
        "",
        None,
        0,
        [token],
    ]


def test_what_is_no_token_is_not_good_and_raises_nothing(site: Site) -> None:
    browser = begun(site)
    token = csrf_token(browser)
    assert takes(browser, token)
    assert [takes(browser, other) for other in altered(token)] == [False] * len(altered(token))
    assert not takes(browser, "A" * 85 + "!!!")


def test_the_secret_of_a_cookies_token_is_the_same_in_every_version() -> None:
    derived = hmac.new(b"token", b"csrf", "sha256").digest()
    assert secret_of("token") == derived.hex()
    assert {len(bytes.fromhex(new_secret())) for _ in range(3)} == {32}


def test_before_a_token_was_made_none_is_good(site: Site) -> None:
    token = csrf_token(begun(site))
    assert not takes(begun(site), token)
    browser = site.browser()
    assert not takes(browser, token)
    assert browser.cookie is None


def test_a_token_for_a_visitor_without_a_session_begins_one(site: Site) -> None:
    browser = site.browser()
    token = csrf_token(browser)
    assert browser.cookie is not None
    assert takes(browser, token)


def test_a_token_that_is_made_after_a_login_in_the_same_request_is_good(site: Site) -> None:
    browser = site.browser()
    with browser.request() as session:
        session.csrf_token()  # of nobody's session, which keeps the secret
    with browser.request() as session:
        before = session.csrf_token()
        session.login("ada")
        after = session.csrf_token()
    with browser.request() as session:
        assert session.is_csrf_token(after)
        assert not session.is_csrf_token(before)


def test_a_login_keeps_no_token_that_a_rotation_took_along_meanwhile(site: Site) -> None:
    browser = begun(site)
    with browser.request() as session:
        token = session.csrf_token()
    tab = site.browser(browser)
    late = tab.open()
    with browser.request() as session:
        session.rotate()
    with browser.request() as session:
        assert session.is_csrf_token(token)
    late.session.login("ada")
    late.finish()
    with tab.request() as session:
        assert session.user_id == "ada"
        assert not session.is_csrf_token(token)


@pytest.mark.parametrize(
    "changes_id", [Session.rotate, lambda session: session.confirm_login("ada")]
)
def test_a_token_that_is_made_after_a_rotation_was_saved_is_good(
    site: Site, changes_id: Callable[[Session], None]
) -> None:
    browser = logged_in(site, "ada")
    with browser.request() as session:
        before = session.csrf_token()
        changes_id(session)
        session.save()
        after = session.csrf_token()
        assert session.is_csrf_token(before)
    with browser.request() as session:
        assert session.is_csrf_token(before)
        assert session.is_csrf_token(after)


def test_a_login_that_is_refused_leaves_the_tokens_of_before_good(site: Site) -> None:
    logged_in(site, "ada")
    browser = site.browser(max_sessions_per_user=1, on_max_sessions="refuse")
    token = csrf_token(browser)
    with browser.request() as session:
        session.login("ada")
        session.csrf_token()
        with pytest.raises(TooManySessions):
            session.save()
        assert session.is_csrf_token(token)
    assert takes(browser, token)
