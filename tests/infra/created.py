"""The tables of a plan, made on an endpoint for a test."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from tests.infra.planned import PlannedTable
from tests.rate_limit_table import client


class Created(NamedTuple):
    """Tables that are there.

    Attributes:
        tables: by what the module calls them: ``"rate_limiting"`` ...
        endpoint_url: where; None for moto.
    """

    tables: dict[str, PlannedTable]
    endpoint_url: str | None

    def name(self, key: str) -> str:
        """What a table is called there."""
        return self.tables[key].name


@contextlib.contextmanager
def created(tables: Iterable[PlannedTable], endpoint_url: str | None) -> Iterator[Created]:
    """The tables, exactly as planned and empty, deleted afterwards."""
    dynamodb = client(endpoint_url)
    with contextlib.ExitStack() as stack:
        stack.callback(dynamodb.close)
        made = {}
        for table in tables:
            table.create(dynamodb)
            stack.callback(dynamodb.delete_table, TableName=table.name)
            made[table.key] = table
        yield Created(made, endpoint_url)
