"""A table of its own for a test, on whatever endpoint."""

from __future__ import annotations

import contextlib
import os
import uuid
from collections.abc import Iterator
from functools import cache
from typing import Any

import boto3


def client(endpoint_url: str | None) -> Any:
    """A plain boto3 client, to look at the table from outside; it may be used after its close."""
    key_id, region = os.environ.get("AWS_ACCESS_KEY_ID"), os.environ.get("AWS_DEFAULT_REGION")
    return _client(endpoint_url, key_id, region)


@cache
def _client(endpoint_url: str | None, *_settings: str | None) -> Any:
    """One for all tests with the same settings: it takes longer to make than many tests take."""
    return boto3.client("dynamodb", endpoint_url=endpoint_url)


@contextlib.contextmanager
def rate_limit_table(endpoint_url: str | None, name: str | None = None) -> Iterator[str]:
    """The name of a new, empty table that is deleted afterwards."""
    name = name or f"rate-limits-{uuid.uuid4().hex}"
    dynamodb = client(endpoint_url)
    dynamodb.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "key", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "key", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    try:
        yield name
    finally:
        dynamodb.delete_table(TableName=name)
        dynamodb.close()
