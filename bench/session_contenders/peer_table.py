"""A table for the sessions of a peer that ships no store on DynamoDB: one item a session, by id.

The stores on it ask what a careful user's would: a consistent read, one write, one delete.
"""

from __future__ import annotations

import contextlib
from typing import Any

import boto3

KEY, DATA, EXPIRES = "id", "data", "expires"


def created(endpoint_url: str, name: str) -> Any:
    """boto3's client, once the table is there."""
    dynamodb = boto3.client("dynamodb", endpoint_url=endpoint_url)
    # The process that was metered before has made it.
    with contextlib.suppress(dynamodb.exceptions.ResourceInUseException):
        dynamodb.create_table(
            TableName=name,
            AttributeDefinitions=[{"AttributeName": KEY, "AttributeType": "S"}],
            KeySchema=[{"AttributeName": KEY, "KeyType": "HASH"}],
            BillingMode="PAY_PER_REQUEST",
        )
    return dynamodb
