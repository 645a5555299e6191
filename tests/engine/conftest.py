"""Tables on the real engine."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.rate_limit_table import rate_limit_table


@pytest.fixture
def table(dynamodb_endpoint: str) -> Iterator[str]:
    """The name of an empty rate-limit table."""
    with rate_limit_table(dynamodb_endpoint) as name:
        yield name
