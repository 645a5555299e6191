"""Requirements 9 to 11: a user's own sessions, payloads that are not ours, replays.

Sources: OWASP Session Management Cheat Sheet; NIST SP 800-63B, 7.1 and 7.2.
"""

from __future__ import annotations

import ast
import pickle
from pathlib import Path
from typing import Any

import pytest

import sessions
from sessions.lifecycle import user_sessions
from sessions.operations.operation import ByOwner, Create, Save
from sessions.operations.row import Row, StoredValue, anonymous
from tests.sessions.browser import Browser, Site, alive, logged_in, rotated
from tests.sessions.interleaving import to_the_end

# 9. A user can list and end their sessions; the contract suite has more.


def test_r9_a_user_can_list_and_end_their_sessions(site: Site) -> None:
    phone, laptop = logged_in(site, "ada", seed=0), logged_in(site, "ada", seed=0)
    assert site.ids_of("ada") == {phone.session_id, laptop.session_id}
    with laptop.request() as session:
        (other,) = (info for info in site.store.sessions_of("ada") if info.id != session.id)
        assert site.store.revoke("ada", other.id)
    assert alive(site, phone, laptop) == [False, True]
    assert site.store.revoke_user("ada") == 1
    assert alive(site, phone, laptop) == [False, False]


def test_r9_a_list_by_a_stale_index_shows_nothing_that_has_ended(site: Site) -> None:
    over = logged_in(site, "ada")
    site.clock.advance(43_200)
    ended, live = logged_in(site, "ada"), logged_in(site, "ada")
    stale = [over.session_id, ended.session_id, live.session_id]
    site.store.revoke("ada", ended.session_id)
    assert site.rows(over.session_id), "TTL has not deleted it yet"

    def send(operation: Any) -> Any:
        return stale if isinstance(operation, ByOwner) else site.send(operation)

    listed = to_the_end(user_sessions.sessions_of("ada", False), send)
    assert [info.id for info in listed] == [live.session_id]
    assert to_the_end(user_sessions.revoke_user("ada", False, None), send) == 1


def test_r9_a_list_by_a_stale_index_shows_nothing_of_somebody_else(site: Site) -> None:
    his = logged_in(site, "bob", seed=0)

    def send(operation: Any) -> Any:
        return [his.session_id] if isinstance(operation, ByOwner) else site.send(operation)

    assert to_the_end(user_sessions.sessions_of("ada", False), send) == []
    assert to_the_end(user_sessions.revoke_user("ada", False, None), send) == 0
    assert alive(site, his) == [True]


def test_r9_a_rotated_session_is_listed_once(site: Site) -> None:
    browser = logged_in(site, "ada", seed=0)
    rotated(site, browser)
    rotated(site, browser)
    assert [info.id for info in site.store.sessions_of("ada")] == [browser.session_id]


# 10. What fails authentication, or is of another namespace, is empty; pickle is never read.


def planted(site: Site, data: dict[str, StoredValue], **options: Any) -> Browser:
    """A browser whose row somebody who can write to the table has made."""
    browser = site.browser(**options)
    token = browser.config.tokens.new()
    browser.cookie = f"__Host-session={token}"
    session_id = browser.session_id
    now = site.clock() // 10**9
    times = now, now, now + 3_600, now + 43_200
    assert site.send(Create(Row(session_id, anonymous(session_id), *times, data=data)))
    return browser


EVIL = pickle.dumps({"admin": True})


@pytest.mark.parametrize("options", [{}, {"encryption": b"k" * 32}])
@pytest.mark.parametrize("data", [{"a": EVIL}, {"a": b"\x01" + EVIL}, {"a": b"1"}, {"a": b""}])
def test_r10_a_payload_that_is_not_ours_makes_an_empty_session(
    site: Site,
    data: dict[str, StoredValue],
    options: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("load", "loads", "Unpickler"):
        monkeypatch.setattr(pickle, name, None)
    browser = planted(site, data, **options)
    assert browser.seen() == {}
    assert [(event.what, event.why) for event in site.events] == [("invalid", "unreadable")]


def test_r10_a_payload_in_the_clear_is_not_read_where_it_is_to_be_encrypted(site: Site) -> None:
    browser = planted(site, {"is_admin": "true"}, encryption=b"k" * 32)
    assert browser.seen() == {}
    assert [(event.what, event.why) for event in site.events] == [("invalid", "unreadable")]


def test_r10_a_payload_of_another_row_makes_an_empty_session(site: Site) -> None:
    options: dict[str, Any] = {"encryption": b"k" * 32}
    victim, attacker = site.browser(**options), site.browser(**options)
    for browser, name in ((victim, "victim"), (attacker, "attacker")):
        with browser.request() as session:
            session["name"] = name
    (theirs,), (own,) = site.rows(victim.session_id), site.rows(attacker.session_id)
    now = own.last_seen_at
    moved = Save(own.session_id, own.user_id, now, now, own.expires_at, theirs.data, frozenset())
    assert site.send(moved)
    assert attacker.seen() == {}
    assert [event.why for event in site.events if event.what == "invalid"] == ["unreadable"]
    assert victim.seen() == {"name": "victim"}


@pytest.mark.parametrize("secret", [None, "s" * 32])
def test_r10_a_token_of_another_namespace_makes_an_empty_session(
    site: Site, secret: str | None
) -> None:
    shop = site.browser(namespace="shop", secret=secret)
    with shop.request() as session:
        session["a"] = 1
    office = site.browser(shop, namespace="office", secret=secret)
    assert office.seen() == {}
    assert site.events[-1].why == ("unknown" if secret is None else "malformed")


def test_r10_no_module_here_can_run_what_it_reads() -> None:
    dangerous = {"pickle", "marshal", "shelve", "dill", "jsonpickle", "yaml"}
    called = {"eval", "exec", "compile", "__import__"}
    sources = list(Path(sessions.__file__).parent.rglob("*.py"))
    assert len(sources) > 20
    for source in sources:
        for node in ast.walk(ast.parse(source.read_text())):
            if isinstance(node, ast.Import):
                names = {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                names = {(node.module or "").partition(".")[0]}
            else:
                names = {node.id} & called if isinstance(node, ast.Name) else set()
            assert not names & (dangerous | called), f"{source}: {names}"


# 11. Replay of an old cookie after logout or expiry fails.


@pytest.mark.parametrize("options", [{}, {"secret": "s" * 32}, {"encryption": b"k" * 32}])
@pytest.mark.parametrize("end", ["logout", "login", "revoke", "idle", "lifetime"])
def test_r11_a_replay_of_an_old_cookie_fails(site: Site, end: str, options: dict[str, Any]) -> None:
    browser = site.browser(idle=600, lifetime=900, **options)
    with browser.request() as session:
        session.login("ada")
        session["seed"] = 0
    kept = site.browser(browser, idle=600, lifetime=900, **options)
    if end == "revoke":
        site.store.revoke("ada", browser.session_id)
    elif end in ("logout", "login"):
        with browser.request() as session:
            session.logout() if end == "logout" else session.login("ada")
    else:
        site.clock.advance(500)
        browser.seen()
        site.clock.advance(400 if end == "lifetime" else 600)
    cookie = kept.cookie
    for _ in range(3):
        assert kept.seen() == {}
        assert kept.user_id() is None
        with kept.request() as session:
            session["seed"] = 1
        kept.cookie = cookie
