"""``ratelimit-ddb check``: what it says of tables that can be used and of those that can't."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from ddbwire.clocks.table_clock import TableClock
from ddbwire.shared.command_line.check import ClockReading, of_clock
from ratelimit_ddb.cli import main
from tests.ddbwire.fault_server import FaultServer, error
from tests.rate_limit_table import client, rate_limit_table


@pytest.fixture
def table() -> Iterator[str]:
    with mock_aws(), rate_limit_table(None) as name:
        yield name


def expire(table: str, attribute: str) -> None:
    client(None).update_time_to_live(
        TableName=table, TimeToLiveSpecification={"Enabled": True, "AttributeName": attribute}
    )


def checked(capsys: pytest.CaptureFixture[str], table: str) -> tuple[int, dict[str, Any]]:
    ended = main(["check", "--table", table, "--json"])
    return ended, json.loads(capsys.readouterr().out)


def statuses(found: dict[str, Any]) -> dict[str, str]:
    return {one["name"]: one["status"] for one in found["checks"]}


def test_a_table_that_can_be_used_is_left_as_it_is(
    table: str, capsys: pytest.CaptureFixture[str]
) -> None:
    expire(table, "expiresAt")
    ended, found = checked(capsys, table)
    assert (ended, found["ok"]) == (0, True)
    of_calls = {"read": "ok", "write": "ok", "delete": "ok", "scan": "ok", "ttl": "ok"}
    assert statuses(found).items() >= of_calls.items()
    assert client(None).scan(TableName=table)["Count"] == 0
    assert main(["check", "--table", table]) == 0
    assert "items expire by 'expiresAt'" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("attribute", "message"), [(None, "TTL is off"), ("ttl", "TTL is on for 'ttl'")]
)
def test_ttl_that_is_off_or_on_another_attribute_is_a_failure(
    table: str, capsys: pytest.CaptureFixture[str], attribute: str | None, message: str
) -> None:
    if attribute is not None:
        expire(table, attribute)
    ended, found = checked(capsys, table)
    assert (ended, found["ok"], statuses(found)["ttl"]) == (1, False, "failed")
    assert any(message in one["message"] for one in found["checks"])


def test_a_table_that_is_not_there_is_a_failure_and_nothing_else_is_tried(
    table: str, capsys: pytest.CaptureFixture[str]
) -> None:
    ended, found = checked(capsys, "other")
    assert ended == 1
    assert statuses(found).keys() == {"read", "clock"}
    assert "tables create --table other" in found["checks"][0]["message"]


def test_another_key_schema_is_a_failure(capsys: pytest.CaptureFixture[str]) -> None:
    with mock_aws():
        boto3.client("dynamodb").create_table(
            TableName="sessions",
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        ended, found = checked(capsys, "sessions")
    assert ended == 1
    assert "the partition key 'key' (S) alone" in found["checks"][0]["message"]


def test_each_permission_that_lacks_is_told_and_ttl_that_nobody_may_ask_for_is_no_failure(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with FaultServer() as server:
        server.default = error("AccessDeniedException")
        ended = main(["check", "--table", "limits", "--json", "--endpoint-url", server.url])
    found = json.loads(capsys.readouterr().out)
    needed = {"read": "failed", "write": "failed", "delete": "failed"}
    of_calls = needed | {"scan": "unknown", "ttl": "unknown"}
    assert ended == 1
    assert statuses(found).items() >= of_calls.items()
    messages = {one["name"]: one["message"] for one in found["checks"]}
    assert "dynamodb:UpdateItem" in messages["write"]
    assert "dynamodb:Scan, which operators need for top and limits list" in messages["scan"]


def test_an_empty_name_is_misuse(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--table", ""]) == 2
    assert "table ''" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("reading", "status", "message"),
    [
        (ClockReading(None, None), "unknown", "no response had"),
        (ClockReading(0.0, 1.01), "ok", "is the table's, to within 1.010 s"),
        (ClockReading(90.0, 1.01), "ok", "90.000 s behind the table's"),
        (ClockReading(-90.0, 1.01), "ok", "90.000 s ahead of the table's"),
    ],
)
def test_the_clock_is_told_with_its_direction(
    reading: ClockReading, status: str, message: str
) -> None:
    finding = of_clock(reading)
    assert finding.status == status
    assert message in finding.message


def test_a_host_that_is_late_is_behind_the_table() -> None:
    # The sign that the command tells is that of the clock's offset.
    clock = TableClock(lambda: 1_000_000_000 * 10**9)
    for _ in range(2):
        clock.observe(b"Sun, 09 Sep 2001 01:48:10 GMT", clock.local_ns(), clock.local_ns())
    assert clock.offset_ns == 90 * 10**9
