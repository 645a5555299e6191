"""The throttling server: it decides as a table does, and throttles as DynamoDB does."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config

from bench.hot_keys.throttling_server import ThrottlingServer, throttling_server
from ratelimit_ddb import DynamoDBStore, RateLimiter
from tests.rate_limit_table import rate_limit_table

CEILING = 20


@pytest.fixture
def server() -> Iterator[ThrottlingServer]:
    with throttling_server(CEILING) as running:
        yield running


def boto3_client(url: str) -> Any:
    config = Config(retries={"total_max_attempts": 1})
    return boto3.client("dynamodb", endpoint_url=url, config=config)


def test_p1_a_limiter_decides_on_it_as_on_a_table(server: ThrottlingServer) -> None:
    with DynamoDBStore("limits", endpoint_url=server.url) as store:
        limiter = RateLimiter(store, "3/hour", deny_cache=0)
        decisions = [limiter.acquire("key") for _ in range(5)]
        assert [decision.allowed for decision in decisions] == [True, True, True, False, False]
        assert limiter.refund(decisions[2])
        assert limiter.peek("key").remaining == 1
        limiter.reset("key")
        assert limiter.acquire("key").remaining == 2
    served, throttled = server.read()
    assert sum(units for _, units in served) >= 6
    assert throttled == []
    assert server.read() == ([], [])


def test_beyond_its_ceiling_a_partition_throttles_and_says_that_it_is_the_key(
    server: ThrottlingServer,
) -> None:
    client = boto3_client(server.url)
    update = {"TableName": "limits", "UpdateExpression": "ADD n :one"}
    values = {"ExpressionAttributeValues": {":one": {"N": "1"}}}
    began = time.monotonic()

    def write_until_throttled() -> None:
        for _ in range(100 * CEILING):
            client.update_item(**update, **values, Key={"key": {"S": "hot"}})

    with pytest.raises(client.exceptions.ProvisionedThroughputExceededException) as throttled:
        write_until_throttled()
    (reason,) = throttled.value.response["ThrottlingReasons"]
    assert reason["reason"] == "TableWriteKeyRangeThroughputExceeded"
    client.update_item(**update, **values, Key={"key": {"S": "another"}})
    served, refused = server.read()
    assert len(refused) == 1
    assert CEILING <= len(served) - 1 <= CEILING * (1 + time.monotonic() - began)


def test_what_it_does_not_know_is_refused(server: ThrottlingServer) -> None:
    client = boto3_client(server.url)
    with pytest.raises(client.exceptions.ClientError, match="operation 'Query': is not known"):
        client.query(TableName="limits", KeyConditionExpression="k = :v")


def test_before_an_engine_it_throttles_and_passes_on_the_rest(dynamodb_endpoint: str) -> None:
    with (
        rate_limit_table(dynamodb_endpoint) as table,
        throttling_server(CEILING, dynamodb_endpoint) as server,
    ):
        client = boto3_client(server.url)
        put: Any = {"Put": {"TableName": table, "Item": {"key": {"S": "hot"}}}}

        def write_until_throttled() -> None:
            for _ in range(100 * CEILING):
                client.transact_write_items(TransactItems=[put])

        with pytest.raises(client.exceptions.TransactionCanceledException) as canceled:
            write_until_throttled()
        assert canceled.value.response["CancellationReasons"][0]["Code"] == "ThrottlingError"
        served, _ = server.read()
        assert {units for _, units in served} == {2}
        assert client.get_item(TableName=table, Key={"key": {"S": "hot"}})["Item"]
