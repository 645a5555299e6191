"""The planned tables are those that the library and an application need: they are made and used."""

from __future__ import annotations

import asyncio
import runpy
import time
from collections.abc import Iterator

import boto3
import pytest
from moto import mock_aws

from ratelimit_ddb import AsyncRateLimiter, DynamoDBStore, RateLimiter
from sessions import DynamoDBSessionStore
from tests.fake_clock import FakeClock
from tests.infra.conftest import TablesOfExample
from tests.infra.created import Created, created
from tests.infra.places import REPOSITORY
from tests.infra.planned import PlannedTable
from tests.rate_limit_table import client
from tests.session_table import items_of
from tests.sessions.browser import Site, logged_in, rotated

pytestmark = pytest.mark.infra

DEADLINE_SECONDS = 10.0
"""A loaded test machine may stop for longer than is the default."""


@pytest.fixture(params=["moto", "dynamodb"])
def endpoint_url(request: pytest.FixtureRequest) -> Iterator[str | None]:
    if request.param == "moto":
        with mock_aws():
            yield None
    else:
        yield request.getfixturevalue("dynamodb_endpoint")


@pytest.fixture
def tables(planned: tuple[PlannedTable, ...], endpoint_url: str | None) -> Iterator[Created]:
    """All six, empty."""
    with created(planned, endpoint_url) as there:
        yield there


def test_that_what_is_there_is_what_was_planned(tables: Created) -> None:
    dynamodb = client(tables.endpoint_url)
    assert sorted(tables.tables) == [
        "conversations",
        "media_metadata",
        "notifications",
        "rate_limiting",
        "single",
        "user_sessions",
    ]
    for table in tables.tables.values():
        there = dynamodb.describe_table(TableName=table.name)["Table"]
        assert there["KeySchema"] == table.create_parameters["KeySchema"]
        ttl = dynamodb.describe_time_to_live(TableName=table.name)["TimeToLiveDescription"]
        assert ttl.get("AttributeName") == table.ttl_attribute
    dynamodb.close()


def test_that_a_limiter_runs_on_the_table_of_rate_limits(tables: Created) -> None:
    store = DynamoDBStore(tables.name("rate_limiting"), endpoint_url=tables.endpoint_url)
    limiter = RateLimiter(
        store, ["3/hour", "100/day"], on_outage="raise", deadline=DEADLINE_SECONDS
    )

    decisions = [limiter.acquire("ada") for _ in range(4)]
    assert [decision.allowed for decision in decisions] == [True, True, True, False]
    limiter.refund(decisions[2])
    assert limiter.peek("ada").remaining == 1
    limiter.reset("ada")
    assert limiter.acquire("ada", cost=3).allowed
    store.close()
    _assert_that_it_expires(tables, "rate_limiting")


def test_that_an_asyncio_limiter_does_too(tables: Created) -> None:
    async def acquire() -> list[bool]:
        store = DynamoDBStore(tables.name("rate_limiting"), endpoint_url=tables.endpoint_url)
        limiter = AsyncRateLimiter(store, "2/hour", on_outage="raise", deadline=DEADLINE_SECONDS)
        decisions = [await limiter.acquire("ada") for _ in range(3)]
        await store.aclose()
        return [decision.allowed for decision in decisions]

    assert asyncio.run(acquire()) == [True, True, False]


@pytest.mark.parametrize("strict_revocation", [False, True])
def test_that_sessions_live_in_the_table_of_user_sessions(
    tables: Created, strict_revocation: bool
) -> None:
    clock = FakeClock(time.time_ns())
    store = DynamoDBSessionStore(
        tables.name("user_sessions"),
        endpoint_url=tables.endpoint_url,
        strict_revocation=strict_revocation,
        clock=clock,
    )
    site = Site(store, clock)
    laptop, phone = logged_in(site, "ada", cart=[1]), logged_in(site, "ada")
    rotated(site, laptop)

    assert laptop.seen() == {"cart": [1]}
    assert site.ids_of("ada") == {laptop.session_id, phone.session_id}
    _assert_that_it_expires(tables, "user_sessions")
    assert store.revoke_user("ada", except_=laptop.session_id) == 1
    assert (laptop.user_id(), phone.user_id()) == ("ada", None)
    clock.advance(12 * 3_600)
    assert laptop.user_id() is None
    store.close()


@pytest.mark.parametrize("example", ["on-demand", "provisioned-autoscaling"])
def test_that_an_examples_tables_will_do(
    tables_of_example: TablesOfExample, endpoint_url: str | None, example: str
) -> None:
    with created(tables_of_example(example), endpoint_url) as tables:
        store = DynamoDBStore(tables.name("rate_limiting"), endpoint_url=endpoint_url)
        limiter = RateLimiter(store, "1/hour", on_outage="raise", deadline=DEADLINE_SECONDS)
        assert [limiter.acquire("ada").allowed for _ in range(2)] == [True, False]
        clock = FakeClock(time.time_ns())
        sessions = DynamoDBSessionStore(
            tables.name("user_sessions"), endpoint_url=endpoint_url, clock=clock
        )
        site = Site(sessions, clock)
        browser = logged_in(site, "ada")
        assert site.ids_of("ada") == {browser.session_id}
        store.close()
        sessions.close()


def test_that_the_access_patterns_run_as_a_program(
    tables_of_example: TablesOfExample,
    endpoint_url: str | None,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """By the names that the program knows: those of the environment dev."""
    if endpoint_url is not None:
        monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", endpoint_url)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)

    with created(tables_of_example("on-demand"), endpoint_url):
        runpy.run_path(str(REPOSITORY / "examples" / "access_patterns.py"), run_name="__main__")

    assert capsys.readouterr().out.splitlines() == [
        "media: ['talk.mp4', 'holiday.jpg']",
        "session after 59 s: live",
        "session after 61 s: over",
        "unread: ['Grace likes talk.mp4']",
        "messages: ['Twice.', 'Did you see it?']",
        "conversations: 1",
    ]


def _assert_that_it_expires(tables: Created, key: str) -> None:
    """Each item has the TTL attribute that was planned, an instant in seconds, this month."""
    attribute = tables.tables[key].ttl_attribute
    items = items_of(tables.name(key), tables.endpoint_url)
    assert items
    for item in items:
        assert 0 < int(item[str(attribute)]["N"]) - time.time() < 30 * 86_400
