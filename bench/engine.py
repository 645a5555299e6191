"""The engine under the whole path: DynamoDB Local, or any endpoint."""

from __future__ import annotations

import contextlib
import os
import uuid
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import boto3

from bench.cores import SERVER, pin_to_core
from tests import dynamodb_local

DUMMY_CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "bench",
    "AWS_SECRET_ACCESS_KEY": "bench",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}


def set_dummy_credentials() -> None:
    """Set credentials and a region that any emulator accepts."""
    for name, value in DUMMY_CREDENTIALS.items():
        os.environ.setdefault(name, value)


@contextlib.contextmanager
def engine() -> Iterator[str]:
    """The endpoint URL: DYNAMODB_ENDPOINT_URL, or DynamoDB Local, started on the last core.

    Raises:
        RuntimeError: there is neither.
    """
    given = os.environ.get("DYNAMODB_ENDPOINT_URL")
    if given:
        yield given
        return
    if reason := dynamodb_local.missing():
        raise RuntimeError(f"{reason}: this {dynamodb_local.HOW_TO_GET_IT}")
    allowed = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else None
    # The engine inherits it, and has threads before its process could be pinned.
    pin_to_core(SERVER)
    with contextlib.ExitStack() as running:
        try:
            url = running.enter_context(dynamodb_local.running(optimized=True))
        finally:
            if allowed is not None:
                os.sched_setaffinity(0, allowed)
        yield url


def client(endpoint_url: str) -> Any:
    """boto3's client, for tables."""
    return boto3.client("dynamodb", endpoint_url=endpoint_url)


@contextlib.contextmanager
def limit_table(endpoint_url: str) -> Iterator[str]:
    """The name of a new table for limits; and of what others make that begins with it.

    All are deleted afterwards.
    """
    from ratelimit_ddb.tables import create, rate_limits

    name = f"bench-{uuid.uuid4().hex[:8]}"
    dynamodb = client(endpoint_url)
    create(dynamodb, [rate_limits(name)])
    try:
        yield name
    finally:
        for table in dynamodb.list_tables()["TableNames"]:
            if table.startswith(name):
                dynamodb.delete_table(TableName=table)


def session_table(endpoint_url: str, prefix: str = "bench") -> str:
    """The name of a new table for sessions, which begins with ``prefix``; it stays."""
    from ratelimit_ddb.tables import application_tables, create

    (like,) = [table for table in application_tables() if table.name.endswith("user-sessions")]
    name = f"{prefix}-sessions-{uuid.uuid4().hex[:8]}"
    create(client(endpoint_url), [replace(like, name=name)])
    return name
