"""The session as an application sees it: a mapping, whose it is, and what is too late."""

from __future__ import annotations

import pickle
from collections.abc import Callable, MutableMapping
from typing import Any

import pytest

from sessions import Session, SessionNotSaved
from tests.sessions.browser import Site, begun, logged_in


def test_it_is_a_mutable_mapping(site: Site) -> None:
    with begun(site, a=1, b=[2]).request() as session:
        assert isinstance(session, MutableMapping)
        assert dict(session) == {"a": 1, "b": [2]} == session
        assert (session.get("c"), session.setdefault("c", 3), session.pop("a")) == (None, 3, 1)
        session.update({"d": 4})
        assert list(session) == ["b", "c", "d"]
        no_text: Any = 7
        assert (len(session), "a" in session, no_text in session) == (3, False, False)
        for key in ("a", no_text):
            with pytest.raises(KeyError):
                session[key]
        with pytest.raises(KeyError):
            session.pop("a")
        with pytest.raises(KeyError):
            del session["a"]
        session.clear()
        assert not session


def test_it_is_reversed_as_a_dict_is(site: Site) -> None:
    with begun(site, a=1, b=2).request() as session:
        session["c"] = 3
        assert list(reversed(session)) == ["c", "b", "a"]


def test_it_cant_be_pickled_since_its_token_and_secrets_would_be_in_it(site: Site) -> None:
    with begun(site, a=1).request() as session:
        with pytest.raises(TypeError, match=r"pickle dict\(session\)"):
            pickle.dumps(session)
        assert pickle.loads(pickle.dumps(dict(session))) == {"a": 1}


def test_popitem_takes_the_last_key_as_a_dict_does(site: Site) -> None:
    with begun(site, a=1, b=2, c=3).request() as session:
        session["d"] = 4
        assert [session.popitem() for _ in range(4)] == [("d", 4), ("c", 3), ("b", 2), ("a", 1)]
        with pytest.raises(KeyError, match="empty"):
            session.popitem()


def test_reading_or_setting_a_key_does_not_move_it(site: Site) -> None:
    with begun(site, a=1, b=[2], c=3).request() as session:
        assert session["a"] == 1
        session["b"].append(3)
        session["b"] = [4]
        assert list(session) == ["a", "b", "c"]
        del session["a"]
        session["a"] = 1
        assert list(session) == ["b", "c", "a"]


@pytest.mark.parametrize("key", ["", 1, None, b"a", ("a",)])
def test_keys_are_texts(site: Site, key: Any) -> None:
    session = site.browser().open().session
    with pytest.raises(TypeError, match="a key must be a str"):
        session[key] = 1


def test_it_tells_whose_it_is(site: Site) -> None:
    browser = site.browser()
    with browser.request() as session:
        assert (session.is_new, session.id, session.user_id) == (True, None, None)
        session["a"] = 1
    with browser.request() as session:
        assert (session.is_new, session.id, session.user_id) == (False, browser.session_id, None)
        session.login("ada")
        assert session.user_id == "ada"
    with browser.request() as session:
        assert (session.is_new, session.id, session.user_id) == (False, browser.session_id, "ada")
        session.logout()
        assert (session.is_new, session.id, session.user_id) == (True, None, None)


@pytest.mark.parametrize("device", [7, b"phone", ["phone"]])
def test_a_device_that_is_no_text_is_refused(site: Site, device: Any) -> None:
    session = site.browser().open().session
    with pytest.raises(TypeError, match="device"):
        session.login("ada", device=device)
    assert session.user_id is None


@pytest.mark.parametrize(
    ("device", "kept"),
    [
        ("", None),
        ("  \t", None),
        ("x" * 267, "x" * 256),
        ("é" * 10_000, "é" * 256),
        (" phone ", "phone"),
        ("\ud800", "?"),
        ("caf\xc3\xa9", "caf\xc3\xa9"),
        (None, None),
    ],
)
def test_what_a_browser_calls_itself_fails_no_login(
    site: Site, device: str | None, kept: str | None
) -> None:
    with site.browser().request() as session:
        session.login("ada", device=device)
    (info,) = site.call("sessions_of", "ada")
    assert info.device == kept


def test_a_user_whose_id_is_no_unicode_is_refused(site: Site) -> None:
    session = site.browser().open().session
    with pytest.raises(ValueError, match="user_id"):
        session.login("\ud800")


def test_a_visitor_without_data_has_no_row_and_no_cookie(site: Site) -> None:
    browser = site.browser()
    request = browser.open()
    session = request.session
    session["a"] = 1
    del session["a"]
    session.clear()
    assert dict(request.finish()) == {"vary": "Cookie"}
    assert browser.cookie is None
    assert len(site.store) == 0  # type: ignore[arg-type]


def test_what_is_set_after_a_logout_begins_another_session(site: Site) -> None:
    browser = logged_in(site, "ada", seed=0)
    before = browser.session_id
    with browser.request() as session:
        session.logout()
        assert dict(session) == {}
        session["new"] = 1
    assert browser.session_id != before
    assert (browser.user_id(), browser.seen()) == (None, {"new": 1})
    assert [dict(row.data) for row in site.rows(before)] == [{}]
    assert site.ids_of("ada") == set()


def test_a_login_that_is_taken_back_is_none(site: Site) -> None:
    browser = begun(site)
    with browser.request() as session:
        session.login("ada")
        session.logout()
    assert browser.cookie is None
    assert site.ids_of("ada") == set()


def test_a_second_login_in_one_request_takes_nothing_of_the_first(site: Site) -> None:
    browser = begun(site)
    with browser.request() as session:
        session.login("ada")
        session["hers"] = 1
        session.login("bob")
    assert (browser.user_id(), browser.seen()) == ("bob", {})
    assert site.ids_of("ada") == set()


# After the response has begun


def test_changes_after_the_response_began_are_told(site: Site) -> None:
    browser = begun(site)
    request = browser.open()
    request.begin()
    request.session["late"] = 1
    with pytest.raises(SessionNotSaved, match="save\\(\\) was not called"):
        request.end()
    assert browser.seen() == {"seed": 0}


def test_a_save_after_the_response_began_keeps_them(site: Site) -> None:
    browser = begun(site)
    request = browser.open()
    request.begin()
    request.session["late"] = 1
    request.session.save()
    request.end()
    assert browser.seen() == {"seed": 0, "late": 1}


def _set(session: Session) -> None:
    session["late"] = 1
    session.save()


def _login(session: Session) -> None:
    session.login("ada")


def _rotate(session: Session) -> None:
    session.rotate()


@pytest.mark.parametrize(
    ("do", "says"),
    [
        (_set, "response has started"),
        (_login, r"session\.login\(\): the response has started"),
        (_rotate, r"session\.rotate\(\): the response has started"),
    ],
)
def test_what_needs_a_cookie_after_the_response_began_is_refused(
    site: Site, do: Callable[[Session], None], says: str
) -> None:
    request = site.browser().open()
    request.begin()
    with pytest.raises(SessionNotSaved, match=says):
        do(request.session)
    assert len(site.store) == 0  # type: ignore[arg-type]


def test_a_logout_after_the_response_began_still_ends_the_session(site: Site) -> None:
    browser = logged_in(site, "ada", seed=0)
    request = browser.open()
    request.begin()
    request.session.logout()
    request.session.save()
    request.end()
    assert browser.seen() == {}


def test_a_save_before_the_response_leaves_the_cookie_to_it(site: Site) -> None:
    browser = site.browser()
    request = browser.open()
    request.session["a"] = 1
    request.session.save()
    request.session["b"] = 2
    assert "set-cookie" in dict(request.finish())
    assert browser.seen() == {"a": 1, "b": 2}


def test_a_save_and_a_logout_in_one_request_clear_the_cookie(site: Site) -> None:
    browser = site.browser()
    request = browser.open()
    request.session["a"] = 1
    request.session.save()
    request.session.logout()
    assert "Max-Age=0" in dict(request.finish())["set-cookie"]
    assert len(site.store) == 0  # type: ignore[arg-type]
