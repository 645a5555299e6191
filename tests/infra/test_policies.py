"""The policies allow exactly what the library asks for, table by table: no more and no less."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.infra.conftest import MakeWorkspace
from tests.infra.places import MODULE, REPOSITORY

pytestmark = pytest.mark.infra

KEY = "arn:aws:kms:us-east-1:123456789012:key/primary"
REPLICA_KEY = "arn:aws:kms:eu-west-1:123456789012:key/replica"
ONE_REGION = {"environment": "dev", "enable_alarms": False, "enable_streams": True}
TWO_REGIONS = {
    **ONE_REGION,
    "kms_key_arn": KEY,
    "enable_global_tables": True,
    "replica_region": "eu-west-1",
    "replica_kms_key_arn": REPLICA_KEY,
}

Access = tuple[str, str]
"""An action, and what follows ``table/`` in the ARN of its resource."""

NOBODYS_TABLES = {"absent", "t"}
"""What the tests of ``store.check()`` call tables that there are not, or that a stub has."""

SHARED = "shared"
"""What they call a table with a single-table layout: the guide has its policies, and
tests/single_table holds them to what is asked of it."""

LIBRARYS_OWN_TESTS = ["tests/contract", "-k", "dynamodb and blocking"]
OPERATORS_TESTS = ["tests/engine/test_operating.py", "-k", "own"]

DESCRIBED = ("DescribeContinuousBackups", "DescribeTable", "DescribeTimeToLive")
"""What the commands ask through a client of boto3's: how many items there are, by what they expire,
and whether they can be restored."""


@pytest.fixture(scope="module")
def one_region(make_workspace: MakeWorkspace) -> dict[str, Any]:
    """The outputs of one region, without a key."""
    return make_workspace(MODULE).apply(ONE_REGION)


@pytest.fixture(scope="module")
def two_regions(make_workspace: MakeWorkspace) -> dict[str, Any]:
    """The outputs of two regions, with a key in each."""
    return make_workspace(MODULE).apply(TWO_REGIONS)


@pytest.fixture(scope="module")
def asked(dynamodb_endpoint: str, tmp_path_factory: pytest.TempPathFactory) -> list[list[str]]:
    """What the library asks of its tables in its own tests: action, table, index."""
    return _recorded(LIBRARYS_OWN_TESTS, dynamodb_endpoint, tmp_path_factory.mktemp("record"))


@pytest.fixture(scope="module")
def asked_by_operators(
    dynamodb_endpoint: str, tmp_path_factory: pytest.TempPathFactory
) -> list[list[str]]:
    """What the commands of an operator ask."""
    return _recorded(OPERATORS_TESTS, dynamodb_endpoint, tmp_path_factory.mktemp("record"))


def _recorded(tests: list[str], dynamodb_endpoint: str, folder: Path) -> list[list[str]]:
    record = folder / "asked.json"
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "tests.infra.recorder", *tests],
        cwd=REPOSITORY,
        env={**os.environ, "DYNAMODB_ENDPOINT_URL": dynamodb_endpoint, "RECORD_TO": str(record)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return [list(each) for each in json.loads(record.read_text())]


def asked_of(asked: list[list[str]], beginning: str, table: str) -> set[Access]:
    """What was asked of the tests' tables whose names begin so, as if they were this one."""
    return {
        (f"dynamodb:{action}", f"{table}/index/{index}" if index else table)
        for action, name, index in asked
        if name.startswith(beginning)
    }


def allowed(policy: str) -> set[Access]:
    """What a policy allows on tables; ARNs by what follows ``table/``."""
    return {
        (action, resource.partition(":table/")[2])
        for statement in json.loads(policy)["Statement"]
        for action in _several(statement["Action"])
        for resource in _several(statement["Resource"])
        if ":table/" in resource
    }


def test_that_the_library_asks_of_its_two_tables_only(asked: list[list[str]]) -> None:
    names = {name for _, name, _ in asked} - NOBODYS_TABLES

    assert {name.rpartition("-")[0] for name in names} - {SHARED} == {"rate-limits", "sessions"}


def test_that_the_limiters_policy_is_what_a_limiter_asks_for(
    one_region: dict[str, Any], asked: list[list[str]]
) -> None:
    table = one_region["rate_limiting_table_name"]

    assert allowed(one_region["limiter_policy_json"]) == asked_of(asked, "rate-limits-", table)


def test_that_the_limiter_operators_policy_is_what_the_commands_ask_for(
    one_region: dict[str, Any], asked_by_operators: list[list[str]]
) -> None:
    table = one_region["rate_limiting_table_name"]
    described = {(f"dynamodb:{action}", table) for action in DESCRIBED}

    asked = asked_of(asked_by_operators, "rate-limits-", table)
    assert allowed(one_region["limiter_operator_policy_json"]) == asked | described


def test_that_no_application_may_read_through_a_table(one_region: dict[str, Any]) -> None:
    for name in ("limiter_policy_json", "session_store_policy_json"):
        assert "dynamodb:Scan" not in {action for action, _ in allowed(one_region[name])}


def test_that_the_session_stores_policy_is_what_it_asks_for(
    one_region: dict[str, Any], asked: list[list[str]]
) -> None:
    table = one_region["user_sessions_table_name"]

    assert allowed(one_region["session_store_policy_json"]) == asked_of(asked, "sessions-", table)


def test_that_the_session_operators_policy_is_what_the_commands_ask_for(
    one_region: dict[str, Any], asked: list[list[str]]
) -> None:
    table = one_region["user_sessions_table_name"]
    described = {(f"dynamodb:{action}", table) for action in DESCRIBED}

    of_store = asked_of(asked, "sessions-", table)  # which lists, revokes, and checks
    assert allowed(one_region["session_operator_policy_json"]) == of_store | described


def test_that_a_stream_consumer_reads_its_own_stream_only(one_region: dict[str, Any]) -> None:
    for key, policy in one_region["stream_consumer_policy_jsons"].items():
        # DescribeStream and ListStreams find the shards, the other two read them (AWS: "DynamoDB
        # Streams Low-Level API").
        assert allowed(policy) == {
            (f"dynamodb:{action}", f"{one_region['all_table_names'][key]}/stream/*")
            for action in ("DescribeStream", "GetRecords", "GetShardIterator", "ListStreams")
        }


def test_that_no_policy_names_more_than_its_tables_arn(one_region: dict[str, Any]) -> None:
    for name, key in (
        ("limiter_policy_json", "rate_limiting"),
        ("limiter_operator_policy_json", "rate_limiting"),
        ("session_store_policy_json", "user_sessions"),
        ("session_operator_policy_json", "user_sessions"),
    ):
        for statement in json.loads(one_region[name])["Statement"]:
            for resource in _several(statement["Resource"]):
                assert resource.startswith(one_region[f"{key}_table_arn"])
                assert "*" not in resource


def test_that_a_policy_covers_the_replica_where_there_is_one(two_regions: dict[str, Any]) -> None:
    regions = {
        resource.split(":")[3]
        for statement in json.loads(two_regions["session_store_policy_json"])["Statement"]
        for resource in _several(statement["Resource"])
    }
    assert regions == {"us-east-1", "eu-west-1"}
    limiter = json.loads(two_regions["limiter_policy_json"])["Statement"][0]
    assert limiter["Resource"] == two_regions["rate_limiting_table_arn"]


def test_that_keys_are_used_through_dynamodb_only(two_regions: dict[str, Any]) -> None:
    both = ["dynamodb.us-east-1.amazonaws.com", "dynamodb.eu-west-1.amazonaws.com"]
    assert _of_keys(two_regions["session_store_policy_json"]) == (
        {"kms:Decrypt", "kms:GenerateDataKey"},
        {KEY, REPLICA_KEY},
        {"StringEquals": {"kms:ViaService": both}},
    )
    one = {"StringEquals": {"kms:ViaService": "dynamodb.us-east-1.amazonaws.com"}}
    assert _of_keys(two_regions["limiter_policy_json"]) == (
        {"kms:Decrypt", "kms:GenerateDataKey"},
        {KEY},
        one,
    )
    assert _of_keys(two_regions["limiter_operator_policy_json"]) == (
        {"kms:Decrypt", "kms:GenerateDataKey"},
        {KEY},
        one,
    )
    consumer = two_regions["stream_consumer_policy_jsons"]["notifications"]
    assert _of_keys(consumer) == ({"kms:Decrypt"}, {KEY}, one)


def test_that_without_a_key_no_policy_names_one(one_region: dict[str, Any]) -> None:
    policies = [one_region["limiter_policy_json"], one_region["session_store_policy_json"]]
    policies += one_region["stream_consumer_policy_jsons"].values()

    assert not [policy for policy in policies if "kms" in policy]


def _of_keys(policy: str) -> tuple[set[str], set[str], Any]:
    (statement,) = (
        statement
        for statement in json.loads(policy)["Statement"]
        if "kms:" in str(statement["Action"])
    )
    actions, resources = _several(statement["Action"]), _several(statement["Resource"])
    return set(actions), set(resources), statement["Condition"]


def _several(one_or_more: str | list[str]) -> list[str]:
    return [one_or_more] if isinstance(one_or_more, str) else one_or_more
