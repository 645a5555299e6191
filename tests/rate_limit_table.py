"""A table of its own for a test, on whatever endpoint."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Iterator
from typing import Any

import boto3


def client(endpoint_url: str | None) -> Any:
    """A plain boto3 client, to look at the table from outside."""
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
