"""The result of a call: DynamoDB's response, or a condition that did not hold, as a value."""

from typing import Any, NamedTuple, TypeAlias

Item: TypeAlias = dict[str, Any]


class ConditionalCheckFailed(NamedTuple):
    """A ConditionalCheckFailedException, as a value: the condition did not hold."""

    item: Item | None
    """The item as it stood, in DynamoDB JSON, if ReturnValuesOnConditionCheckFailure asked for it.

    None as well when there was no item.
    """


class TransactionCanceled(NamedTuple):
    """A TransactionCanceledException, as a value: some condition in it did not hold."""

    reasons: list[dict[str, Any]]
    """One for each part of the transaction, in order, in DynamoDB JSON.

    ``{"Code": "ConditionalCheckFailed", "Item": {...}}`` or ``{"Code": "None"}``.
    """


class StaleTimestamp(NamedTuple):
    """The request was not sent: its body rests on a time that is not the table's any more.

    The clock was corrected since, or the process was suspended. An earlier attempt
    that got no response may have been applied.
    """

    behind_ns: int
    """How far its time is behind the table's."""


CallResult: TypeAlias = (
    dict[str, Any] | ConditionalCheckFailed | TransactionCanceled | StaleTimestamp
)
"""The response in DynamoDB JSON, or why there is none."""
