"""What a history leaves behind, for the promises to be checked against."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from ratelimit_ddb.bucket.decision import Decision
from ratelimit_ddb.limit import Limit
from ratelimit_ddb.operations.operation import Delete, GiveBack, Operation, Take


@dataclass(slots=True, eq=False)
class Request:
    """One call of a simulated caller: an acquire, a refund, a reset, a charge or a block.

    Attributes:
        serial: whether the process had no other call under way, ever.
        reading_ns: the first clock reading that the call's flow was given.
        reading_true_ns: true time at that instant.
        takes: each Take that the flow yielded.
        disturbed: whether a request or reply of it was lost, repeated or late.
        over: whether the caller has its answer, or has given up.
        held_ns: each ``fullAt`` in the table when the decision was made without asking it.
        answered_ns: each ``fullAt`` as the last answer showed it.
        refunded: tokens that were given back of what it took, or may have been.
    """

    number: int
    process: int
    what: str
    key: str
    cost: int
    wait_ns: int
    limits: tuple[Limit, ...]
    started_ns: int
    serial: bool
    reading_ns: int | None = None
    reading_true_ns: int = 0
    takes: list[Take] = field(default_factory=list)
    disturbed: bool = False
    outage: bool = False
    over: bool = False
    ended_ns: int = 0
    decision: Decision | None = None
    held_ns: tuple[int | None, ...] = ()
    answered_ns: tuple[int | None, ...] = ()
    applications: int = 0
    refunded: int = 0


class Change(NamedTuple):
    """A write that the table applied: when, for whom, and each ``fullAt`` that it named."""

    true_ns: int
    request: Request
    operation: Take | GiveBack | Delete
    before_ns: tuple[int | None, ...]
    after_ns: tuple[int | None, ...]
    late: bool
    """Whether the caller already had its answer, or had given up."""

    @property
    def lowers(self) -> bool:
        """Whether a ``fullAt`` may have moved back."""
        return type(self.operation) is not Take


class Event(NamedTuple):
    """A line of the story: for people, once a history has failed."""

    true_ns: int
    request: Request
    what: str
    operation: Operation | None
    answer: object


class Reply(NamedTuple):
    """What a reply's Date told a process, when: that its offset lies between the two."""

    true_ns: int
    received_ns: int
    least_offset_ns: int
    most_offset_ns: int
