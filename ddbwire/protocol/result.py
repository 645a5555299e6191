"""The result of a call: DynamoDB's response, or a failed condition as a value."""

from typing import Any, NamedTuple, TypeAlias

Item: TypeAlias = dict[str, Any]


class ConditionalCheckFailed(NamedTuple):
    """A ConditionalCheckFailedException, as a value: the condition did not hold."""

    item: Item | None
    """The item in DynamoDB JSON, if ReturnValuesOnConditionCheckFailure asked for it.

    Also None if there was no item.
    """


class TransactionCanceled(NamedTuple):
    """A TransactionCanceledException, as a value: a condition in it did not hold."""

    reasons: list[dict[str, Any]]
    """One for each part of the transaction, in order, in DynamoDB JSON.

    ``{"Code": "ConditionalCheckFailed", "Item": {...}}`` or ``{"Code": "None"}``.
    """


class StaleTimestamp(NamedTuple):
    """The request was not sent: its body depends on a time that is no longer the table's.

    The clock was corrected since, or the process was suspended. An earlier attempt without a
    response may have been applied.
    """

    behind_ns: int
    """How far its time is behind the table's, in nanoseconds."""


CallResult: TypeAlias = (
    dict[str, Any] | ConditionalCheckFailed | TransactionCanceled | StaleTimestamp
)
"""The response in DynamoDB JSON, or the reason that there is none."""
