"""A MAC or encryption is switched on, and off again, while sessions live."""

from __future__ import annotations

import secrets
from typing import Any

import pytest

from sessions import UNENCRYPTED, UNSIGNED, MemorySessionStore
from sessions.config.session_config import SessionConfig
from tests.sessions.browser import Browser, Site, app_data, logged_in

pytest_plugins = ("tests.contract.session_stores",)

SECRET, OTHER_SECRET = secrets.token_hex(), secrets.token_hex()
KEY, OTHER_KEY = secrets.token_bytes(32), secrets.token_bytes(32)

STEPS: dict[str, list[Any]] = {
    "secret": [None, [UNSIGNED, SECRET], [SECRET, UNSIGNED], SECRET],
    "encryption": [None, [UNENCRYPTED, KEY], [KEY, UNENCRYPTED], KEY],
}
"""What the processes of a site have one after the other; two steps side by side at any time."""

OPTIONS = pytest.mark.parametrize("option", ["secret", "encryption"])


def at(site: Site, like: Browser, **options: Any) -> Browser:
    """The same browser at a process with other options."""
    return site.browser(like, **options)


@OPTIONS
@pytest.mark.parametrize("step", [0, 1])
def test_b20_a_session_goes_on_while_processes_of_two_steps_serve_it(
    site: Site, ada: str, option: str, step: int
) -> None:
    one, other = ({option: value} for value in STEPS[option][step : step + 2])
    browser = site.browser(**one)
    with browser.request() as session:
        session.login(ada)
        session["a"] = 1
    for number, options in enumerate((other, one, other)):
        visit = at(site, browser, **options)
        with visit.request() as session:
            assert (session.user_id, session["a"]) == (ada, 1)
            session["b"] = number
            session.rotate()
        browser.cookie = visit.cookie
    assert at(site, browser, **one).seen() == {"a": 1, "b": 2}


@OPTIONS
def test_b20_what_began_after_the_last_step_but_one_needs_no_exception(
    site: Site, ada: str, option: str
) -> None:
    browser = site.browser(**{option: STEPS[option][2]})
    with browser.request() as session:
        session.login(ada)
        session["a"] = 1
    assert at(site, browser, **{option: STEPS[option][3]}).seen() == {"a": 1}


def test_b20_a_site_that_begins_to_sign_signs_new_cookies(site: Site, ada: str) -> None:
    old = logged_in(site, ada, a=1)
    browser = at(site, old, secret=[SECRET, UNSIGNED])
    assert browser.seen() == {"a": 1}
    assert "." not in str(browser.cookie)
    with browser.request() as session:
        session.rotate()
    assert "." in str(browser.cookie)
    assert at(site, browser, secret=SECRET).seen() == {"a": 1}
    assert at(site, old, secret=SECRET).seen() == {}


def test_b20_a_wrong_mac_is_refused_where_none_is_accepted_too(site: Site, ada: str) -> None:
    browser = at(site, logged_in(site, ada, a=1), secret=[SECRET, UNSIGNED])
    browser.cookie = f"{browser.cookie}.{'A' * 43}"
    assert browser.seen() == {}


def test_b20_a_site_that_begins_to_encrypt_encrypts_what_is_written(site: Site, ada: str) -> None:
    browser = at(site, logged_in(site, ada, a=1, b=1), encryption=[KEY, UNENCRYPTED])
    with browser.request() as session:
        session["b"] = 2
    (row,) = site.rows(browser.session_id)
    assert {key: type(stored) for key, stored in app_data(row).items()} == {"a": str, "b": bytes}
    with browser.request() as session:
        session.rotate()
    (row,) = site.rows(browser.session_id)
    assert {type(stored) for stored in row.data.values()} == {bytes}
    assert at(site, browser, encryption=KEY).seen() == {"a": 1, "b": 2}


def test_b20_what_is_not_protected_is_refused_once_the_exception_is_gone(
    site: Site, ada: str
) -> None:
    browser = logged_in(site, ada, a=1)
    assert at(site, browser, encryption=[KEY, OTHER_KEY]).seen() == {}
    assert at(site, browser, secret=[SECRET, OTHER_SECRET]).seen() == {}


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"secret": UNSIGNED}, ValueError, "secret must have a secret beside UNSIGNED"),
        ({"secret": [UNSIGNED]}, ValueError, "secret must have a secret beside UNSIGNED"),
        ({"secret": [SECRET, None]}, TypeError, "secret must be a str or bytes, not NoneType"),
        ({"secret": [SECRET, UNENCRYPTED]}, TypeError, "secret must be a str or bytes"),
        ({"encryption": UNENCRYPTED}, ValueError, "encryption must have a key beside UNENCRYPTED"),
        ({"encryption": [KEY, None]}, TypeError, "encryption key must be bytes, not NoneType"),
        ({"encryption": [KEY, UNSIGNED]}, TypeError, "encryption key must be bytes"),
    ],
)
def test_b20_a_variable_that_is_not_set_switches_nothing_off(
    options: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        SessionConfig.of(MemorySessionStore(), options)
