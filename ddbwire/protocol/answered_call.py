"""What an answered call consumed, as far as the response says."""

from dataclasses import dataclass
from typing import Self

from ddbwire.protocol.request import DynamoDBRequest
from ddbwire.protocol.result import CallResult


@dataclass(frozen=True, slots=True)
class AnsweredCall:
    """One request that reached the table; the argument of a store's ``on_call``.

    Attributes:
        operation: DynamoDB's name of the operation, such as ``"UpdateItem"``.
        refused: whether its condition was refused, which is billed as a write.
        capacity_units: the capacity that it consumed in all tables and indexes, such as 1.0; None
            if the response does not say: that of a refusal, or without ReturnConsumedCapacity.
    """

    operation: str
    refused: bool
    capacity_units: float | None

    @classmethod
    def of(cls, request: DynamoDBRequest, result: CallResult) -> Self:
        """The call of a request, by its result."""
        if not isinstance(result, dict):
            return cls(request.name, True, None)
        consumed = result.get("ConsumedCapacity")
        # For a transaction or a batch, a list with one entry for each table.
        of_tables = consumed if isinstance(consumed, list) else [consumed]
        numbers = [one.get("CapacityUnits") for one in of_tables if isinstance(one, dict)]
        units = [number for number in numbers if isinstance(number, int | float)]
        return cls(request.name, False, sum(units) if units else None)
