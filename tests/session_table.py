"""A table of sessions for a test, on whatever endpoint."""

from __future__ import annotations

import contextlib
import os
import uuid
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from ratelimit_ddb import tables
from tests.rate_limit_table import client


@contextlib.contextmanager
def aws_settings() -> Iterator[None]:
    """The settings of every test, for a table that outlives one: it is made before they are."""
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if name.startswith("AWS_") or name.lower().endswith("_proxy"):
                patch.delenv(name)
        patch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        yield


@contextlib.contextmanager
def session_table(endpoint_url: str | None, *, indexed: bool = True) -> Iterator[str]:
    """The name of a new, empty table that is deleted afterwards, with its index or without."""
    (like,) = (table for table in tables.application_tables() if table.name.endswith("sessions"))
    table = replace(like, name=f"sessions-{uuid.uuid4().hex}")
    if not indexed:
        table = replace(table, indexes=())
    dynamodb = client(endpoint_url)
    dynamodb.create_table(**table.create_parameters())
    try:
        yield table.name
    finally:
        dynamodb.delete_table(TableName=table.name)
        dynamodb.close()


def items_of(table: str, endpoint_url: str | None) -> list[dict[str, Any]]:
    """Everything in the table, as boto3's low-level client shows it."""
    dynamodb = client(endpoint_url)
    pages = dynamodb.get_paginator("scan").paginate(TableName=table, ConsistentRead=True)
    items = [item for page in pages for item in page["Items"]]
    dynamodb.close()
    return items
