"""The rules' decisions on a request, and the verdict: whether it passes."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ratelimit_ddb.bucket.decision import Decision
from ratelimit_ddb.decision_event import EventOperation
from ratelimit_ddb.errors import StoreUnavailable
from ratelimit_ddb.outage import OnOutage
from ratelimit_ddb.web.rules.in_flight import InFlightQuota
from ratelimit_ddb.web.rules.quota_policy import QuotaPolicy
from ratelimit_ddb.web.rules.rule import Rule

if TYPE_CHECKING:
    from ratelimit_ddb.operations.meter import Meter

FOR_GOOD = ("cost", "listed")
"""The sources of denials that are permanent."""


class Charge(NamedTuple):
    """What one rule charges for one request.

    Attributes:
        rule: the rule.
        quota: its limits for this request.
        key: the bucket's key as the table holds it.
        cost: tokens, at least 1; a cost above the quota's smallest burst is never admitted.
    """

    rule: Rule
    quota: QuotaPolicy
    key: str
    cost: int


class Claim(NamedTuple):
    """A slot that one rule claims for one request, until the end of its response.

    Attributes:
        rule: the rule.
        quota: its ``in_flight``.
        key: the slots' key as the table holds it.
        cost: 1.
    """

    rule: Rule
    quota: InFlightQuota
    key: str
    cost: int = 1


class RuleDecision(NamedTuple):
    """One rule's decision on one request; ``on_decision`` is called with it.

    It is true if the decision allows the request.

    Attributes:
        charge: what the rule charged, or claimed.
        decision: the decision; its ``source`` is ``"outage"`` if the store gave no answer.
        refunded: whether the tokens were given back, since another rule denied the request or a
            limit of the view replaced this one.
        latency_ns: how long it took, including the network and a refund; 0 without ``on_decision``.
        calls: operations that it sent to the store, including a refund; 0 for a denial from memory.
        capacity_units: what they consumed; None if the store does not report it
            (``DynamoDBStore(..., report_capacity=True)``) or gave no answer.
        outage: the exception, if the store gave no answer.
        operation: ``"acquire"`` for the decision. After the request has passed this middleware or
            decorator: ``"refund"`` for tokens that a later one, the response or the view's
            ``settle`` gave back; ``"charge"`` for what was used beyond what was reserved. Then the
            charge's ``cost`` is what was given back or charged, and ``latency_ns``, ``calls`` and
            ``capacity_units`` are those of the refund or charge.
        on_outage: what decided if the store gave no answer: ``"local"`` for this process's own
            buckets, ``"allow"``, ``"deny"`` or ``"raise"``.
    """

    charge: Charge | Claim
    decision: Decision
    refunded: bool = False
    latency_ns: int = 0
    calls: int = 0
    capacity_units: float | None = 0.0
    outage: StoreUnavailable | None = None
    operation: EventOperation = "acquire"
    on_outage: OnOutage | None = None

    def __bool__(self) -> bool:
        """Whether the rule's limits allow the request."""
        return self.decision.allowed

    @property
    def rule(self) -> str:
        """The rule's name."""
        return self.charge.rule.name

    @property
    def key(self) -> str:
        """The bucket's key as the table holds it."""
        return self.charge.key

    @property
    def cost(self) -> int:
        """The tokens that were asked for, given back or charged."""
        return self.charge.cost

    @property
    def enforced(self) -> bool:
        """Whether a denial denies the request; False in shadow mode."""
        return self.charge.rule.enforce


class Verdict(NamedTuple):
    """The decisions of all rules on a request. It is true if the request is allowed.

    Attributes:
        decisions: the decisions that were made, in the order of the rules. If an enforced rule
            denies without the store, of the other rules only those that would deny too.
        denials: the enforced denials among them; empty if the request passes.
        charges: what every rule that matches the request charged or claimed.
    """

    decisions: tuple[RuleDecision, ...] = ()
    denials: tuple[RuleDecision, ...] = ()
    charges: tuple[Charge | Claim, ...] = ()

    @property
    def allowed(self) -> bool:
        """Whether the request passes."""
        return not self.denials

    def __bool__(self) -> bool:
        """Whether the request passes."""
        return not self.denials

    @property
    def limited(self) -> bool:
        """Whether any rule is over its limit, including rules with ``enforce=False``."""
        return any(not one.decision.allowed for one in self.decisions)

    @property
    def longest(self) -> RuleDecision:
        """The denial that lasts longest; a permanent one is the longest."""
        return max(self.denials, key=_how_long)


def _how_long(denial: RuleDecision) -> tuple[bool, int]:
    return denial.decision.source in FOR_GOOD, denial.decision.retry_after_ns


def with_usage(decided: RuleDecision, meter: Meter) -> RuleDecision:
    """A decision with the meter's measurements added."""
    meter.stop()
    known = meter.capacity_units is not None and decided.capacity_units is not None
    return decided._replace(
        latency_ns=decided.latency_ns + meter.latency_ns,
        calls=decided.calls + meter.calls,
        capacity_units=decided.capacity_units + meter.capacity_units if known else None,  # type: ignore[operator]
    )
