"""What lies in the table: readable, small, and gone when it says nothing any more."""

from __future__ import annotations

import json

from ratelimit_ddb import DynamoDBStore, RateLimiter
from ratelimit_ddb.limit import SECOND_NS
from tests.fake_clock import FakeClock
from tests.rate_limit_table import client


def test_an_item_is_its_key_the_instants_and_the_expiry(dynamodb_endpoint: str, table: str) -> None:
    clock = FakeClock()
    store = DynamoDBStore(table, endpoint_url=dynamodb_endpoint, clock=clock)
    limits = ["10/second burst 50", "1000/hour"]
    RateLimiter(store, limits, deadline=5).acquire("api:user-123:endpoint")
    store.close()
    dynamodb = client(dynamodb_endpoint)
    (item,) = dynamodb.scan(TableName=table)["Items"]
    dynamodb.close()
    assert item.pop("key") == {"S": "api:user-123:endpoint"}
    assert item.pop("fullAt:10-per-second-burst-50") == {"N": str(clock.now_ns + SECOND_NS // 10)}
    assert item.pop("fullAt:1000-per-hour") == {"N": str(clock.now_ns + 3_600_000_000)}
    expires_at_seconds = int(item.pop("expiresAt")["N"])
    assert expires_at_seconds >= clock.now_ns / SECOND_NS + 3_600
    assert item == {"writes": {"N": "1"}, "activeNs": {"N": "0"}}


def test_eight_limits_on_the_longest_key_still_fit_one_write_unit(
    dynamodb_endpoint: str, table: str
) -> None:
    store = DynamoDBStore(table, endpoint_url=dynamodb_endpoint)
    limits = [f"{n + 1}/{n + 1} days" for n in range(8)]
    RateLimiter(store, limits, deadline=5).acquire("k" * 600)
    store.close()
    dynamodb = client(dynamodb_endpoint)
    (item,) = dynamodb.scan(TableName=table)["Items"]
    dynamodb.close()
    assert len(json.dumps(item)) < 1_024 + 600
