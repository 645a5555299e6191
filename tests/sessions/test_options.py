"""What an application configures: mistakes are told at once, by name and rule."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

from sessions import (
    DEFAULTS,
    UNENCRYPTED,
    Cookie,
    DynamoDBSessionStore,
    MemorySessionStore,
    SessionOptions,
    asgi,
    wsgi,
)
from sessions.flask import SessionInterface
from tests.fake_clock import FakeClock
from tests.sessions.browser import Site, begun, memory_site


@pytest.mark.parametrize(
    ("options", "raised", "message"),
    [
        (
            {"idel": 60},
            TypeError,
            "unknown option 'idel'; expected one of bearer, cookie, dead",
        ),
        ({"name": "s"}, TypeError, "unknown option 'name'"),
        ({"strict": 1}, TypeError, "strict must be True or False, not 1"),
        ({"bearer": 1}, TypeError, "bearer must be True or False, not 1"),
        ({"bearer": "Bearer"}, TypeError, "bearer must be True or False, not 'Bearer'"),
        ({"strict": None}, TypeError, "strict .*, not None"),
        ({"on_revoked": "drop"}, ValueError, "on_revoked must be 'ignore' or 'raise', not 'drop'"),
        ({"on_revoked": None}, ValueError, "on_revoked .*, not None"),
        ({"deadline": 0}, ValueError, "deadline must be from 0.001 to 60 seconds, not 0"),
        ({"deadline": -1}, ValueError, "deadline .*, not -1"),
        ({"deadline": 61}, ValueError, "deadline .*, not 61"),
        ({"deadline": float("nan")}, ValueError, "deadline .*, not nan"),
        ({"deadline": float("inf")}, ValueError, "deadline .*, not inf"),
        ({"deadline": True}, TypeError, "deadline must be a number of seconds, not True"),
        ({"deadline": "1"}, TypeError, "deadline .*, not '1'"),
        ({"namespace": None}, TypeError, "namespace must be a str, not None"),
        ({"namespace": "n" * 257}, ValueError, "namespace must have at most 256 bytes .*, not 257"),
        ({"namespace": "ä" * 129}, ValueError, "namespace .* not 258"),
        ({"namespace": "\ud800"}, ValueError, "namespace must be valid Unicode"),
        ({"secret": "short"}, ValueError, "secret must have at least 32 bytes, not 5"),
        ({"secret": []}, ValueError, "secret"),
        (
            {"secret": 5},
            TypeError,
            "secret must be a str or bytes, or a list of several, not an int",
        ),
        ({"secret": bytearray(32)}, TypeError, "secret must be .*, not a bytearray"),
        ({"secret": {"s" * 32: 1}}, TypeError, "secret must be .*, not a dict"),
        ({"secret": {"s" * 32}}, TypeError, "secret must be .*, not a set"),
        ({"secret": "\ud800" * 32}, ValueError, "secret must be valid Unicode"),
        ({"encryption": b"short"}, ValueError, "encryption key must have 32 bytes, not 5"),
        ({"encryption": []}, ValueError, "encryption must not be empty"),
        (
            {"encryption": [UNENCRYPTED]},
            ValueError,
            "^encryption must have a key beside UNENCRYPTED; use None",
        ),
        (
            {"encryption": 5},
            TypeError,
            "encryption must be bytes, or a list of several, not an int",
        ),
        ({"encryption": memoryview(b"k" * 32)}, TypeError, "encryption must be .* a memoryview"),
        ({"event_salt": "text"}, TypeError, "event_salt"),
        ({"cookie": None}, TypeError, "cookie name must be a str, not None"),
        (
            {"cookie": Cookie()},
            TypeError,
            "cookie must be the cookie's name, .*: secure, same_site",
        ),
    ],
)
def test_mistakes_are_told_at_once(
    site: Site, options: dict[str, Any], raised: type[Exception], message: str
) -> None:
    with pytest.raises(raised, match=message):
        site.browser(**options)


def test_a_deadline_may_be_an_integer(site: Site) -> None:
    assert site.browser(deadline=60).seen() == {}


@pytest.mark.parametrize("options", [{"secret": "s" * 32}, {"encryption": [b"k" * 32]}])
def test_none_is_the_same_as_nothing(site: Site, options: dict[str, Any]) -> None:
    browser = site.browser(**dict.fromkeys(options))
    with browser.request() as session:
        session["a"] = 1
    assert site.browser(browser).seen() == {"a": 1}


@pytest.mark.parametrize("made", [asgi.SessionMiddleware, wsgi.SessionMiddleware, SessionInterface])
def test_help_shows_every_option_with_its_default(made: type) -> None:
    shown = inspect.signature(made).parameters
    assert {name: shown[name].default for name in SessionOptions.__annotations__} == DEFAULTS
    assert all(shown[name].kind is inspect.Parameter.KEYWORD_ONLY for name in DEFAULTS)


def test_a_default_that_is_given_is_the_same_as_nothing(site: Site) -> None:
    browser = site.browser(**DEFAULTS)
    with browser.request() as session:
        session["a"] = 1
    assert site.browser(browser).seen() == {"a": 1}


# Stores


@pytest.mark.parametrize(("table", "raised"), [("", ValueError), (None, TypeError), (7, TypeError)])
def test_a_table_needs_a_name(table: Any, raised: type[Exception]) -> None:
    with pytest.raises(raised, match="table must "):
        DynamoDBSessionStore(table)


@pytest.mark.parametrize("deadline", [0, -1, float("nan"), "5", None])
def test_a_stores_deadline_is_checked_too(deadline: Any) -> None:
    with pytest.raises((TypeError, ValueError), match="deadline"):
        DynamoDBSessionStore("sessions", deadline=deadline)


@pytest.mark.parametrize("most", [0, -1, 1.5, True, None, "9"])
def test_a_memory_store_keeps_at_least_one(most: Any) -> None:
    with pytest.raises(ValueError, match="max_sessions"):
        MemorySessionStore(max_sessions=most)


def limited_site(most: int) -> Site:
    clock = FakeClock()
    return Site(MemorySessionStore(max_sessions=most, clock=clock), clock)


def test_a_full_memory_store_drops_what_is_over_and_then_the_oldest() -> None:
    site = limited_site(3)
    short = site.browser(idle=120)
    with short.request() as session:
        session["seed"] = 0
    oldest, older = begun(site), begun(site)
    site.clock.advance(120)
    newer = begun(site)
    assert [browser.seen() for browser in (oldest, older, newer)] == [{"seed": 0}] * 3
    newest = begun(site)
    assert [browser.seen() for browser in (oldest, older, newer, newest)] == [
        {},
        *[{"seed": 0}] * 3,
    ]
    assert isinstance(site.store, MemorySessionStore)
    assert len(site.store) == 3


@pytest.mark.parametrize("most", [1, 2])
def test_a_full_memory_store_still_takes_logins_and_rotations(most: int) -> None:
    site = limited_site(most)
    for _ in range(3):
        browser = begun(site)
        with browser.request() as session:
            session.login("ada")
        assert browser.seen() == {"seed": 0}
        with browser.request() as session:
            session.rotate()
        assert browser.seen() == {"seed": 0}
    assert isinstance(site.store, MemorySessionStore)
    assert len(site.store) <= most


def test_memory_stores_have_nothing_in_common() -> None:
    one, other = memory_site(), memory_site()
    browser = begun(one)
    assert other.browser(browser).seen() == {}
