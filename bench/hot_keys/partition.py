"""A partition of the table in simulated time: takes so many writes a second, throttles the rest."""

from __future__ import annotations

from bench.hot_keys.figures import Observed
from bench.hot_keys.write_budget import WriteBudget
from ratelimit_ddb.operations.operation import OperationResult, Take
from tests.simulation.record import Request
from tests.simulation.scheduler import Scheduler
from tests.simulation.table import Table


class Partition:
    """Serves writes as far as its budget goes.

    Every request that it serves costs one unit, applied or refused, as DynamoDB bills it.
    Throttled ones cost nothing.
    """

    def __init__(self, scheduler: Scheduler, ceiling: int, observed: Observed) -> None:
        self._scheduler = scheduler
        self._table = Table(scheduler)
        self._budget = WriteBudget(ceiling, scheduler.now_ns)
        self._observed = observed

    def take(self, take: Take, request: Request) -> OperationResult | None:
        """The table's answer; None if the partition throttles."""
        now_ns = self._scheduler.now_ns
        if not self._budget.spend(1, now_ns):
            self._observed.throttled.append(now_ns)
            return None
        self._observed.writes.append(now_ns)
        return self._table.apply(take, request)
