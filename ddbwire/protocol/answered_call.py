"""What a call that got a response was billed, as far as the response says."""

from dataclasses import dataclass
from typing import Self

from ddbwire.protocol.request import DynamoDBRequest
from ddbwire.protocol.result import CallResult


@dataclass(frozen=True, slots=True)
class AnsweredCall:
    """One request that reached the table, as a store's ``on_call`` is called with it.

    Attributes:
        operation: DynamoDB's name for it, such as ``"UpdateItem"``.
        refused: whether its condition was refused; the table bills that as a write.
        capacity_units: what the response says it consumed, of all tables and indexes; None in a
            refusal, which does not say, and where the request did not ask for it.
    """

    operation: str
    refused: bool
    capacity_units: float | None

    @classmethod
    def of(cls, operation: DynamoDBRequest, outcome: CallResult) -> Self:
        """What came of an operation."""
        if not isinstance(outcome, dict):
            return cls(operation.name, True, None)
        consumed = outcome.get("ConsumedCapacity")
        # A transaction and a batch tell it table by table.
        several = consumed if isinstance(consumed, list) else [consumed]
        told = [one.get("CapacityUnits") for one in several if isinstance(one, dict)]
        units = [number for number in told if isinstance(number, int | float)]
        return cls(operation.name, False, sum(units) if units else None)
