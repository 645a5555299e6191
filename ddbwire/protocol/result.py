"""What a call came to: an answer, a refused condition, or trouble and what may cure it."""

from collections.abc import Callable
from enum import Enum, auto
from typing import Any, NamedTuple, TypeAlias, final

Item: TypeAlias = dict[str, Any]


class Refused(NamedTuple):
    """A ConditionalCheckFailedException, as a value: the condition did not hold."""

    item: Item | None
    """The item as it stood, in wire shape, if ReturnValuesOnConditionCheckFailure asked for it.

    None as well when there was no item.
    """


class TransactionRefused(NamedTuple):
    """A TransactionCanceledException, as a value: some condition in it did not hold."""

    reasons: list[dict[str, Any]]
    """One for each part of the transaction, in order, in wire shape.

    ``{"Code": "ConditionalCheckFailed", "Item": {...}}`` or ``{"Code": "None"}``.
    """


class Outdated(NamedTuple):
    """The operation was not sent: its body rests on a time that is not the table's any more.

    The clock was corrected since, or the process was suspended. Where an attempt before it had no
    answer, that one may have been applied.
    """

    behind_ns: int
    """How far its time is behind the table's."""


class Cure(Enum):
    """What may help against a trouble."""

    NOTHING = auto()
    """It is a mistake, and would only be repeated."""
    PAUSE = auto()
    """Another try, a little later."""
    FRESH_CONNECTION = auto()
    """Another try at once: a pooled connection had been closed by the other side."""
    FRESH_CREDENTIALS = auto()
    """Another try at once, signed with new credentials."""
    FRESH_TIME = auto()
    """Another try at once, with the time asked for anew: the signature's was refused."""


@final
class Trouble(NamedTuple):
    """An attempt that failed."""

    cure: Cure
    cause: str
    refusal: Callable[[int], Exception] | None = None
    """Makes what to raise in the end, when the endpoint said what is wrong; takes the retries."""
    maybe_applied: bool = False
    """Whether the request may have been carried out all the same."""
    timed_out: bool = False
    """Whether it was the deadline that ended the attempt."""


Outcome: TypeAlias = dict[str, Any] | Refused | TransactionRefused | Outdated
