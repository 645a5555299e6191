"""The events that ``on_decision`` is called with, of limiters and of rules."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple, Protocol

from ratelimit_ddb.bucket.decision import Decision
from ratelimit_ddb.errors import StoreUnavailable
from ratelimit_ddb.outage import OnOutage

EventOperation = Literal["acquire", "refund", "charge", "block"]
"""What an event is about: a request for tokens or a slot; a refund; a charge; a block."""


class LimiterDecision(NamedTuple):
    """What a limiter or ``@rate_limited`` did; ``on_decision`` is called with it.

    ``acquire`` and ``reserve`` are ``"acquire"`` events, before any wait. ``refund`` and ``charge``
    are events of that name, and so is a settled reservation: if 900 tokens were reserved, 500 used
    are a refund of 400, and 1,234 used are a charge of 334.

    Its truth is the decision's.

    Attributes:
        rule: the name in logs and metrics: the function's name or scope; for a limiter its limits,
            behind the namespace if any: ``"shop: 100 per minute"``.
        key: the bucket's key as the table holds it.
        cost: the tokens that were asked for, given back or charged; 0 for a block.
        decision: the decision, before any wait. For a refund, the decision whose tokens were given
            back; for a charge or a block, what ``peek`` would decide after it.
        latency_ns: how long it took, including the network, not including a wait for tokens.
        calls: operations that it sent to the store; 0 for a denial from memory.
        capacity_units: what they consumed; None if the store does not report it
            (``DynamoDBStore(..., report_capacity=True)``) or gave no answer.
        outage: the exception, if the store gave no answer.
        on_outage: what decided instead; None if the store did.
        operation: ``"acquire"``, ``"refund"``, ``"charge"`` or ``"block"``.
        refunded: whether tokens were given back: by a refund, or since another limiter of the same
            ``acquire_all`` denied.
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
    """What logs and metrics read of a LimiterDecision or a RuleDecision."""

    @property
    def rule(self) -> str:
        """The name of the limiter or rule."""

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
        """What the event is about."""

    @property
    def latency_ns(self) -> int:
        """How long it took."""

    @property
    def calls(self) -> int:
        """Operations that it sent to the store."""

    @property
    def capacity_units(self) -> float | None:
        """What they consumed; None if that is not known."""

    @property
    def outage(self) -> StoreUnavailable | None:
        """The exception, if the store gave no answer."""

    @property
    def on_outage(self) -> OnOutage | None:
        """What decided instead of the store."""


OnDecisionEvent = Callable[[DecisionEvent], None]
"""An ``on_decision`` for limiters and rules: what ``log_decisions`` and its like return."""
