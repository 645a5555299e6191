"""What at most so many sessions a user costs, as the engine itself counts it."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest

from ddbwire import AnsweredCall
from sessions import DynamoDBSessionStore
from tests.fake_clock import FakeClock
from tests.session_table import aws_settings, items_of, session_table
from tests.sessions.browser import Browser, Site

MOST = 2
LOGIN = ("TransactWriteItems", False)
REFUSED = ("TransactWriteItems", True)


@pytest.fixture
def calls() -> list[AnsweredCall]:
    return []


@pytest.fixture
def table(dynamodb_endpoint: str) -> Iterator[str]:
    with aws_settings(), session_table(dynamodb_endpoint) as name:
        yield name


@pytest.fixture
def site(table: str, dynamodb_endpoint: str, calls: list[AnsweredCall]) -> Iterator[Site]:
    clock = FakeClock()
    store = DynamoDBSessionStore(
        table, endpoint_url=dynamodb_endpoint, clock=clock, on_call=calls.append
    )
    with store:
        yield Site(store, clock)


@pytest.fixture
def ada() -> str:
    return f"ada-{uuid.uuid4().hex}"


def made(calls: list[AnsweredCall]) -> list[tuple[str, bool]]:
    """The operations since this was asked last, and whether each was refused."""
    asked = [(call.operation, call.refused) for call in calls]
    calls.clear()
    return asked


def login(site: Site, user: str) -> Browser:
    browser = site.browser(max_sessions_per_user=MOST)
    with browser.request() as session:
        session.login(user)
    site.clock.advance(1)
    return browser


def test_what_logins_cost(site: Site, calls: list[AnsweredCall], ada: str) -> None:
    login(site, ada)
    assert made(calls) == [REFUSED, ("GetItem", False), ("Query", False), LOGIN]  # the first one
    second = login(site, ada)
    assert made(calls) == [LOGIN]
    third = login(site, ada)
    at_the_most = [REFUSED, ("GetItem", False), ("BatchGetItem", False), LOGIN]
    assert made(calls) == at_the_most
    for browser in (second, third):
        with browser.request() as session:
            session.logout()
    assert made(calls) == [("Query", False), ("UpdateItem", False)] * 2
    login(site, ada)
    assert made(calls) == at_the_most  # it finds both
    login(site, ada)
    assert made(calls) == [LOGIN]


def test_what_is_no_login_costs_nothing_more(
    site: Site, calls: list[AnsweredCall], ada: str
) -> None:
    browser = login(site, ada)
    made(calls)
    browser.seen()
    assert made(calls) == [("Query", False)]
    with browser.request() as session:
        session["a"] = 1
    assert made(calls) == [("Query", False), ("UpdateItem", False)]
    with browser.request() as session:
        session.rotate()
    assert made(calls) == [("Query", False), LOGIN]
    with browser.request() as session:
        session.login(ada)
    assert made(calls) == [("Query", False), LOGIN]


def test_the_item_that_counts_goes_when_no_session_can_be_left(
    site: Site, table: str, dynamodb_endpoint: str, ada: str
) -> None:
    browsers = [login(site, ada) for _ in range(3)]
    ids = {browser.session_id for browser in browsers[1:]}
    items = items_of(table, dynamodb_endpoint)
    (item,) = (item for item in items if item["userId"]["S"] == "counted")
    assert set(item) - ids == {"sessionId", "userId", "counted", "version", "expiresAt"}
    assert ids < set(item)
    assert item["counted"] == {"N": "2"}
    last_login = site.clock() // 10**9 - 1
    assert item["expiresAt"] == {"N": str(last_login + 400 * 86_400)}
    assert ada not in str(item)
