"""The command ``ddb-sessions``: what it lists, ends and refuses."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest
from moto import mock_aws

from ddbwire import SingleTable
from sessions import DynamoDBSessionStore
from sessions.cli import main
from sessions.operations.operation import Create
from sessions.operations.row import Row
from tests.rate_limit_table import client
from tests.session_table import session_table
from tests.shared_table import shared_table

IDS = ("-" + "a" * 42, "b" * 43, "c" * 43)
"""The first is as one in 64 is: argparse would take it for an option."""


class Operator:
    """Who types the command, for one table, and what they were told."""

    def __init__(self, table: str, capsys: pytest.CaptureFixture[str]) -> None:
        self.table = table
        self._capsys = capsys

    def types(self, *arguments: str) -> tuple[int, str]:
        code = main([*arguments, "--table", self.table])
        captured = self._capsys.readouterr()
        return code, captured.out + captured.err

    def gets(self, *arguments: str) -> Any:
        code, told = self.types(*arguments, "--json")
        return code, json.loads(told)

    def ids(self, user: str = "user-456", *options: str) -> list[str]:
        _, told = self.gets("list", user, *options)
        return [session["id"] for session in told["sessions"]]


@pytest.fixture
def operator(capsys: pytest.CaptureFixture[str]) -> Iterator[Operator]:
    """With three sessions of a user, the last of another application, and one of another user."""
    with mock_aws(), session_table(None) as table:
        rows = [
            row(IDS[0], 1_800_000_000, device="Firefox on Linux"),
            row(IDS[1], 1_800_000_060),
            row(IDS[2], 1_800_000_120, namespace="office"),
            row("d" * 43, 1_800_000_000, user_id="user-7"),
        ]
        for each in rows:
            create(table, each)
        yield Operator(table, capsys)


def create(table: str, row: Row, *, strict_revocation: bool = False) -> None:
    with DynamoDBSessionStore(table, strict_revocation=strict_revocation) as store:
        store.send(Create(row), time.monotonic_ns() + 60 * 10**9)


def row(
    session_id: str,
    created_at: int,
    *,
    user_id: str = "user-456",
    device: str | None = None,
    namespace: str = "",
) -> Row:
    return Row(
        session_id,
        user_id,
        created_at,
        created_at + 30,
        created_at + 3_600,
        created_at + 86_400,
        device=device,
        namespace=namespace,
    )


def test_list_shows_what_a_users_sessions_are(operator: Operator) -> None:
    code, told = operator.types("list", "user-456")
    assert code == 0
    heading, newest, middle, oldest = told.splitlines()
    assert heading.split("  ")[0] == "ID"
    assert newest.split() == [
        IDS[2],
        "2027-01-15T08:02:00Z",
        "2027-01-15T08:02:30Z",
        "2027-01-15T09:02:00Z",
        "office",
        "-",
    ]
    assert middle.split()[0] == IDS[1]
    assert oldest.endswith("  -          Firefox on Linux")


def test_sessions_in_a_shared_table_are_listed_and_ended(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with mock_aws(), shared_table(None) as table:
        with DynamoDBSessionStore(table, layout=SingleTable()) as store:
            store.send(Create(row(IDS[1], 1_800_000_000)), time.monotonic_ns() + 60 * 10**9)
        operator = Operator(table, capsys)
        shared = ("--single-table", "PK,SK")
        assert operator.ids("user-456", *shared) == [IDS[1]]
        code, told = operator.gets("revoke", "user-456", "--all", *shared)
        assert (code, told["ended"]) == (0, 1)
        code, told = operator.types("list", "user-456", "--single-table", "PK")
        assert code == 2
        assert "write the names of both keys, such as PK,SK" in told


def test_list_as_json_has_what_sessions_of_has(operator: Operator) -> None:
    code, told = operator.gets("list", "user-456", "--namespace", "")
    assert (code, told["user"]) == (0, "user-456")
    assert told["sessions"][1] == {
        "id": IDS[0],
        "created_at": 1_800_000_000,
        "last_seen_at": 1_800_000_030,
        "expires_at": 1_800_003_600,
        "device": "Firefox on Linux",
        "namespace": "",
    }


def test_a_user_without_sessions_is_no_failure(operator: Operator) -> None:
    assert operator.types("list", "nobody") == (0, "nobody: no sessions\n")
    assert operator.types("revoke", "nobody", "--all") == (0, "nobody: 0 sessions ended\n")


def test_revoke_ends_the_one_session(operator: Operator) -> None:
    told = operator.types("revoke", "user-456", "--session", IDS[0])
    assert told == (0, "user-456: 1 session ended\n")
    assert operator.ids() == [IDS[2], IDS[1]]
    told = operator.types("revoke", "user-456", "--session", IDS[0])
    assert told == (1, "user-456: no such session\n")
    ended = operator.gets("revoke", "user-456", f"--session={IDS[1]}")
    assert ended == (0, {"user": "user-456", "ended": 1})


def test_revoke_ends_no_session_of_another_user(operator: Operator) -> None:
    ended = operator.gets("revoke", "user-456", "--session", "d" * 43)
    assert ended == (1, {"user": "user-456", "ended": 0})
    assert operator.ids("user-7") == ["d" * 43]


def test_revoke_all_ends_all_of_the_user_and_no_others(operator: Operator) -> None:
    assert operator.types("revoke", "user-456", "--all") == (0, "user-456: 3 sessions ended\n")
    assert operator.ids() == []
    assert operator.ids("user-7") == ["d" * 43]


def test_a_namespace_is_one_applications_sessions_only(operator: Operator) -> None:
    assert operator.ids("user-456", "--namespace", "office") == [IDS[2]]
    of_another = ["revoke", "user-456", "--session", IDS[1], "--namespace", "office"]
    assert operator.types(*of_another)[0] == 1
    ended = operator.gets("revoke", "user-456", "--all", "--namespace", "office")
    assert ended == (0, {"user": "user-456", "ended": 1})
    assert operator.ids() == [IDS[1], IDS[0]]


def test_revoke_all_ends_a_login_that_only_the_register_has(operator: Operator) -> None:
    late = row("e" * 43, 1_800_000_180)
    create(operator.table, late, strict_revocation=True)
    dynamodb = client(None)
    dynamodb.update_item(  # as long as the index lags behind
        TableName=operator.table,
        Key={"sessionId": {"S": late.session_id}, "userId": {"S": late.user_id}},
        UpdateExpression="REMOVE ownerId",
    )
    dynamodb.close()
    assert operator.gets("revoke", "user-456", "--all")[1]["ended"] == 4


def test_a_terminal_is_not_told_what_a_device_would_have_it_do(operator: Operator) -> None:
    create(operator.table, row("e" * 43, 1_800_000_180, device="\x1b[2Jphone\nüber"))
    _, told = operator.types("list", "user-456")
    assert told.splitlines()[1].endswith(r"  \x1b[2Jphone\nüber")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "COMMAND"),
        (["nonsense"], "nonsense"),
        (["list"], "USER"),
        (["list", "user-456"], "--table"),
        (["revoke", "user-456", "--table", "t"], "one of the arguments --session --all"),
        (["revoke", "user-456", "--table", "t", "--al"], "one of the arguments --session --all"),
        (["revoke", "u", "--table", "t", "--all", "--session", IDS[1]], "not allowed with"),
        (["revoke", "u", "--table", "t", "--session", "x"], "'x': must be a session's id, of 43"),
        (["list", "u", "--table", "t", "--endpoint-url", "localhost:8000"], "http://HOST:PORT"),
    ],
)
def test_wrong_arguments_are_told_in_one_line(
    arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert told in line


@pytest.mark.parametrize(
    ("user", "table", "told"),
    [
        ("", "t", "user_id must have 1 to 1024 bytes in UTF-8, not 0"),
        ("anonymous~1", "t", "must not start with 'anonymous~'"),
        ("user-456", "", "table must not be empty"),
    ],
)
def test_what_no_user_or_table_can_be_is_misuse(
    user: str, table: str, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["list", user, "--table", table]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("ddb-sessions: ")
    assert told in line


@pytest.mark.parametrize("command", [["list"], ["revoke", "--all"]])
def test_what_no_namespace_can_be_is_misuse(
    command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*command, "user-456", "--table", "t", "--namespace", "n" * 257]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "namespace must have at most 256 bytes in UTF-8, not 257" in line


def test_a_table_that_is_missing_is_told_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with mock_aws():
        assert main(["list", "user-456", "--table", "no-such-table"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "'no-such-table'" in line


def test_a_user_whose_id_starts_with_a_dash_comes_last(operator: Operator) -> None:
    assert main(["list", "--table", operator.table, "--", "-7"]) == 0


def test_python_m_sessions_is_the_same_command() -> None:
    told = subprocess.run(
        [sys.executable, "-m", "sessions", "revoke", "--help"],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "COLUMNS": "200"},
    )
    assert told.stdout.startswith("usage: ddb-sessions revoke ")
    assert "--session ID | --all" in told.stdout


@pytest.mark.parametrize(
    ("missing", "way_out"),
    [
        ("AWS_DEFAULT_REGION", "give --region"),
        ("AWS_ACCESS_KEY_ID", "set AWS_ACCESS_KEY_ID"),
        ("AWS_SECRET_ACCESS_KEY", "set AWS_ACCESS_KEY_ID"),
    ],
)
def test_the_way_out_of_a_missing_setting_is_the_commands(
    missing: str,
    way_out: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.delenv(missing)
    assert main(["list", "user-456", "--table", "t"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert way_out in line
    assert "region_name=" not in line
    assert "session=" not in line
