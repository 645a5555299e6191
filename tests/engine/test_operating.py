"""What an operator sees of a real table, of the limiter's own and of a shared one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ddbwire import SingleTable
from ratelimit_ddb import DynamoDBStore, RateLimiter
from ratelimit_ddb.cli import main
from ratelimit_ddb.stored_limits.stored_limits import StoredLimits
from ratelimit_ddb.web import RulesFile
from sessions.cli import main as ddb_sessions
from tests.rate_limit_table import client, rate_limit_table
from tests.session_table import items_of, session_table
from tests.web.exchange import Get, limited_asgi

RULES = """
[[rule]]
name = "api"
path = "/api/*"
limits = ["5 per hour", "20 per calendar year"]
by = { header = "x-api-key" }
"""


@pytest.fixture(params=[None, "partition,sort"], ids=["own", "shared"])
def arguments(request: pytest.FixtureRequest, dynamodb_endpoint: str) -> Iterator[list[str]]:
    """The options by which a command finds the table."""
    of_endpoint = ["--endpoint-url", dynamodb_endpoint, "--json"]
    if request.param is None:
        with rate_limit_table(dynamodb_endpoint) as name:
            yield ["--table", name, *of_endpoint]
        return
    dynamodb = client(dynamodb_endpoint)
    keys = {"partition": "HASH", "sort": "RANGE"}
    dynamodb.create_table(
        TableName="shared",
        KeySchema=[{"AttributeName": key, "KeyType": kind} for key, kind in keys.items()],
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in keys],
        BillingMode="PAY_PER_REQUEST",
    )
    dynamodb.put_item(
        TableName="shared",
        Item={
            "partition": {"S": "USER#1"},
            "sort": {"S": "PROFILE"},
            "expiresAt": {"N": "9999999999"},
            "limits": {"S": "none of ours"},
        },
    )
    yield ["--table", "shared", "--single-table", request.param, *of_endpoint]
    dynamodb.delete_table(TableName="shared")


@pytest.fixture
def store(arguments: list[str], dynamodb_endpoint: str) -> Iterator[DynamoDBStore]:
    layout = SingleTable("partition", "sort") if "--single-table" in arguments else None
    with DynamoDBStore(arguments[1], layout=layout, endpoint_url=dynamodb_endpoint) as store:
        yield store


def told(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_an_operator_finds_the_key_that_an_application_s_requests_use(
    store: DynamoDBStore,
    arguments: list[str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    rules = tmp_path / "rules.toml"
    rules.write_text(RULES, encoding="utf-8")
    ask = limited_asgi(
        store=store, rules=RulesFile(rules), on_outage="raise", deadline=30, deny_cache=0
    )
    request = Get("/api/x", headers={"x-api-key": "s3cret"})
    assert [ask(request).status for _ in range(4)] == [200] * 4
    assert main(["check", *arguments]) == 1  # these tables have no TTL
    found = {one["name"]: one["status"] for one in told(capsys)["checks"]}
    assert found.items() >= {"write": "ok", "delete": "ok", "scan": "ok", "ttl": "failed"}.items()
    of_rule = ["--rules", str(rules), "--rule", "api", "s3cret"]
    assert main(["peek", *of_rule, *arguments]) == 0
    peeked = told(capsys)
    assert peeked["remaining"] == 1
    assert main(["top", "--segments", "2", *arguments]) == 0
    (of_key,) = told(capsys)["keys"]
    assert of_key["key"] == peeked["key"]
    assert of_key["writes"] == 4
    assert [(one["limit"], one["used"]) for one in of_key["limits"]] == [
        ("5 per hour", 4),
        ("20 per calendar year", 4),
    ]
    assert main(["block", *of_rule, "--for", "60", *arguments]) == 0
    assert ask(request).status == 429
    assert main(["reset", *of_rule, *arguments]) == 0
    assert ask(request).status == 200


@pytest.mark.parametrize("arguments", ["partition,sort"], indirect=True, ids=["shared"])
def test_all_pages_of_all_segments_are_read(
    store: DynamoDBStore, arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    options: Any = {"on_outage": "raise", "deadline": 30.0, "lease": 0.0}
    hourly = RateLimiter(store, "100/hour", **options)
    for index in range(60):
        hourly.acquire(f"k{index:02}", cost=index + 1)
    StoredLimits(store).set("plan:pro", "5/minute")
    in_pages = ["--segments", "3", "--read-units-per-second", "20"]
    assert main(["top", "--count", "2", *in_pages, *arguments]) == 0
    found = told(capsys)
    assert found["complete"]
    assert [(one["key"], one["limits"][0]["used"]) for one in found["keys"]] == [
        ("k59", 60),
        ("k58", 59),
    ]
    assert found["items"] == 62
    assert found["read_units"] >= 1
    assert main(["limits", "list", *in_pages, *arguments]) == 0
    (listed,) = told(capsys)["names"]
    assert (listed["name"], listed["limits"]) == ("plan:pro", ["5 per minute"])
    assert abs(listed["changed_at"] - store.clock.now_ns() // 10**9) < 60


def test_a_table_of_sessions_is_checked_and_left_as_it_is(
    dynamodb_endpoint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with session_table(dynamodb_endpoint) as name:
        of_table = ["--table", name, "--endpoint-url", dynamodb_endpoint]
        assert ddb_sessions(["check", "--json", *of_table]) == 1  # it has no TTL
        statuses = {one["name"]: one["status"] for one in told(capsys)["checks"]}
        assert items_of(name, dynamodb_endpoint) == []
    assert [name for name, status in statuses.items() if status == "failed"] == ["ttl"]
    assert {"replace", "index", "order"} <= statuses.keys()


@pytest.mark.parametrize("wrong", ["absent", "of another schema"])
def test_a_wrong_table_is_told_as_check_tells_it(
    dynamodb_endpoint: str, capsys: pytest.CaptureFixture[str], wrong: str
) -> None:
    with rate_limit_table(dynamodb_endpoint) as name:
        of_table = ["--table", name, "--single-table", "PK,SK"]
        if wrong == "absent":
            of_table = ["--table", "absent"]
        of_table += ["--endpoint-url", dynamodb_endpoint]
        assert main(["check", "--json", *of_table]) == 1
        checks = told(capsys)["checks"]
        (message,) = [one["message"] for one in checks if one["status"] == "failed"]
        for command in (["top"], ["limits", "list"], ["peek", "a", "--limit", "1/s"]):
            assert main([*command, *of_table]) == 1
            said = capsys.readouterr()
            assert not said.out
            assert said.err == f"ratelimit-ddb: {message}\n"
