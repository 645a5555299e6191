"""``ratelimit-ddb tables create`` makes the tables that the plan makes, attribute by attribute."""

from __future__ import annotations

import json
from collections.abc import Iterable
from contextlib import closing
from typing import Any

import pytest

from ratelimit_ddb.cli import main
from tests.infra.created import created
from tests.infra.planned import PlannedTable
from tests.rate_limit_table import client

pytestmark = pytest.mark.infra

Description = dict[str, Any]


@pytest.fixture
def all_tables(planned: tuple[PlannedTable, ...]) -> tuple[PlannedTable, ...]:
    """The six that the module makes if the single table is asked for."""
    return planned


@pytest.fixture
def by_the_plan(
    all_tables: tuple[PlannedTable, ...], dynamodb_endpoint: str
) -> dict[str, Description]:
    """What the engine says of the planned tables, by name."""
    with created(all_tables, dynamodb_endpoint), closing(client(dynamodb_endpoint)) as dynamodb:
        return descriptions(dynamodb, [table.name for table in all_tables])


@pytest.fixture
def by_the_command(
    by_the_plan: dict[str, Description], prefix: str, dynamodb_endpoint: str
) -> dict[str, Description]:
    """What it says of those that the command makes, by name: those of the plan are gone."""
    command = ["tables", "create", "--single-table", "--endpoint-url", dynamodb_endpoint]
    assert main([*command, "--prefix", prefix, "--environment", "test"]) == 0
    with closing(client(dynamodb_endpoint)) as dynamodb:
        pages = dynamodb.get_paginator("list_tables").paginate()
        names = [name for page in pages for name in page["TableNames"] if name.startswith(prefix)]
        found = descriptions(dynamodb, names)
        for name in names:
            dynamodb.delete_table(TableName=name)
    return found


def test_that_the_tables_are_the_same(
    by_the_plan: dict[str, Description], by_the_command: dict[str, Description]
) -> None:
    assert len(by_the_plan) == 6
    assert by_the_command == by_the_plan


def test_that_they_are_what_the_plan_says(
    all_tables: tuple[PlannedTable, ...], by_the_command: dict[str, Description]
) -> None:
    """Without the engine between: it might leave out what it does not know."""
    for table in all_tables:
        plan, there = table.create_parameters, by_the_command[table.name]
        assert there["KeySchema"] == plan["KeySchema"]
        assert there["AttributeDefinitions"] == in_order(plan["AttributeDefinitions"])
        assert there["BillingMode"] == plan["BillingMode"]
        assert there["GlobalSecondaryIndexes"] == in_order(plan.get("GlobalSecondaryIndexes", []))
        assert there["TimeToLive"] == table.ttl_attribute
        assert (there["StreamSpecification"], there["LocalSecondaryIndexes"]) == (None, [])


def descriptions(dynamodb: Any, names: Iterable[str]) -> dict[str, Description]:
    """All that can be compared of each table, by name."""
    found = {}
    for name in names:
        table = dynamodb.describe_table(TableName=name)["Table"]
        ttl = dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
        capacity = table["ProvisionedThroughput"]
        found[name] = {
            "TableName": table["TableName"],
            "KeySchema": table["KeySchema"],
            "AttributeDefinitions": in_order(table["AttributeDefinitions"]),
            "BillingMode": table["BillingModeSummary"]["BillingMode"],
            "Capacity": (capacity["ReadCapacityUnits"], capacity["WriteCapacityUnits"]),
            "GlobalSecondaryIndexes": in_order(
                {key: index[key] for key in ("IndexName", "KeySchema", "Projection")}
                for index in table.get("GlobalSecondaryIndexes", [])
            ),
            "LocalSecondaryIndexes": table.get("LocalSecondaryIndexes", []),
            "StreamSpecification": table.get("StreamSpecification"),
            "TimeToLive": ttl.get("AttributeName"),
        }
    return found


def in_order(items: Iterable[Any]) -> list[Any]:
    """Items whose order means nothing."""
    return sorted(items, key=json.dumps)
