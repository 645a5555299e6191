"""What ``on_decision`` of a limiter is called with, and what it has in common with a rule's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple, Protocol

from ratelimit_ddb.bucket.decision import Decision
from ratelimit_ddb.errors import StoreUnavailable
from ratelimit_ddb.outage import OnOutage

EventOperation = Literal["acquire", "refund", "charge", "block"]
"""What an event tells of: a request for tokens, a slot too; tokens that were given back later;
tokens that were taken without asking; a key that was blocked."""


class LimiterDecision(NamedTuple):
    """What a limiter or ``@rate_limited`` did; what ``on_decision`` is called with.

    ``acquire`` and ``reserve`` are told as ``"acquire"``, each before any wait. ``refund`` and
    ``charge`` are told as themselves; a settled reservation as the one of them that it was: of 900
    tokens that were reserved, 500 used are a refund of 400, and 1,234 used are a charge of 334.

    Its truth is the decision's.

    Attributes:
        rule: what it is called in logs and metrics: the function's name or scope; of a limiter its
            limits, behind the namespace if any: ``"shop: 100 per minute"``.
        key: the bucket's key as the table holds it.
        cost: the tokens that were asked for, given back or charged; 0 of a block.
        decision: what was decided, before any wait. Of a refund, the decision whose tokens were
            given back; of a charge or a block, what ``peek`` would say after it.
        latency_ns: how long it took, network included, and a wait for the tokens not.
        calls: operations that it sent to the store; 0 for a denial from memory.
        capacity_units: what they consumed; None where the store does not report it
            (``DynamoDBStore(..., report_capacity=True)``) or gave no answer.
        outage: what was raised where the store gave no answer.
        on_outage: what decided in its place; None where the store did.
        operation: ``"acquire"``, ``"refund"``, ``"charge"`` or ``"block"``.
        refunded: whether tokens were given back: by a refund, or of an ``acquire_all`` that another
            limiter denied.
    """

    rule: str
    key: str
    cost: int
    decision: Decision
    latency_ns: int
    calls: int
    capacity_units: float | None
    outage: StoreUnavailable | None = None
    on_outage: OnOutage | None = None
    operation: EventOperation = "acquire"
    refunded: bool = False

    def __bool__(self) -> bool:
        """Whether the tokens were taken."""
        return self.decision.allowed

    @property
    def enforced(self) -> bool:
        """True: a limiter has no shadow mode."""
        return True


OnLimiterDecision = Callable[[LimiterDecision], None]
"""Called with each of a limiter's events."""


class DecisionEvent(Protocol):
    """What logs and metrics read: of a LimiterDecision, or of a RuleDecision of the web."""

    @property
    def rule(self) -> str:
        """The name of what decided."""

    @property
    def key(self) -> str:
        """The bucket's key as the table holds it."""

    @property
    def cost(self) -> int:
        """The tokens that were asked for, given back or charged."""

    @property
    def decision(self) -> Decision:
        """What was decided."""

    @property
    def enforced(self) -> bool:
        """Whether a denial denies; False in shadow mode."""

    @property
    def refunded(self) -> bool:
        """Whether the tokens were given back."""

    @property
    def operation(self) -> EventOperation:
        """What it tells of."""

    @property
    def latency_ns(self) -> int:
        """How long it took."""

    @property
    def calls(self) -> int:
        """Operations that it sent to the store."""

    @property
    def capacity_units(self) -> float | None:
        """What they consumed; None where it is not known."""

    @property
    def outage(self) -> StoreUnavailable | None:
        """What was raised where the store gave no answer."""

    @property
    def on_outage(self) -> OnOutage | None:
        """What decided in its place."""


OnDecisionEvent = Callable[[DecisionEvent], None]
"""For ``on_decision`` of both: what ``log_decisions`` and its like return."""
