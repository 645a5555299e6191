"""Rate limits, sessions and an application's items on one table, and nobody meets the others'."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, NamedTuple

import boto3
import pytest
from moto import mock_aws

from ddbwire import AnsweredCall, DynamoDBRequest, Wire
from examples import access_patterns
from ratelimit_ddb import ConcurrencyLimiter, DynamoDBStore, RateLimiter, SingleTable, StoredLimits
from ratelimit_ddb.cli import main as ratelimit_ddb
from sessions import DynamoDBSessionStore
from sessions.cli import main as ddb_sessions
from sessions.operations.count import Recount
from sessions.operations.operation import Create, Replace
from sessions.operations.row import Row
from tests.fake_clock import FakeClock
from tests.rate_limit_table import client
from tests.session_table import items_of
from tests.sessions.browser import Site, logged_in, rotated
from tests.shared_table import shared_table

LAYOUT = SingleTable("partition", "sort")
USER = "123"
OF_THE_APPLICATION = [
    {"partition": {"S": partition}, "sort": {"S": sort}, "text": {"S": "keep"}}
    for partition, sort in [
        (f"USER#{USER}", "PROFILE"),
        (f"USER#{USER}", "MEDIA#01"),
        (f"USER#{USER}", "SESSION"),
        (f"USER#{USER}", "SESSION#of-another-library"),
        (f"USER#{USER}", "SETTINGS"),
        ("CONV#456", "MSG#01"),
        ("RATELIMIT", "RATELIMIT"),
        ("SESSIONS", USER),
    ]
]
TEXTS = ["PROFILE", "USER#123", "SESSION#x", "x#RATELIMIT"]


class Shared(NamedTuple):
    """One table, and the stores of both packages on it."""

    table: str
    endpoint_url: str | None
    limits: DynamoDBStore
    sessions: DynamoDBSessionStore
    clock: FakeClock


@pytest.fixture(params=["moto", "dynamodb"])
def shared(request: pytest.FixtureRequest) -> Iterator[Shared]:
    with contextlib.ExitStack() as stack:
        endpoint_url = None
        if request.param == "moto":
            stack.enter_context(mock_aws())
        else:
            endpoint_url = request.getfixturevalue("dynamodb_endpoint")
        table = stack.enter_context(shared_table(endpoint_url, LAYOUT))
        dynamodb = client(endpoint_url)
        for item in OF_THE_APPLICATION:
            dynamodb.put_item(TableName=table, Item=item)
        dynamodb.close()
        clock = FakeClock()
        at: dict[str, Any] = {"endpoint_url": endpoint_url, "layout": LAYOUT, "clock": clock}
        limits = stack.enter_context(DynamoDBStore(table, **at))
        sessions = stack.enter_context(DynamoDBSessionStore(table, **at))
        yield Shared(table, endpoint_url, limits, sessions, clock)


def use_all(shared: Shared) -> Site:
    """Limits, slots, stored limits and sessions, under texts that look like others' keys."""
    limiter = RateLimiter(shared.limits, "2/minute", deadline=10)
    for text in TEXTS:
        assert [bool(limiter.acquire(text)) for _ in range(3)] == [True, True, False]
        with ConcurrencyLimiter(shared.limits, 1, deadline=10).slot(text):
            pass
        StoredLimits(shared.limits).set(text, ["1/second"])
    limiter.refund(limiter.acquire("given back"))
    site = Site(shared.sessions, shared.clock)
    for user in (USER, *TEXTS):
        for _ in range(3):
            browser = site.browser(max_sessions_per_user=2)
            with browser.request() as session:
                session.login(user)
                session["seed"] = 0
        rotated(site, browser)
    return site


def others(shared: Shared) -> list[dict[str, Any]]:
    found = items_of(shared.table, shared.endpoint_url)
    return [item for item in found if "text" in item]


def test_what_an_application_has_beside_them_is_never_touched(shared: Shared) -> None:
    site = use_all(shared)
    assert len(shared.sessions.sessions_of(USER)) == 2
    for user in (USER, *TEXTS):
        assert len(site.call("sessions_of", user)) == 2
        assert site.call("revoke_user", user) == 2
        assert site.call("sessions_of", user) == []
    for text in TEXTS:
        RateLimiter(shared.limits, "2/minute", deadline=10).reset(text)
    assert sorted(map(repr, others(shared))) == sorted(map(repr, OF_THE_APPLICATION))


def test_every_item_of_both_packages_expires_by_one_attribute_in_epoch_seconds(
    shared: Shared,
) -> None:
    use_all(shared)
    now = shared.clock() // 10**9
    ours = [item for item in items_of(shared.table, shared.endpoint_url) if "text" not in item]
    kept = [item for item in ours if "expiresAt" not in item]
    assert all("limits" in item for item in kept)  # until they are deleted
    seconds = [int(item["expiresAt"]["N"]) for item in ours if "expiresAt" in item]
    assert len(seconds) > 30
    assert all(now < each <= now + 500 * 86_400 for each in seconds)


def test_p7_a_decision_on_it_is_one_write_of_one_unit(dynamodb_endpoint: str) -> None:
    calls: list[AnsweredCall] = []
    with shared_table(dynamodb_endpoint) as table:
        at: dict[str, Any] = {"endpoint_url": dynamodb_endpoint, "layout": SingleTable()}
        with DynamoDBStore(table, on_call=calls.append, **at) as limits:
            for _ in range(3):
                RateLimiter(limits, "1000/hour", deadline=10, lease=0).acquire("user-123")
    assert {call.operation for call in calls} == {"UpdateItem"}
    # Of a refused one, a wrong guess, the reply does not say.
    assert [call.capacity_units for call in calls if not call.refused] == [1.0] * 3
    assert sum(call.refused for call in calls) <= 3


def test_a_users_profile_media_and_sessions_are_one_query(shared: Shared) -> None:
    site = Site(shared.sessions, shared.clock)
    browser = logged_in(site, USER, seed=0)
    dynamodb = client(shared.endpoint_url)
    found = dynamodb.query(
        TableName=shared.table,
        KeyConditionExpression="#p = :p",
        ExpressionAttributeNames={"#p": "partition"},
        ExpressionAttributeValues={":p": {"S": f"USER#{USER}"}},
    )
    dynamodb.close()
    kinds = [item["sort"]["S"] for item in found["Items"]]
    assert {"PROFILE", "MEDIA#01", f"SESSION#{browser.session_id}"} <= set(kinds)


def test_the_commands_work_on_it(shared: Shared, capsys: pytest.CaptureFixture[str]) -> None:
    at = ["--table", shared.table, "--single-table", "partition,sort", "--json"]
    at += [] if shared.endpoint_url is None else ["--endpoint-url", shared.endpoint_url]
    logged_in(Site(shared.sessions, shared.clock), USER, seed=0)
    at_the_tables_time: dict[str, Any] = {"endpoint_url": shared.endpoint_url, "layout": LAYOUT}
    with DynamoDBStore(shared.table, **at_the_tables_time) as store:
        RateLimiter(store, "2/minute", deadline=10).acquire("RATELIMIT#x")

    def told(command: Any, *arguments: str) -> Any:
        assert command([*arguments, *at]) == 0
        return json.loads(capsys.readouterr().out)

    assert told(ratelimit_ddb, "peek", "RATELIMIT#x", "--limit", "2/minute")["allowed"] is True
    used = told(ratelimit_ddb, "top")
    assert [key["key"] for key in used["keys"]] == ["RATELIMIT#x"]
    assert told(ddb_sessions, "list", USER)["user"] == USER
    assert told(ddb_sessions, "revoke", USER, "--all")["ended"] == 1


# Permissions


def policies() -> dict[str, dict[str, Any]]:
    """The IAM policies of the guide, by the package they are for."""
    page = Path("docs/guide/tables.md").read_text(encoding="utf-8")
    written = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", page, re.DOTALL)]
    return {statement["Sid"]: statement for one in written for statement in one["Statement"]}


def test_the_policies_of_the_guide_allow_what_each_package_asks_and_no_more(
    dynamodb_endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[tuple[str, dict[str, Any]]] = []
    record(monkeypatch, sent)
    clock = FakeClock()
    with shared_table(dynamodb_endpoint) as table:
        at: dict[str, Any] = {"endpoint_url": dynamodb_endpoint, "layout": SingleTable()}
        with (
            DynamoDBStore(table, clock=clock, **at) as limits,
            DynamoDBSessionStore(table, clock=clock, **at) as sessions,
        ):
            site = use_all(Shared(table, dynamodb_endpoint, limits, sessions, clock))
            sessions.revoke_user(USER)
            # Of a session that began before there was a maximum, no count is there to be changed.
            now = clock() // 10**9
            old, new = (Row(43 * name, "ada", now, now, now + 60, now + 60) for name in "on")
            assert site.send(Create(old))
            uncounted = Recount("ada", "", None, None, now + 60)
            assert site.send(Replace(old, new, now, now + 20, True, uncounted))
            limiter = RateLimiter(limits, "2/minute", deadline=10)
            limiter.peek("a")
            limiter.reset("a")
    asked = [each for name, parameters in sent for each in leading_keys(name, parameters)]
    for package, statement in policies().items():
        (patterns,) = statement["Condition"]["ForAllValues:StringLike"].values()
        used = set()
        for action, key in asked:
            is_allowed = any(fnmatchcase(key, pattern) for pattern in patterns)
            assert is_allowed is (key.startswith("RATELIMIT#") is (package == "RateLimits")), key
            if is_allowed:
                used.add(f"dynamodb:{action}")
        assert used == set(statement["Action"])


def record(monkeypatch: pytest.MonkeyPatch, sent: list[tuple[str, dict[str, Any]]]) -> None:
    call = Wire.call

    def noted(self: Wire, request: DynamoDBRequest, deadline_ns: int) -> Any:
        sent.append((request.name, json.loads(request.body)))
        return call(self, request, deadline_ns)

    monkeypatch.setattr(Wire, "call", noted)


def leading_keys(name: str, parameters: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """What dynamodb:LeadingKeys has for a request, with the action that it is checked for."""
    actions = {"Put": "PutItem", "Update": "UpdateItem", "Delete": "DeleteItem"}
    if name == "TransactWriteItems":
        for part in parameters["TransactItems"]:
            ((kind, one),) = part.items()
            yield actions[kind], (one["Item"] if kind == "Put" else one["Key"])["PK"]["S"]
    elif name == "BatchGetItem":
        for one in parameters["RequestItems"].values():
            yield from ((name, key["PK"]["S"]) for key in one["Keys"])
    elif name == "BatchWriteItem":
        for several in parameters["RequestItems"].values():
            yield from ((name, one["DeleteRequest"]["Key"]["PK"]["S"]) for one in several)
    elif name == "Query":
        yield name, parameters["ExpressionAttributeValues"][":s"]["S"]
    else:
        yield name, (parameters["Item"] if name == "PutItem" else parameters["Key"])["PK"]["S"]


def test_the_access_patterns_find_the_sessions_of_the_package(dynamodb_endpoint: str) -> None:
    with shared_table(dynamodb_endpoint) as name:
        clock = FakeClock()
        layout = SingleTable()
        store = DynamoDBSessionStore(
            name, endpoint_url=dynamodb_endpoint, layout=layout, clock=clock
        )
        with store:
            browsers = [logged_in(Site(store, clock), USER, seed=0) for _ in range(2)]
        table = boto3.resource("dynamodb", endpoint_url=dynamodb_endpoint).Table(name)
        now_ms = clock() // 10**6
        found = access_patterns.single_table_sessions(table, USER, now_ms)
        table.meta.client.close()
    assert sorted(found) == sorted(browser.session_id for browser in browsers)
