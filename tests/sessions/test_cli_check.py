"""``ddb-sessions check``: what it says of tables that can be used and of those that can't."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from moto import mock_aws

from ratelimit_ddb import tables
from sessions.cli import main
from tests.ddbwire.fault_server import FaultServer, error
from tests.rate_limit_table import client
from tests.session_table import items_of, session_table
from tests.shared_table import LAYOUT, shared_table

CALLS = ("read", "query", "write", "replace", "batch", "unlist", "list")
FACTS = ("ttl", "encryption", "backups", "clock")


@pytest.fixture
def table() -> Iterator[str]:
    with mock_aws(), session_table(None) as name:
        yield name


def expire(table: str, attribute: str = "expiresAt") -> None:
    client(None).update_time_to_live(
        TableName=table, TimeToLiveSpecification={"Enabled": True, "AttributeName": attribute}
    )


def checked(
    capsys: pytest.CaptureFixture[str], table: str, *more: str
) -> tuple[int, dict[str, tuple[str, str]]]:
    ended = main(["check", "--table", table, "--json", *more])
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert found["ok"] == (ended == 0)
    return ended, {one["name"]: (one["status"], one["message"]) for one in found["checks"]}


def test_a_table_that_can_be_used_is_left_as_it_is(
    table: str, capsys: pytest.CaptureFixture[str]
) -> None:
    expire(table)
    ended, found = checked(capsys, table)
    assert ended == 0
    assert tuple(found) == (*CALLS, "index", "order", *FACTS)
    assert {status for name, (status, _) in found.items() if name != "clock"} == {"ok"}
    assert "'sessionId' (S) and the sort key 'userId' (S)" in found["read"][1]
    assert found["order"][1] == "the index is in order of 'createdAt'"
    assert found["encryption"][1] == "at rest, by a key that AWS owns"
    assert found["backups"][1] == "point-in-time recovery is off"
    assert items_of(table, None) == []
    client(None).update_continuous_backups(
        TableName=table, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
    )
    assert main(["check", "--table", table]) == 0
    told = capsys.readouterr().out
    assert "ok       backups     point-in-time recovery is on\n" in told


def test_a_shared_table_has_a_register_and_no_index(capsys: pytest.CaptureFixture[str]) -> None:
    with mock_aws(), shared_table(None) as shared:
        expire(shared)
        keys = f"{LAYOUT.partition_key},{LAYOUT.sort_key}"
        ended, found = checked(capsys, shared, "--single-table", keys)
        assert ended == 0
        assert tuple(found) == (*CALLS, *FACTS)
        assert items_of(shared, None) == []


@pytest.mark.parametrize(
    ("attribute", "message"), [(None, "TTL is off"), ("ttl", "TTL is on for 'ttl'")]
)
def test_ttl_that_is_off_or_on_another_attribute_is_a_failure(
    table: str, capsys: pytest.CaptureFixture[str], attribute: str | None, message: str
) -> None:
    if attribute is not None:
        expire(table, attribute)
    ended, found = checked(capsys, table)
    assert (ended, found["ttl"][0]) == (1, "failed")
    assert message in found["ttl"][1]


def test_a_table_without_its_index_is_a_failure_that_names_the_way_out(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with mock_aws(), session_table(None, indexed=False) as table:
        expire(table)
        ended, found = checked(capsys, table)
    assert (ended, found["index"][0]) == (1, "failed")
    assert "index" in found["index"][1]
    assert "tables create" in found["index"][1]


@pytest.mark.parametrize(
    ("changes", "status", "message"),
    [
        ({"projection": "ALL"}, "ok", "KEYS_ONLY is enough"),
        ({"sort": tables.KeyAttribute("userId")}, "failed", "must be 'createdAt'"),
    ],
)
def test_an_index_that_is_made_otherwise_is_told(
    capsys: pytest.CaptureFixture[str], changes: Any, status: str, message: str
) -> None:
    (like,) = (one for one in tables.application_tables() if one.name.endswith("sessions"))
    made = replace(like, name="sessions", indexes=(replace(like.indexes[0], **changes),))
    with mock_aws():
        client(None).create_table(**made.create_parameters())
        expire("sessions")
        ended, found = checked(capsys, "sessions")
    assert (ended, found["order"][0]) == (int(status == "failed"), status)
    assert message in found["order"][1]


def test_a_table_of_other_keys_is_a_failure_and_nothing_else_is_tried(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with mock_aws():
        client(None).create_table(**tables.rate_limits("limits").create_parameters())
        ended, found = checked(capsys, "limits")
        assert (ended, tuple(found)) == (1, ("read", "clock"))
        assert "the sort key 'userId' (S)" in found["read"][1]
        assert tuple(checked(capsys, "other")[1]) == ("read", "clock")


def test_each_permission_that_lacks_is_told_and_facts_that_nobody_may_ask_for_are_no_failure(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with FaultServer() as server:
        server.default = error("AccessDeniedException")
        ended, found = checked(capsys, "sessions", "--endpoint-url", server.url)
    assert ended == 1
    assert {found[name][0] for name in (*CALLS, "index")} == {"failed"}
    assert {found[name][0] for name in FACTS[:3]} == {"unknown"}
    assert "dynamodb:DescribeContinuousBackups" in found["backups"][1]


def test_an_empty_name_is_misuse(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--table", ""]) == 2
    assert "table" in capsys.readouterr().err
