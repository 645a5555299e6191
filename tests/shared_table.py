"""A table of a single-table design for a test, keyed by ``PK`` and ``SK``, on any endpoint."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Iterator

from ratelimit_ddb import SingleTable, tables
from tests.rate_limit_table import client

LAYOUT = SingleTable()
SINGLE_TABLE = "single table"
"""A store of the contract suites: on DynamoDB Local, in blocking calls, for the layout is a matter
of requests and not of who sends them."""


@contextlib.contextmanager
def shared_table(endpoint_url: str | None, layout: SingleTable = LAYOUT) -> Iterator[str]:
    """The name of a new, empty table, as ``tables create --single-table`` makes it; deleted after.

    Args:
        endpoint_url: of an engine; None for AWS's, which moto stands for.
        layout: what its keys are called.
    """
    table = tables.single_table(f"shared-{uuid.uuid4().hex}", layout)
    dynamodb = client(endpoint_url)
    dynamodb.create_table(**table.create_parameters())
    try:
        yield table.name
    finally:
        dynamodb.delete_table(TableName=table.name)
        dynamodb.close()
