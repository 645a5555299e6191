"""What a request costs, as the engine itself counts it (ReturnConsumedCapacity)."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest

import ddbwire
from ddbwire import AnsweredCall
from sessions import DynamoDBSessionStore, Session
from sessions.store.dynamodb.item_keys import INDEX
from tests.fake_clock import FakeClock
from tests.session_table import aws_settings, items_of, session_table
from tests.sessions.browser import Browser, Site, begun, logged_in

Calls = list[AnsweredCall]

READ = AnsweredCall("Query", refused=False, capacity_units=1.0)
WRITE = AnsweredCall("UpdateItem", refused=False, capacity_units=1.0)
REFUSED = AnsweredCall("UpdateItem", refused=True, capacity_units=None)
BOGUS = 1_000
WRITES = {"PutItem", "UpdateItem", "TransactWriteItems"}


class Engine(NamedTuple):
    """A table, a site over it, and the calls it made."""

    table: str
    endpoint_url: str
    site: Site
    calls: Calls

    def item_of(self, browser: Browser) -> dict[str, Any]:
        items = items_of(self.table, self.endpoint_url)
        (item,) = (item for item in items if item["sessionId"]["S"] == browser.session_id)
        return item


@pytest.fixture(scope="module")
def engine(dynamodb_endpoint: str) -> Iterator[Engine]:
    calls: Calls = []
    clock = FakeClock()
    with aws_settings(), session_table(dynamodb_endpoint) as table:
        store = DynamoDBSessionStore(
            table, endpoint_url=dynamodb_endpoint, clock=clock, on_call=calls.append
        )
        yield Engine(table, dynamodb_endpoint, Site(store, clock), calls)
        store.close()


@pytest.fixture
def calls(engine: Engine) -> Calls:
    engine.calls.clear()
    return engine.calls


@pytest.fixture
def site(engine: Engine) -> Site:
    return engine.site


def names(calls: Calls) -> list[str]:
    """The operations since this was asked last."""
    made = [call.operation for call in calls]
    calls.clear()
    return made


def _look(session: Session) -> None:
    assert "nothing" not in session


def _leave_alone(session: Session) -> None:
    assert not session.accessed


def _set_and_remove(session: Session) -> None:
    session["a"] = 1
    del session["a"]


def _logout(session: Session) -> None:
    session.logout()


@pytest.mark.parametrize("use", [_look, _leave_alone, _set_and_remove, _logout])
def test_without_a_cookie_there_is_no_call(
    site: Site, calls: Calls, use: Callable[[Session], None]
) -> None:
    with site.browser().request() as session:
        use(session)
    assert calls == []


@pytest.mark.parametrize("value", ["", "abc/x", "a" * 42, "a" * 44, "é" * 43, "a" * 5_000])
def test_a_malformed_cookie_costs_no_call(site: Site, calls: Calls, value: str) -> None:
    browser = site.browser()
    browser.cookie = f"__Host-session={value}"
    assert browser.seen() == {}
    assert calls == []


def test_a_thousand_forged_cookies_cost_no_call(site: Site, calls: Calls) -> None:
    browser = site.browser(secret=secrets.token_hex())
    for _ in range(BOGUS):
        forged = f"{secrets.token_urlsafe(32)}.{secrets.token_urlsafe(32)}"
        browser.cookie = f"__Host-session={forged}"
        assert browser.seen() == {}
    assert calls == []


def test_a_thousand_bogus_cookies_cost_no_write(site: Site, calls: Calls, engine: Engine) -> None:
    before = items_of(engine.table, engine.endpoint_url)
    browser = site.browser()
    for _ in range(BOGUS):
        browser.cookie = f"__Host-session={secrets.token_urlsafe(32)}"
        assert browser.seen() == {}
    assert names(calls) == ["Query"] * BOGUS
    assert items_of(engine.table, engine.endpoint_url) == before


def test_an_untouched_session_is_one_read(site: Site, calls: Calls) -> None:
    for browser in (begun(site), logged_in(site, "ada")):
        calls.clear()
        for use in (_look, _leave_alone):
            with browser.request() as session:
                use(session)
        assert calls == [READ, READ]


def test_an_untouched_large_session_is_one_read_too(site: Site, calls: Calls) -> None:
    browser = begun(site, large="x" * 39_000)
    calls.clear()
    browser.seen()
    # A unit is 4 KB, read consistently.
    assert calls == [AnsweredCall("Query", refused=False, capacity_units=10.0)]


@pytest.mark.parametrize(
    "change",
    [
        lambda session: session.update(a=2),
        lambda session: session.pop("a"),
        lambda session: session.update(b=1, c=1, d=1),
        lambda session: session["list"].append(1),
        lambda session: session.flash("message"),
    ],
)
@pytest.mark.parametrize("user_id", [None, "ada"])
def test_a_change_is_one_read_and_one_write(
    site: Site, calls: Calls, user_id: str | None, change: Callable[[Session], object]
) -> None:
    values: dict[str, Any] = {"a": 1, "list": []}
    browser = begun(site, **values) if user_id is None else logged_in(site, user_id, **values)
    calls.clear()
    with browser.request() as session:
        change(session)
    assert calls == [READ, WRITE]


@pytest.mark.parametrize(("count", "reads"), [(1, 1), (148, 1), (149, 2), (900, 2)])
def test_a_change_of_any_number_of_keys_is_one_write(
    site: Site, calls: Calls, count: int, reads: int
) -> None:
    browser = begun(site)
    calls.clear()
    with browser.request() as session:
        session.update({f"key-{number}": 1 for number in range(count)})
    # More than an expression can name: what the row has is read again, to be written with them.
    assert names(calls) == ["Query"] * reads + ["UpdateItem"]


def test_the_first_value_is_one_write(site: Site, calls: Calls) -> None:
    begun(site)
    assert calls == [AnsweredCall("PutItem", refused=False, capacity_units=1.0)]


def test_a_login_is_one_read_and_one_transaction(site: Site, calls: Calls) -> None:
    browser = begun(site)
    calls.clear()
    with browser.request() as session:
        session.login("ada")
        session["a"] = 1
    assert names(calls) == ["Query", "TransactWriteItems"]
    with site.browser().request() as session:
        session.login("ada")
    assert names(calls) == ["PutItem"]


def test_what_each_kind_of_request_costs(site: Site, calls: Calls) -> None:
    """In units; of a transaction DynamoDB Local counts no more than that it is one."""
    browser = site.browser()

    def cost(do: Callable[[Session], object]) -> list[tuple[str, float | None]]:
        calls.clear()
        with browser.request() as session:
            do(session)
        return [(call.operation, call.capacity_units) for call in calls]

    read, transaction = ("Query", 1.0), ("TransactWriteItems", 12.0)
    assert cost(lambda session: session.update(a=1)) == [("PutItem", 1.0)]
    assert cost(_look) == [read]
    assert cost(lambda session: session.update(a=2)) == [read, ("UpdateItem", 1.0)]
    assert cost(lambda session: session.login("ada")) == [read, transaction]
    assert cost(lambda session: session.rotate()) == [read, transaction]
    # The item, and its entry in the index of users' sessions.
    assert cost(_logout) == [read, ("UpdateItem", 2.0)]
    assert cost(lambda session: session.login("ada")) == [("PutItem", 2.0)]


def test_a_rotation_is_one_read_and_one_transaction(site: Site, calls: Calls) -> None:
    browser = logged_in(site, "ada")
    before = site.browser(browser)
    calls.clear()
    with browser.request() as session:
        session.rotate()
    assert names(calls) == ["Query", "TransactWriteItems"]
    before.seen()  # in its grace
    assert names(calls) == ["Query", "Query"]


def test_a_logout_is_one_read_and_one_write(site: Site, calls: Calls) -> None:
    browser = logged_in(site, "ada")
    calls.clear()
    with browser.request() as session:
        session.logout()
    assert names(calls) == ["Query", "UpdateItem"]


def test_a_touch_is_one_write_and_only_when_it_is_due(site: Site, calls: Calls) -> None:
    browser = logged_in(site, "ada", seed=0)
    calls.clear()
    for _ in range(3):
        site.clock.advance(359)
        browser.seen()
        site.clock.advance(1)
        browser.seen()
        browser.seen()
    assert calls == [READ, READ, WRITE, READ] * 3


def test_a_touch_never_passes_the_absolute_deadline(
    site: Site, calls: Calls, engine: Engine
) -> None:
    browser = site.browser(idle=600, lifetime=900)
    with browser.request() as session:
        session["a"] = 1
    for _ in range(2):
        site.clock.advance(400)
        browser.seen()
    assert names(calls).count("UpdateItem") == 2
    item = engine.item_of(browser)
    assert int(item["expiresAt"]["N"]) == int(item["createdAt"]["N"]) + 900
    site.clock.advance(100)
    assert browser.seen() == {}


def test_a_slow_request_after_a_logout_costs_a_refused_write_and_a_look(
    site: Site, calls: Calls
) -> None:
    browser = logged_in(site, "ada")
    slow = browser.open()
    slow.session["late"] = 1
    with site.browser(browser).request() as session:
        session.logout()
    calls.clear()
    slow.finish()
    assert calls[0] == REFUSED
    assert names(calls) == ["UpdateItem", "Query"]


def test_no_request_but_reads_and_writes_of_rows_is_ever_sent(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[ddbwire.DynamoDBRequest] = []
    call = ddbwire.Wire.call

    def noting(wire: ddbwire.Wire, operation: ddbwire.DynamoDBRequest, deadline_ns: int) -> Any:
        sent.append(operation)
        return call(wire, operation, deadline_ns)

    monkeypatch.setattr(ddbwire.Wire, "call", noting)
    for strict in (False, True):
        store = DynamoDBSessionStore(
            engine.table, endpoint_url=engine.endpoint_url, strict_revocation=strict
        )
        site = Site(store, FakeClock())
        browser = begun(site)
        changes: list[Callable[[Session], object]] = [
            lambda session: session.update(a=1),
            lambda session: session.login("grace"),
            lambda session: session.rotate(),
        ]
        for do in changes:
            with browser.request() as session:
                do(session)
        assert site.ids_of("grace") == {browser.session_id}
        with browser.request() as session:
            session.logout()
        store.revoke_user("grace")
        store.close()
    batches = {"BatchGetItem", "BatchWriteItem"}
    assert {operation.name for operation in sent} == {"Query", *batches, *WRITES}
    for operation in sent:
        body = json.loads(operation.body)
        if operation.name in ("Query", "GetItem"):
            assert (body.get("ConsistentRead") is True) == (body.get("IndexName") != INDEX)
