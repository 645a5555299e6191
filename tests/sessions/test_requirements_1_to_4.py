"""The first four of the eleven requirements: tokens, adoption, renewal, timeouts.

Sources: OWASP Session Management Cheat Sheet; NIST SP 800-63B, 7.1; RFC 6265bis.
"""

from __future__ import annotations

import math
import secrets
from base64 import urlsafe_b64decode
from collections.abc import Callable
from typing import Any

import pytest

from sessions import Session
from sessions.operations.operation import Delete, Replace
from tests.sessions.browser import Site, alive, begun, logged_in
from tests.sessions.recording import recorded_site
from tests.sessions.test_tokens import MALFORMED

# 1. At least 128 random bits; the token means nothing; ids are taken from the cookie alone.


def test_r1_a_token_is_made_of_the_systems_random_bytes_alone(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = [secrets.token_bytes(32) for _ in range(2)]
    random_bytes = iter(made)
    monkeypatch.setattr(secrets, "token_bytes", lambda _count=None: next(random_bytes))
    browser = site.browser(event_salt=b"salt")
    with browser.request() as session:
        session["a"] = "ada"
    assert urlsafe_b64decode(browser.token + "=") == made[0]
    assert len(made[0]) * 8 >= 128
    with browser.request() as session:
        session.login("ada")
    assert urlsafe_b64decode(browser.token + "=") == made[1]


def test_r1_tokens_use_all_their_bits() -> None:
    site, _ = recorded_site()
    raw = [urlsafe_b64decode(begun(site).token + "=") for _ in range(256)]
    ones = [sum(one[bit // 8] >> bit % 8 & 1 for one in raw) for bit in range(256)]
    # Of 256 fair bits, fewer than 60 or more than 196 are ones once in 10**17 times.
    assert all(60 <= count <= 196 for count in ones)
    assert len(set(raw)) == 256


def test_r1_a_token_means_nothing(site: Site) -> None:
    users = [logged_in(site, "ada", seed=0) for _ in range(2)]
    first, second = (urlsafe_b64decode(browser.token + "=") for browser in users)
    assert b"ada" not in first
    # No common head: no time, no counter, no host.
    assert sum(one == other for one, other in zip(first, second, strict=True)) < 8


def test_r1_an_id_is_taken_from_the_named_cookie_alone(site: Site) -> None:
    browser = begun(site)
    other = site.browser()
    for cookie in (
        f"session={browser.token}",
        f"__Secure-session={browser.token}",
        f"__host-session={browser.token}",
        f"sessionId={browser.token}",
        browser.token,
    ):
        other.cookie = cookie
        assert other.seen() == {}


# 2. Unknown or malformed ids are never adopted, and malformed ones are refused before any call.


@pytest.mark.parametrize("value", [value for value in MALFORMED if value == value.strip(' "')])
def test_r2_malformed_ids_cost_no_call_and_are_not_adopted(value: str) -> None:
    site, store = recorded_site()
    browser = site.browser()
    browser.cookie = f"__Host-session={value}"
    with browser.request() as session:
        assert dict(session) == {}
    assert store.asked() == []
    with browser.request() as session:
        session["a"] = 1
    assert value not in browser.token or value == ""
    assert store.asked() == ["Create"]


@pytest.mark.parametrize(
    "begin", [lambda session: session.update(a=1), lambda session: session.login("ada")]
)
def test_r2_an_id_that_an_attacker_chose_is_never_adopted(
    site: Site, begin: Callable[[Session], object]
) -> None:
    chosen = secrets.token_urlsafe(32)
    victim, attacker = site.browser(), site.browser()
    victim.cookie = attacker.cookie = f"__Host-session={chosen}"
    with victim.request() as session:
        begin(session)
    assert victim.token != chosen
    assert attacker.seen() == {}
    assert attacker.user_id() is None
    assert site.rows(attacker.session_id) == []


def test_r2_an_id_that_was_good_once_is_never_adopted(site: Site) -> None:
    browser = logged_in(site, "ada", seed=0)
    dead = site.browser(browser)
    with browser.request() as session:
        session.logout()
    before = dead.token
    with dead.request() as session:
        session["a"] = 1
    assert dead.token != before


def test_r2_a_thousand_bogus_cookies_cost_no_write() -> None:
    site, store = recorded_site()
    browser = site.browser()
    for _ in range(1_000):
        browser.cookie = f"__Host-session={secrets.token_urlsafe(32)}"
        assert browser.seen() == {}
    assert store.asked() == ["Find"] * 1_000


def test_r2_a_thousand_forged_cookies_cost_no_call() -> None:
    site, store = recorded_site()
    browser = site.browser(secret=secrets.token_hex())
    for _ in range(1_000):
        forged = f"{secrets.token_urlsafe(32)}.{secrets.token_urlsafe(32)}"
        browser.cookie = f"__Host-session={forged}"
        assert browser.seen() == {}
    assert store.asked() == []
    assert {event.why for event in site.events} == {"malformed"}


# 3. Login, logout and privilege change alter the id; the old id fails at once.


def _login(session: Session) -> None:
    session.login("ada")


def _login_again(session: Session) -> None:
    session.login("ada")
    session.login("ada", device="phone")


def _login_as_another(session: Session) -> None:
    session.login("bob")


def _logout(session: Session) -> None:
    session.logout()


@pytest.mark.parametrize("user_id", [None, "ada"])
@pytest.mark.parametrize("turn", [_login, _login_again, _login_as_another, _logout])
def test_r3_a_change_of_who_it_is_alters_the_id_and_the_old_one_fails_at_once(
    site: Site, user_id: str | None, turn: Callable[[Session], None]
) -> None:
    browser = begun(site) if user_id is None else logged_in(site, user_id, seed=0)
    before = site.browser(browser)
    with browser.request() as session:
        turn(session)
    assert browser.cookie != before.cookie
    assert alive(site, before) == [False]
    # What may be left of it says that it was replaced, and holds nothing.
    rows = site.rows(before.session_id)
    assert [row for row in rows if row.replaced_by is None or row.data] == []


def test_r3_a_session_that_an_attacker_planted_is_worth_nothing_after_the_login(
    site: Site,
) -> None:
    attacker = begun(site)
    victim = site.browser(attacker)
    with victim.request() as session:
        session.login("victim")
    assert victim.user_id() == "victim"
    assert attacker.user_id() is None
    assert attacker.seen() == {}


def test_r3_the_new_id_and_the_end_of_the_old_are_one_step() -> None:
    site, store = recorded_site()
    browser = begun(site)
    store.asked()
    with browser.request() as session:
        session.login("ada")
    turn = store.operations[-1]
    assert isinstance(turn, Replace)
    assert turn.is_rotation is False
    assert store.asked() == ["Find", "Replace"]
    with browser.request() as session:
        session.logout()
    assert isinstance(store.operations[-1], Delete)
    assert store.asked() == ["Find", "Delete"]


# 4. Idle and absolute timeouts are enforced on the server; activity never passes the latter.


@pytest.mark.parametrize("options", [{}, {"persistent": True}, {"secret": "s" * 32}])
def test_r4_a_kept_cookie_is_worth_nothing_after_the_idle_timeout(
    site: Site, options: dict[str, Any]
) -> None:
    browser = site.browser(idle=600, lifetime=6_000, **options)
    with browser.request() as session:
        session["a"] = 1
    site.clock.advance(599)
    assert "a" in browser.open().session
    site.clock.advance(1)
    assert browser.seen() == {}


@pytest.mark.parametrize("every", [60, 599])
def test_r4_activity_never_passes_the_absolute_deadline(site: Site, every: int) -> None:
    browser = site.browser(idle=600, lifetime=6_000)
    with browser.request() as session:
        session["a"] = 1
    for number in range(math.ceil(6_000 / every) - 1):
        site.clock.advance(every)
        with browser.request() as session:
            assert "a" in session
            session["a"] = number
    site.clock.advance(6_000 - every * (math.ceil(6_000 / every) - 1))
    assert browser.seen() == {}
