"""A pytest plugin that notes what the library asks of its tables, as IAM sees it.

``RECORD_TO=FILE python -m pytest -p tests.infra.recorder`` writes a list of what was asked: the
action, the table, and the index or an empty text. Whatever a test does by itself, with a client of
boto3's, is not in it. That the library asks for the time is not either: it does so without signing,
of a table that there is not, and needs no permission.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ddbwire import DynamoDBRequest, Wire

if TYPE_CHECKING:
    import pytest

_WRITES = {
    "ConditionCheck": "ConditionCheckItem",
    "Delete": "DeleteItem",
    "Put": "PutItem",
    "Update": "UpdateItem",
}

_asked: set[tuple[str, str, str]] = set()
_call, _call_async = Wire.call, Wire.call_async


def pytest_configure(config: pytest.Config) -> None:
    """Stand where every call of the library passes."""

    def call(self: Wire, request: DynamoDBRequest, deadline_ns: int) -> Any:
        _note(request)
        return _call(self, request, deadline_ns)

    async def call_async(self: Wire, request: DynamoDBRequest, deadline_ns: int) -> Any:
        _note(request)
        return await _call_async(self, request, deadline_ns)

    for name, noting in (("call", call), ("call_async", call_async)):
        setattr(Wire, name, noting)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Write down what was asked."""
    Path(os.environ["RECORD_TO"]).write_text(json.dumps(sorted(_asked)))


def _note(request: DynamoDBRequest) -> None:
    parameters = json.loads(request.body)
    if request.name == "TransactWriteItems":
        # It needs no permission of its own, but that of each write in it.
        for item in parameters["TransactItems"]:
            ((kind, write),) = item.items()
            _asked.add((_WRITES[kind], write["TableName"], ""))
        return
    if request.name.startswith("Batch"):
        _asked.update((request.name, table, "") for table in parameters["RequestItems"])
        return
    _asked.add((request.name, parameters["TableName"], parameters.get("IndexName", "")))
