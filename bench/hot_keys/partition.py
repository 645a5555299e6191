"""A partition of the table in simulated time: so many writes a second, and throttled beyond."""

from __future__ import annotations

from bench.hot_keys.figures import Observed
from ratelimit_ddb.limit import SECOND_NS
from ratelimit_ddb.operations.operation import OperationResult, Take
from tests.simulation.record import Request
from tests.simulation.scheduler import Scheduler
from tests.simulation.table import Table


class Partition:
    """Serves writes at ``ceiling`` a second, with a second's worth of them at once at the start.

    Every request that it serves costs one, applied or refused, as DynamoDB bills it. Throttled
    ones cost nothing.
    """

    def __init__(self, scheduler: Scheduler, ceiling: int, observed: Observed) -> None:
        self._scheduler = scheduler
        self._table = Table(scheduler)
        self._ceiling = ceiling
        # In billionths of a write: integers, so that nothing drifts.
        self._room = ceiling * SECOND_NS
        self._last_ns = scheduler.now_ns
        self._observed = observed

    def take(self, take: Take, request: Request) -> OperationResult | None:
        """The table's answer; None if the partition throttles."""
        return self._table.apply(take, request) if self.admits() else None

    def admits(self) -> bool:
        """Whether it serves one more request now."""
        now_ns = self._scheduler.now_ns
        gained = (now_ns - self._last_ns) * self._ceiling
        self._room = min(self._ceiling * SECOND_NS, self._room + gained)
        self._last_ns = now_ns
        if self._room < SECOND_NS:
            self._observed.throttled.append(now_ns)
            return False
        self._room -= SECOND_NS
        self._observed.writes.append(now_ns)
        return True
