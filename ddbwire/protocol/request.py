"""One DynamoDB request, before it is signed."""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

NAMES = frozenset({"UpdateItem", "GetItem", "PutItem", "DeleteItem", "Query", "TransactWriteItems"})


class Operation(NamedTuple):
    """One request: what to do, and whether it may be done twice.

    ``Operation.of`` encodes and checks; the plain constructor trusts its caller, for those who
    fill a prepared template on a hot path.
    """

    name: str
    """The API operation: UpdateItem, GetItem, PutItem, DeleteItem, Query or TransactWriteItems."""

    body: bytes
    """The request in DynamoDB JSON, as it goes over the wire (binary values in base64)."""

    repeatable: bool = True
    """Whether it may be sent again after a failure that left unknown whether it was applied."""

    now_ns: int | None = None
    """The table's time that the body rests on, in nanoseconds since the epoch, if it rests on one.

    Once the table's clock turns out to be seconds away from it, the operation is not sent (again)
    but answered with ``Outdated``, for its maker to make it anew.
    """

    @classmethod
    def of(
        cls, name: str, parameters: Mapping[str, Any], *, repeatable: bool = True
    ) -> "Operation":
        """Encode ``parameters``, in wire shape, as the body of operation ``name``.

        Raises:
            ValueError: ``name`` is not an operation that this wire carries.
        """
        if name not in NAMES:
            raise ValueError(f"operation {name!r} must be one of {', '.join(sorted(NAMES))}")
        return cls(name, json.dumps(parameters, separators=(",", ":")).encode(), repeatable)
