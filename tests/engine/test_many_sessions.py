"""Ten thousand sessions of one user, on AWS's own emulator: listed and ended.

How long that takes, beside boto3, is measured by bench/many_sessions.py.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import NamedTuple

import pytest

from ddbwire import AnsweredCall
from sessions import DynamoDBSessionStore
from sessions.store.dynamodb.item import ENDED
from tests import dynamodb_local
from tests.fake_clock import FakeClock
from tests.rate_limit_table import client
from tests.session_table import aws_settings, session_table
from tests.sessions.browser import Site, logged_in, rotated
from tests.store_flavours import FLAVOURS, Flavour
from tests.stored_sessions import put_sessions

SESSIONS = 10_000


class Engine(NamedTuple):
    table: str
    endpoint_url: str
    store: DynamoDBSessionStore
    clock: FakeClock
    calls: list[AnsweredCall]

    def log_in(self, user_id: str, sessions: int, **values: str) -> list[str]:
        """The ids of many new sessions of a user."""
        ids = put_sessions(
            self.table,
            self.endpoint_url,
            user_id,
            sessions,
            self.clock() // 10**9,
            registers=self.store.is_exact_by_owner,
            **values,
        )
        self.calls.clear()
        return ids


def rows_left(engine: Engine) -> int:
    """How many rows are in the table. What is left of others goes with its TTL, and is no row."""
    dynamodb = client(engine.endpoint_url)
    pages = dynamodb.get_paginator("scan").paginate(
        TableName=engine.table,
        ConsistentRead=True,
        FilterExpression="attribute_not_exists(endReason) OR endReason <> :ended",
        ExpressionAttributeValues={":ended": {"S": ENDED}},
    )
    rows: int = sum(page["Count"] for page in pages)
    dynamodb.close()
    return rows


@pytest.fixture(scope="module")
def fast_endpoint(dynamodb_endpoint: str) -> Iterator[str]:
    """An engine that gets faster: the one of the other tests is made to start soon."""
    if os.environ.get("DYNAMODB_ENDPOINT_URL"):
        yield dynamodb_endpoint
    else:
        with dynamodb_local.running(optimized=True) as url:
            yield url


@pytest.fixture(params=["index", "register"])
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    is_alone = request.node.get_closest_marker("alone") is not None
    endpoint = request.getfixturevalue("fast_endpoint" if is_alone else "dynamodb_endpoint")
    clock = FakeClock()
    calls: list[AnsweredCall] = []
    with aws_settings(), session_table(endpoint) as table:
        store = DynamoDBSessionStore(
            table,
            endpoint_url=endpoint,
            deadline=60,  # the engine is slow where other tests use it too
            clock=clock,
            strict_revocation=request.param == "register",
            on_call=calls.append,
        )
        yield Engine(table, endpoint, store, clock, calls)
        store.close()


# Alone, for it keeps an engine busy: tests beside it have deadlines.
@pytest.mark.alone
@FLAVOURS
def test_ten_thousand_sessions_are_listed_and_ended(engine: Engine, flavour: Flavour) -> None:
    ids = engine.log_in("ada", SESSIONS)
    assert [info.id for info in flavour(engine.store, "sessions_of", "ada")] == ids
    # By hundreds, or the list would take as many calls as there are sessions.
    assert len(engine.calls) < SESSIONS / 50
    assert flavour(engine.store, "revoke_user", "ada") == SESSIONS
    # Nor is anything left of the register.
    assert rows_left(engine) == 0


def test_many_large_sessions_are_listed_though_a_batch_is_16_megabytes(engine: Engine) -> None:
    engine.log_in("ada", 60, large="x" * 390_000)
    assert len(engine.store.sessions_of("ada")) == 60
    assert engine.store.revoke_user("ada") == 60
    assert rows_left(engine) == 0


def test_what_it_costs_to_list_and_to_end_sessions(engine: Engine) -> None:
    engine.log_in("ada", 250)
    engine.store.sessions_of("ada")
    names = [call.operation for call in engine.calls]
    # A register has only what began after it was switched on, so the index is asked too.
    queries = ["Query"] * (2 if engine.store.is_exact_by_owner else 1)
    assert names == [*queries, *["BatchGetItem"] * 3]
    assert sum(call.capacity_units or 0 for call in engine.calls[-3:]) == 250
    engine.calls.clear()
    engine.store.revoke_user("ada")
    names = [call.operation for call in engine.calls]
    unregistered = 10 if engine.store.is_exact_by_owner else 0
    assert names == [*queries, *["UpdateItem"] * 250, *["BatchWriteItem"] * unregistered]


def test_of_rotated_sessions_among_many_the_new_ones_end_too(engine: Engine) -> None:
    site = Site(engine.store, engine.clock)
    browser = logged_in(site, "ada", seed=0)
    before = rotated(site, browser)
    assert engine.store.revoke_user("ada") == 1
    assert [browser.user_id(), before.user_id()] == [None, None]
    assert rows_left(engine) == 0
