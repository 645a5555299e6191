"""The tables: one description, and creating them on the real engine."""

from __future__ import annotations

import uuid
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from ratelimit_ddb import SingleTable
from ratelimit_ddb.tables import Table, application_tables, create, rate_limits

EXPECTED: dict[str, tuple[list[str], dict[str, list[str]], bool]] = {
    "media-metadata": (["mediaId"], {"userId-createdAt-index": ["userId", "createdAt"]}, True),
    "user-sessions": (
        ["sessionId", "userId"],
        {"ownerId-createdAt-index": ["ownerId", "createdAt"]},
        True,
    ),
    "notifications": (
        ["userId", "notificationId"],
        {"userId-unreadAt-index": ["userId", "unreadAt"]},
        True,
    ),
    "conversations": (
        ["conversationId", "messageId"],
        {"participant-updatedAt-index": ["participantId", "updatedAt"]},
        False,
    ),
    "rate-limits": (["key"], {}, True),
}


@pytest.fixture
def client(dynamodb_endpoint: str) -> Any:
    return boto3.client("dynamodb", endpoint_url=dynamodb_endpoint)


@pytest.fixture
def prefix() -> str:
    return f"t{uuid.uuid4().hex[:12]}"


def keys(schema: list[dict[str, str]]) -> list[str]:
    assert [key["KeyType"] for key in schema] == ["HASH", "RANGE"][: len(schema)]
    return [key["AttributeName"] for key in schema]


def test_that_five_tables_are_created_as_described(client: Any, prefix: str) -> None:
    names = create(client, application_tables(prefix, "test"))

    assert names == tuple(f"{prefix}-test-{ending}" for ending in EXPECTED)
    for name, (key, indexes, expires) in zip(names, EXPECTED.values(), strict=True):
        table = client.describe_table(TableName=name)["Table"]
        assert table["TableStatus"] == "ACTIVE"
        assert table["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
        assert keys(table["KeySchema"]) == key
        found = table.get("GlobalSecondaryIndexes", [])
        assert {index["IndexName"]: keys(index["KeySchema"]) for index in found} == indexes
        for index in found:
            # Only keys where sessions are listed by owner: a touch must not be written twice.
            of_owner = index["IndexName"] == "ownerId-createdAt-index"
            projection = "KEYS_ONLY" if of_owner else "ALL"
            assert index["Projection"] == {"ProjectionType": projection}
        ttl = client.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
        assert (ttl["TimeToLiveStatus"], ttl.get("AttributeName")) == (
            ("ENABLED", "expiresAt") if expires else ("DISABLED", None)
        )


def test_that_instants_have_the_type_that_they_are_written_with(client: Any, prefix: str) -> None:
    for name in create(client, application_tables(prefix)):
        for attribute in client.describe_table(TableName=name)["Table"]["AttributeDefinitions"]:
            # The source document writes those of media and conversations as texts.
            is_number = attribute["AttributeName"] == "unreadAt" or (
                attribute["AttributeName"] == "createdAt" and name.endswith("user-sessions")
            )
            assert attribute["AttributeType"] == ("N" if is_number else "S")


def test_that_a_table_already_there_is_left_as_it_is(client: Any, prefix: str) -> None:
    create(client, [rate_limits(f"{prefix}-one")])
    client.put_item(TableName=f"{prefix}-one", Item={"key": {"S": "kept"}})

    names = create(client, [rate_limits(f"{prefix}-one"), rate_limits(f"{prefix}-two")])

    assert names == (f"{prefix}-two",)
    assert client.scan(TableName=f"{prefix}-one")["Count"] == 1


def test_that_an_interrupted_creation_is_completed(client: Any, prefix: str) -> None:
    table = rate_limits(f"{prefix}-half")
    client.create_table(**table.create_parameters())

    assert create(client, [table]) == ()

    ttl = client.describe_time_to_live(TableName=table.name)["TimeToLiveDescription"]
    assert ttl["TimeToLiveStatus"] == "ENABLED"


def test_that_a_refusal_other_than_already_there_is_raised(client: Any, prefix: str) -> None:
    class WithoutKey(Table):
        def create_parameters(self) -> dict[str, Any]:
            return {**super().create_parameters(), "AttributeDefinitions": []}

    with pytest.raises(ClientError, match="ValidationException"):
        create(client, [WithoutKey(f"{prefix}-bad", rate_limits("any").partition)])


def test_names_follow_prefix_and_environment() -> None:
    assert [table.name for table in application_tables()] == [
        f"quikapp-dev-{ending}" for ending in EXPECTED
    ]


@pytest.mark.parametrize("name", ["", "ab", "a b", "naïve", "x" * 256, "line\n"])
def test_that_a_name_dynamodb_does_not_have_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="table name"):
        rate_limits(name)


def test_that_the_single_table_is_made_if_it_is_asked_for() -> None:
    *five, single = application_tables("acme", "test", layout=SingleTable())

    assert tuple(five) == application_tables("acme", "test")
    assert single.create_parameters()["KeySchema"] == [
        {"AttributeName": "PK", "KeyType": "HASH"},
        {"AttributeName": "SK", "KeyType": "RANGE"},
    ]
    assert (single.name, single.expires) == ("acme-test-app-data", True)
