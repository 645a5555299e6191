"""The stores that the frameworks' own tests run on."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sessions import DynamoDBSessionStore, MemorySessionStore
from tests.session_table import aws_settings, session_table


@pytest.fixture(scope="session")
def table_store(dynamodb_endpoint: str) -> Iterator[DynamoDBSessionStore]:
    with aws_settings(), session_table(dynamodb_endpoint) as table:
        store = DynamoDBSessionStore(table, endpoint_url=dynamodb_endpoint)
        yield store
        store.close()


@pytest.fixture(params=["memory", "table"])
def store(request: pytest.FixtureRequest) -> MemorySessionStore | DynamoDBSessionStore:
    """Each of the two."""
    if request.param == "memory":
        return MemorySessionStore()
    found: DynamoDBSessionStore = request.getfixturevalue("table_store")
    return found
