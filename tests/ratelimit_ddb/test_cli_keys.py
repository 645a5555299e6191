"""``ratelimit-ddb peek``, ``reset``, ``block``, ``charge``: what they do to a key, and refuse."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from moto import mock_aws

from ratelimit_ddb import DynamoDBStore, RateLimiter
from ratelimit_ddb.cli import main
from tests.rate_limit_table import rate_limit_table

LIMIT = ("--limit", "5/hour")


@pytest.fixture
def table() -> Iterator[str]:
    with mock_aws(), rate_limit_table(None) as name:
        yield name


def told(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_peek_tells_what_the_application_took(
    table: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with DynamoDBStore(table) as store:
        RateLimiter(store, "5/hour").acquire("ada", cost=2)
    assert main(["peek", "ada", *LIMIT, "--table", table, "--json"]) == 0
    seen = told(capsys)
    assert (seen["key"], seen["allowed"], seen["remaining"]) == ("ada", True, 3)
    assert seen["limit"] == "5 per hour"
    assert main(["peek", "ada", *LIMIT, "--table", table]) == 0
    assert capsys.readouterr().out.startswith("ada: allowed, 3 left of 5 per hour, full after ")


def test_peek_fails_where_the_cost_would_be_denied(
    table: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["charge", "ada", "--cost", "3", *LIMIT, "--table", table]) == 0
    assert main(["peek", "ada", "--cost", "3", *LIMIT, "--table", table]) == 1
    said = capsys.readouterr().out.splitlines()[-1]
    assert said.startswith("ada: denied, retry after ")
    assert " s, limit 5 per hour, full after " in said


def test_a_charge_of_more_than_there_is_makes_the_key_wait(
    table: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["charge", "ada", "--cost", "10", *LIMIT, "--table", table, "--json"]) == 0
    seen = told(capsys)
    assert not seen["allowed"]
    assert 4_000 < seen["retry_after"] <= 4_320


def test_a_block_is_the_application_s_and_a_reset_lifts_it(
    table: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["block", "ada", "--for", "10 minutes", *LIMIT, "--table", table, "--json"]) == 0
    assert 590 < told(capsys)["retry_after"] <= 600
    with DynamoDBStore(table) as store:
        limiter = RateLimiter(store, "5/hour", deny_cache=0)
        assert not limiter.acquire("ada")
        assert main(["reset", "ada", "--table", table, "--json"]) == 0
        assert told(capsys) == {"key": "ada", "reset": True}
        assert limiter.acquire("ada")


def test_the_namespace_is_the_limiter_s(table: str, capsys: pytest.CaptureFixture[str]) -> None:
    of_shop = ["--namespace", "shop", "--table", table, "--json"]
    with DynamoDBStore(table) as store:
        RateLimiter(store, "5/hour", namespace="shop").acquire("ada")
    assert main(["peek", "ada", *LIMIT, *of_shop]) == 0
    seen = told(capsys)
    assert (seen["key"], seen["remaining"]) == ("shop:ada", 4)


def test_commands_act_though_limits_are_switched_off(
    table: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RATELIMIT_DDB_ENABLED", "0")
    assert main(["block", "ada", "--for", "60", *LIMIT, "--table", table]) == 0
    assert main(["peek", "ada", *LIMIT, "--table", table]) == 1
    assert "denied" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["peek", "ada"], "--limit is required"),
        (["peek", "ada", "--limit", "5/fortnight"], "fortnight"),
        (["peek", "", *LIMIT], "key '': must have at least one character"),
        (["peek", "ada", "--cost", "6", *LIMIT], "--cost 6"),
        (["block", "ada", "--for", "soon", *LIMIT], "'soon': write '10 minutes'"),
        (["block", "ada", "--for", "nan", *LIMIT], "--for 'nan'"),
        (["block", "ada", "--for", "1_0", *LIMIT], "'1_0': write '10 minutes'"),
        (["block", "ada", "--for", "1e999", *LIMIT], "--for inf: must be from 0.001"),
        (["block", "ada", "--for", "0", *LIMIT], "--for 0.0: must be from 0.001"),
    ],
)
def test_what_can_not_hold_is_refused_with_the_rule(
    table: str, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    assert main([*arguments, "--table", table]) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("cost", ["-1", "two", "1.5", "9" * 30])
def test_a_cost_must_be_an_int(cost: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["charge", "ada", f"--cost={cost}", *LIMIT, "--table", "none"])
    assert "must be an int from 0" in capsys.readouterr().err


def test_a_table_that_is_not_there_is_a_failure(
    table: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["reset", "ada", "--table", "other"]) == 1
    assert "other" in capsys.readouterr().err
