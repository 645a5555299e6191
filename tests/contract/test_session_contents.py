"""What every session store promises of contents: encrypted, kept apart, and none too large."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from sessions import DynamoDBSessionStore, SessionTooLarge
from sessions.operations.operation import Save
from sessions.operations.row import Row, StoredValue
from sessions.store.dynamodb.item_keys import item_keys
from tests.rate_limit_table import client
from tests.session_table import items_of
from tests.sessions.browser import Browser, Site, begun
from tests.sessions.values import VALUES

if TYPE_CHECKING:
    from tests.contract.session_stores import Backend

pytest_plugins = ("tests.contract.session_stores",)

KEY, OTHER_KEY = secrets.token_bytes(32), secrets.token_bytes(32)


def sealed(site: Site, **values: Any) -> Browser:
    """A browser whose session is encrypted with KEY."""
    browser = site.browser(encryption=KEY)
    with browser.request() as session:
        session.update(values or {"a": "alpha", "b": "beta"})
    return browser


def row_of(site: Site, browser: Browser) -> Row:
    (row,) = site.rows(browser.session_id)
    return row


def write(site: Site, row: Row, **changed: StoredValue) -> None:
    """Change a row's data behind the back of the session."""
    save = Save(
        row.session_id,
        row.user_id,
        row.last_seen_at,
        row.last_seen_at,
        row.expires_at,
        changed,
        frozenset(),
    )
    assert site.send(save)


# Encryption


def test_encrypted_values_come_back_exactly(site: Site) -> None:
    browser = sealed(site, **VALUES)
    assert sorted(map(repr, browser.seen().items())) == sorted(map(repr, VALUES.items()))


def test_encrypted_values_are_nowhere_in_the_clear(site: Site) -> None:
    browser = sealed(site, secret="correct horse")
    with browser.request() as session:
        session["another"] = "battery staple"
    with browser.request() as session:
        session.login("ada")
    data = row_of(site, browser).data
    assert set(data) == {"secret", "another", "sessions.authenticated_at"}
    assert all(isinstance(stored, bytes) for stored in data.values())
    assert not any(word in repr(data) for word in ("horse", "staple"))


def test_the_table_itself_holds_no_token_and_no_clear_value(
    table_site: Site, table_backend: Backend
) -> None:
    browser = sealed(table_site, secret="correct horse")
    with browser.request() as session:
        session.login("ada")
    plain = begun(table_site, secret="correct horse")
    assert isinstance(table_site.store, DynamoDBSessionStore)
    items = items_of(table_site.store.table, table_backend.endpoint_url)
    shown = [repr(item) for item in items]
    assert any("horse" in item for item in shown if plain.session_id in item)
    of_browser = [item for item in shown if browser.session_id in item]
    assert of_browser
    assert not any("horse" in item for item in of_browser)
    assert not any(owner.token in repr(items) for owner in (browser, plain))


def test_the_same_value_is_encrypted_to_another_each_time(site: Site) -> None:
    one, other = sealed(site, a="alpha", b="alpha"), sealed(site, a="alpha")
    stored = [*row_of(site, one).data.values(), *row_of(site, other).data.values()]
    assert len(set(stored)) == 3


Damage = Callable[[dict[str, Any]], StoredValue]

DAMAGES: dict[str, Damage] = {
    "of another key": lambda data: data["b"],
    "of another row": lambda data: data["other"],
    "with a bit changed": lambda data: data["a"][:-1] + bytes([data["a"][-1] ^ 1]),
    "with its nonce changed": lambda data: (
        data["a"][:5] + bytes([data["a"][5] ^ 1]) + data["a"][6:]
    ),
    "of another format": lambda data: b"\x02" + data["a"][1:],
    "under an unknown key": lambda data: data["a"][:1] + b"nope" + data["a"][5:],
    "cut": lambda data: data["a"][:-1],
    "cut to its head": lambda data: data["a"][:20],
    "empty": lambda data: b"",
    "not encrypted": lambda data: '"alpha"',
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_value_makes_an_empty_session(site: Site, damage: str) -> None:
    browser = sealed(site)
    row = row_of(site, browser)
    other = row_of(site, sealed(site)).data["a"]
    write(site, row, a=DAMAGES[damage]({**row.data, "other": other}))
    assert browser.seen() == {}
    assert (site.events[-1].what, site.events[-1].why) == ("invalid", "unreadable")


@pytest.mark.parametrize("options", [{}, {"encryption": OTHER_KEY}])
def test_without_the_key_a_session_is_empty(site: Site, options: dict[str, Any]) -> None:
    browser = sealed(site)
    assert site.browser(browser, **options).seen() == {}
    assert site.events[-1].why == "unreadable"
    assert browser.seen() == {"a": "alpha", "b": "beta"}


def test_a_session_in_the_clear_is_empty_where_a_key_is_asked_for(site: Site) -> None:
    browser = begun(site)
    assert site.browser(browser, encryption=KEY).seen() == {}
    assert site.events[-1].why == "unreadable"


def test_an_unreadable_session_is_not_taken_over(site: Site) -> None:
    browser = sealed(site)
    wrong = site.browser(browser, encryption=OTHER_KEY)
    with wrong.request() as session:
        session["new"] = 1
    assert wrong.cookie != browser.cookie
    assert browser.seen() == {"a": "alpha", "b": "beta"}


def test_encryption_keys_are_rotated(site: Site) -> None:
    old = sealed(site)
    both = site.browser(old, encryption=[OTHER_KEY, KEY])
    with both.request() as session:
        assert session["a"] == "alpha"
        session["a"] = "omega"
    new_key_only = site.browser(both, encryption=OTHER_KEY)
    assert new_key_only.seen() == {}  # "b" is still under the old key
    with both.request() as session:
        session.rotate()  # everything is written again
    assert site.browser(both, encryption=OTHER_KEY).seen() == {"a": "omega", "b": "beta"}


def test_encrypted_values_follow_a_login_and_a_rotation(site: Site) -> None:
    browser = sealed(site)
    slow = browser.open()
    slow.session["c"] = "gamma"
    with browser.request() as session:
        session.rotate()
    slow.finish()
    with browser.request() as session:
        session.login("ada")
    assert browser.seen() == {"a": "alpha", "b": "beta", "c": "gamma"}


# CommitResult apart


def test_a_token_of_another_namespace_leads_nowhere(site: Site) -> None:
    shop, office = site.browser(namespace="shop"), site.browser(namespace="office")
    with shop.request() as session:
        session["a"] = 1
    office.cookie = shop.cookie
    assert office.seen() == {}
    with office.request() as session:
        session["a"] = 2
    assert office.cookie != shop.cookie
    assert (shop.seen(), office.seen()) == ({"a": 1}, {"a": 2})


def test_two_rows_of_one_id_are_refused(table_site: Site, table_backend: Backend) -> None:
    site = table_site
    assert isinstance(site.store, DynamoDBSessionStore)
    browser = begun(site)
    dynamodb = client(table_backend.endpoint_url)
    keys = item_keys(site.store.layout)
    (item,) = (
        item
        for item in items_of(site.store.table, table_backend.endpoint_url)
        if item[keys.partition_key]["S"] == keys.partition_of_row(browser.session_id)
    )
    of_mallory = keys.row(browser.session_id, "mallory")
    second = {**item, **of_mallory, "ownerId": {"S": "mallory"}}
    dynamodb.put_item(TableName=site.store.table, Item=second)
    assert len(site.rows(browser.session_id)) == 2
    assert browser.seen() == {}
    assert browser.user_id() is None
    assert site.events[-1].why == "ambiguous"
    dynamodb.close()


def test_a_second_row_of_one_id_is_not_written(table_site: Site) -> None:
    browser = begun(table_site)
    row = row_of(table_site, browser)
    later = begun(table_site)
    with later.request() as session:
        session.login("ada")
    # Whoever takes the range key from the request would write beside the row that is there.
    moved = replace(row, user_id="ada")
    save = Save(moved.session_id, moved.user_id, 0, 0, 1, {"a": "1"}, frozenset())
    assert not table_site.send(save)
    assert table_site.rows(browser.session_id) == [row]


# None too large


def test_what_nearly_fills_an_item_is_kept(site: Site) -> None:
    browser = begun(site)
    nearly = "x" * 395_000
    with browser.request() as session:
        session["large"] = nearly
    assert browser.seen() == {"seed": 0, "large": nearly}
    with browser.request() as session:
        session.login("ada")
    assert browser.seen() == {"seed": 0, "large": nearly}


@pytest.mark.parametrize("at_once", [True, False])
def test_what_is_too_large_is_refused_with_the_largest_keys(site: Site, at_once: bool) -> None:
    browser = site.browser() if at_once else begun(site)
    before = browser.cookie
    request = browser.open()
    request.session.update(small="x", large="x" * 210_000, larger="x" * 220_000)
    with pytest.raises(SessionTooLarge, match=r"'larger' 220,\d+ bytes, 'large' 210,\d+ bytes"):
        request.begin()
    assert browser.cookie == before
    assert browser.seen() == ({} if at_once else {"seed": 0})
