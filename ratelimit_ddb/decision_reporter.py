"""Calls ``on_decision`` of a limiter with what it did, measured."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from ratelimit_ddb.arguments import require_functions
from ratelimit_ddb.bucket.decision import Decision
from ratelimit_ddb.decision_event import EventOperation, LimiterDecision, OnLimiterDecision
from ratelimit_ddb.errors import StoreUnavailable
from ratelimit_ddb.operations.meter import Meter
from ratelimit_ddb.outage import OnOutage


class DecisionReporter:
    """The ``on_decision`` of one limiter.

    Args:
        on_decision: as for RateLimiter.
        on_outage: what decides if the store gives no answer.

    Attributes:
        name: what the limiter is called in its events.
        functions: those that are called.
    """

    __slots__ = ("_on_outage", "functions", "name")

    def __init__(
        self,
        on_decision: OnLimiterDecision | Iterable[OnLimiterDecision],
        on_outage: OnOutage,
    ) -> None:
        self.name = ""
        self.functions: tuple[Callable[..., Any], ...] = require_functions(
            "on_decision", on_decision
        )
        self._on_outage: OnOutage = on_outage

    def new_meter(self) -> Meter | None:
        """What measures a decision; None if no function is called."""
        return Meter() if self.functions else None

    def report(
        self,
        key: str,
        cost: int,
        decision: Decision,
        meter: Meter | None,
        outage: StoreUnavailable | None,
        operation: EventOperation = "acquire",
        *,
        refunded: bool = False,
    ) -> None:
        """Call the functions; nothing without a meter."""
        if meter is None:
            return
        meter.stop()
        event = LimiterDecision(
            self.name,
            key,
            cost,
            decision,
            meter.latency_ns,
            meter.calls,
            meter.capacity_units,
            outage,
            None if outage is None else self._on_outage,
            operation,
            refunded,
        )
        for function in self.functions:
            function(event)
