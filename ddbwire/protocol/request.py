"""One DynamoDB request, before it is signed."""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

OPERATIONS = frozenset(
    {
        "BatchGetItem",
        "BatchWriteItem",
        "DeleteItem",
        "DescribeTable",
        "GetItem",
        "PutItem",
        "Query",
        "Scan",
        "TransactWriteItems",
        "UpdateItem",
    }
)
"""The operations that can be sent, by DynamoDB's names."""


class DynamoDBRequest(NamedTuple):
    """One request: an operation, its parameters, and whether it may be sent twice.

    ``DynamoDBRequest.of`` encodes and checks. The constructor does neither: it is for hot paths,
    where a prepared template is filled.
    """

    name: str
    """The API operation, one of ``OPERATIONS``, such as "UpdateItem"."""

    body: bytes
    """The request in DynamoDB JSON, as it goes over the wire (binary values in base64)."""

    repeatable: bool = True
    """Whether it may be sent again after a failure that left unknown whether it was applied."""

    now_ns: int | None = None
    """The table's time that the body depends on, in nanoseconds since the epoch; None for none.

    If the table's clock turns out to differ by more than five seconds, the request is not sent
    (again): the result is a ``StaleTimestamp``, and the caller makes a new request.
    """

    retries_throttled_key: bool = True
    """Whether it is sent again after the table throttled only its key.

    False if other requests will follow for the key: then a repetition only adds to its load.
    """

    @classmethod
    def of(
        cls, name: str, parameters: Mapping[str, Any], *, repeatable: bool = True
    ) -> "DynamoDBRequest":
        """Encode ``parameters``, in DynamoDB JSON, as the body of operation ``name``.

        Raises:
            ValueError: ``name`` is not one of ``OPERATIONS``.
        """
        if name not in OPERATIONS:
            raise ValueError(f"operation {name!r} must be one of {', '.join(sorted(OPERATIONS))}")
        return cls(name, json.dumps(parameters, separators=(",", ":")).encode(), repeatable)
