"""Faults of other stores that were published or complained of, each tried on this one.

Their classes: a logout undone by a slow request (CVE-2025-32441, CVE-2025-46336), updates lost
between requests, an id of the attacker's choice adopted, rows served after they expired, reads that
lag behind a login, the cookie set again each time, caches that mix users, ghost rows by touch,
cookies that break the parser, payloads that run, items too large, calls that create tables.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import Any

import pytest

from sessions import DynamoDBSessionStore, Session
from sessions.operations.operation import (
    BatchDelete,
    BatchGet,
    ByOwner,
    Create,
    Delete,
    Find,
    Get,
    Operation,
    Registered,
    Replace,
    Save,
    Unregister,
)
from sessions.operations.row import Row
from sessions.store.dynamodb.item_keys import INDEX, OwnTableKeys
from sessions.store.dynamodb.request import TableRequests
from sessions.store.dynamodb.side_by_side import SideBySide
from sessions.store.dynamodb.translation import requests
from tests.fake_clock import FakeClock
from tests.sessions.browser import Site, begun, logged_in
from tests.sessions.recording import recorded_site

ROW = Row("s" * 43, "ada", 1, 2, 3, 4, data={"a": "1"})
OTHER_ROW = Row("t" * 43, "ada", 1, 2, 3, 4, data={"a": "1"})

OPERATIONS: list[Operation] = [
    Find("s" * 43),
    Get("s" * 43, "ada"),
    Create(ROW),
    Save("s" * 43, "ada", 2, 2, 3, {"b": "2"}, frozenset("a")),
    Save("s" * 43, "ada", 2, 2, 3, {}, frozenset(), None),
    Save("s" * 43, "ada", 2, 2, 3, {"b": "2"}, frozenset(), 1),
    Replace(ROW, OTHER_ROW, 2, 22, is_rotation=False),
    Replace(ROW, OTHER_ROW, 2, 22, is_rotation=True),
    Delete("s" * 43, "ada"),
    BatchGet([("s" * 43, "ada"), ("t" * 43, "ada")]),
    BatchDelete([("s" * 43, "ada"), ("t" * 43, "ada")]),
    ByOwner("ada"),
    Registered("ada"),
    Unregister("ada", frozenset({"s" * 43})),
]


def sent(operation: Operation, *, registers: bool) -> list[tuple[str, dict[str, Any]]]:
    """The requests that an operation takes, as they go over the wire."""
    flow = requests(
        TableRequests("t", OwnTableKeys(), registers=registers, report_capacity=False), operation
    )
    made = []
    try:
        request = next(flow)
        while True:
            if isinstance(request, SideBySide):
                made += [(one.name, json.loads(one.body)) for one in request.requests]
                request = flow.send([])
            else:
                made.append((request.name, json.loads(request.body)))
                request = flow.send({"Items": []})
    except StopIteration:
        return made


def all_sent() -> list[tuple[str, dict[str, Any]]]:
    return [
        request
        for registers in (False, True)
        for operation in OPERATIONS
        for request in sent(operation, registers=registers)
    ]


# CVE-2025-46336, CVE-2025-32441: a slow request restores a session that was deleted meanwhile.


@pytest.mark.parametrize("options", [{}, {"strict": True}, {"encryption": b"k" * 32}])
def test_cve_2025_46336_a_request_under_way_does_not_restore_a_deleted_session(
    site: Site, options: dict[str, Any]
) -> None:
    browser = site.browser(**options)
    with browser.request() as session:
        session.login("ada")
        session["a"] = 1
    long, logout = browser.open(), site.browser(browser, **options).open()
    long.session["a"] = 2
    logout.session.logout()
    logout.finish()
    long.finish()
    assert len(site.store) == 0  # type: ignore[arg-type]
    assert site.browser(browser, **options).seen() == {}


def test_cve_2025_32441_a_cookie_of_a_deleted_session_does_not_restore_it(site: Site) -> None:
    browser = logged_in(site, "ada", a=1)
    thief = site.browser(browser)
    with browser.request() as session:
        session.logout()
    with thief.request() as session:
        session["a"] = 1
    assert thief.user_id() is None
    assert thief.session_id not in site.ids_of("ada")


def test_no_write_but_of_a_new_row_goes_without_a_condition_that_the_row_is_there() -> None:
    for name, body in all_sent():
        parts = [body] if name != "TransactWriteItems" else body["TransactItems"]
        for part in parts:
            kind, write = next(iter(part.items())) if "TransactItems" in body else (name, part)
            if kind in ("UpdateItem", "Update", "Delete"):
                names = write["ExpressionAttributeNames"]
                assert "attribute_exists(#s)" in write["ConditionExpression"]
                assert names["#s"] == "sessionId"
                if "#w = :ended" in write["UpdateExpression"]:
                    continue  # a deletion, of one that is over too
                assert "#e > :now" in write["ConditionExpression"]
                assert names["#e"] == "expiresAt"
            elif kind in ("PutItem", "Put") and "data" in write["Item"]:
                assert write["ConditionExpression"] == "attribute_not_exists(#s)"


# Lost updates: redistore#2, django#13395.


def test_updates_of_other_requests_are_not_lost(site: Site) -> None:
    browser = begun(site)
    overlapping = [browser.open() for _ in range(10)]
    for number, request in enumerate(overlapping):
        request.session[f"key {number}"] = number
    for request in reversed(overlapping):
        request.finish()
    assert browser.seen() == {"seed": 0, **{f"key {number}": number for number in range(10)}}


@pytest.mark.parametrize("options", [{}, {"encryption": b"k" * 32}])
def test_a_login_after_a_rotation_keeps_what_the_rotation_carried_over(
    site: Site, options: dict[str, Any]
) -> None:
    browser = site.browser(**options)
    with browser.request() as session:
        session["seed"] = 0
    request = browser.open()
    with browser.request() as session:
        session["theirs"] = 1
        token = session.csrf_token()
    request.session.rotate()
    request.session.save()
    request.session.login("ada")
    request.finish()
    assert browser.seen() == {"seed": 0, "theirs": 1}
    assert not browser.open().session.is_csrf_token(token)


def test_a_save_sends_only_the_keys_that_changed() -> None:
    site, store = recorded_site()
    browser = begun(site, a=1, b=1, c=1)
    with browser.request() as session:
        assert session["a"] == 1
        session["b"] = 2
        del session["c"]
    save = store.operations[-1]
    assert isinstance(save, Save)
    assert save.changed == {"b": "2"}
    assert save.removed == {"c"}


# flask-dynamodb-sessions and others: an id of the attacker's choice is adopted.


def test_an_id_of_the_attackers_choice_is_not_adopted(site: Site) -> None:
    browser = site.browser()
    chosen = "attackers-choice".ljust(43, "-")
    browser.cookie = f"__Host-session={chosen}"
    with browser.request() as session:
        session["a"] = 1
    assert browser.token != chosen


# flask-session#240: rows that TTL has not deleted are served.


def test_a_row_that_ttl_has_not_deleted_is_not_served(site: Site) -> None:
    browser = logged_in(site, "ada", a=1)
    site.clock.advance(2 * 86_400)
    assert len(site.store) == 1  # type: ignore[arg-type]
    assert browser.seen() == {}
    assert site.ids_of("ada") == set()


# authentication-api#5565: eventually consistent reads right after a login.


def test_every_read_is_consistent_but_that_of_the_index() -> None:
    reads = [(name, body) for name, body in all_sent() if name in ("Query", "GetItem")]
    assert len(reads) >= 8
    for _, body in reads:
        if body.get("IndexName") == INDEX:
            assert "ConsistentRead" not in body  # an index has no such reads
        else:
            assert body["ConsistentRead"] is True


# express-session#891 and others: a write, and the cookie, on every request.


def test_an_untouched_session_costs_no_write_and_no_cookie() -> None:
    site, store = recorded_site()
    browser = begun(site, a=[1])
    store.asked()
    for _ in range(50):
        request = browser.open()
        assert request.session["a"] == [1]
        assert request.finish() == [("vary", "Cookie")]
        site.clock.advance(1)
    assert store.asked() == ["Find"] * 50


@pytest.mark.parametrize(
    "change",
    [
        lambda session: session.update(a=2),
        lambda session: session.pop("a"),
        lambda session: session.flash("message"),
        lambda session: session["a"].append(2),
    ],
)
def test_the_cookie_is_set_only_when_it_changes(
    site: Site, change: Callable[[Session], object]
) -> None:
    browser = begun(site, a=[1])
    request = browser.open()
    change(request.session)
    assert request.finish() == [("vary", "Cookie")]


def test_a_touch_sets_no_cookie(site: Site) -> None:
    browser = site.browser(persistent=True)
    with browser.request() as session:
        session["a"] = 1
    site.clock.advance(600)
    request = browser.open()
    assert request.session["a"] == 1
    assert request.finish() == [("vary", "Cookie")]


# connect-dynamodb: an unconditional touch leaves a row without a session.


def test_a_touch_of_a_deleted_row_leaves_none(site: Site) -> None:
    browser = logged_in(site, "ada", a=1)
    site.clock.advance(600)
    slow = browser.open()
    site.store.revoke_user("ada")
    slow.finish()
    assert len(site.store) == 0  # type: ignore[arg-type]


# pyramid-dynamodb: the cookie "abc/x" makes a 500.


@pytest.mark.parametrize(
    "cookies",
    [
        "__Host-session=abc/x",
        "__Host-session=",
        "__Host-session",
        "=;=;==",
        "__Host-session=\xff\xfe",
        "__Host-session=%00%ff",
        "__Host-session=" + "a" * 100_000,
        "__Host-session=" + "é" * 43,
        ";" * 10_000,
    ],
)
@pytest.mark.parametrize("options", [{}, {"secret": "s" * 32}])
def test_no_cookie_breaks_a_request(
    cookies: str, options: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    site, store = recorded_site()
    browser = site.browser(**options)
    browser.cookie = cookies
    with caplog.at_level(logging.DEBUG):
        assert browser.seen() == {}
    assert store.asked() == []
    assert caplog.records == []


# Calls that create or describe a table at start.


def test_a_store_calls_nothing_until_it_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_args: Any, **_options: Any) -> None:
        raise AssertionError("it was called")

    for name in (
        "call",
        "call_async",
        "resolve",
        "resolve_async",
        "sync_clock",
        "sync_clock_async",
    ):
        monkeypatch.setattr(f"ddbwire.Wire.{name}", fail)
    store = DynamoDBSessionStore("sessions", strict_revocation=True)
    site = Site(store, FakeClock())
    browser = site.browser(secret="s" * 32)
    assert browser.seen() == {}
    browser.cookie = "__Host-session=forged"
    assert browser.seen() == {}
    with browser.request() as session:
        session.logout()
    store.close()


def test_no_request_is_one_of_the_control_plane() -> None:
    assert {name for name, _ in all_sent()} == {
        "BatchGetItem",
        "BatchWriteItem",
        "GetItem",
        "PutItem",
        "Query",
        "TransactWriteItems",
        "UpdateItem",
    }
