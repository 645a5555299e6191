"""A simulated process: its own clock, what it has seen, and the calls that it makes."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

from ddbwire.clocks.table_clock import TableClock
from ratelimit_ddb.bucket.bucket import Bucket
from ratelimit_ddb.bucket.decision import Decision
from ratelimit_ddb.bucket.observations import ObservationCache
from ratelimit_ddb.bucket.times import BucketTimes
from ratelimit_ddb.bucket.violations import BlockPolicy, Violations
from ratelimit_ddb.limit import SECOND_NS, Limit
from ratelimit_ddb.operations.operation import Operation, ReadClock, Take, Wait
from tests.simulation.network import Network, Unanswered
from tests.simulation.record import Reply, Request
from tests.simulation.scheduler import Scheduler
from tests.simulation.table import Table

_TOO_MANY_TAKES = 30


@dataclass(frozen=True, slots=True)
class LocalClock:
    """How a host's clock is wrong: by how much, how fast it drifts, how coarsely it ticks."""

    offset_ns: int
    drift_ppm: int
    tick_ns: int


class Process:
    """Runs the bucket's flows over the network, as a driver does.

    Attributes:
        clock: the table's clock as this process tells it from the replies.
        replies: what each reply's Date told.
        readings: of the table's clock: true time, the reading, how many replies had come.
    """

    def __init__(
        self,
        number: int,
        scheduler: Scheduler,
        network: Network,
        table: Table,
        local: LocalClock,
        deny_cache_ns: int,
    ) -> None:
        self.number = number
        self.serial = True
        self.local = local
        self.replies: list[Reply] = []
        self.readings: list[tuple[int, int, int]] = []
        self.requests: list[Request] = []
        self._scheduler = scheduler
        self._network = network
        self._table = table
        self._deny_cache_ns = deny_cache_ns
        self._began_ns = scheduler.now_ns
        self._bucket: Bucket
        self._violations: Violations
        self.clock = TableClock(self.local_ns)

    def local_ns(self) -> int:
        """What the host's own clock shows."""
        true_ns, local = self._scheduler.now_ns, self.local
        drift_ns = (true_ns - self._began_ns) * local.drift_ppm // 1_000_000
        local_ns = true_ns + local.offset_ns + drift_ns
        return local_ns - local_ns % local.tick_ns

    def learn(self, date: bytes, reply: Reply, sent_ns: int) -> None:
        """Hear a reply's Date."""
        self.clock.observe(date, sent_ns, reply.received_ns)
        self.replies.append(reply)

    def limit_by(self, limits: tuple[Limit, ...]) -> None:
        """Start with these limits, or deploy them in the place of others."""
        times = BucketTimes(self._deny_cache_ns, lease_ns=0, deadline_ns=SECOND_NS)
        self.limits = limits
        self._bucket = Bucket(limits, ObservationCache(64), times)

    def acquire(
        self, key: str, cost: int, wait_ns: int, suspended_ns: int
    ) -> Generator[int, None, None]:
        """Ask for tokens; ``suspended_ns`` pass between reading the clock and the first write."""
        request, bucket = self._begin("acquire", key, cost, wait_ns), self._bucket
        now_ns = self._read_clock(request) if self.clock.known else None
        flow = bucket.acquire(key, cost, wait_ns, now_ns)
        if isinstance(flow, Decision):
            self._end(request, flow)
        else:
            yield suspended_ns
            yield from self._run(flow, request)

    def refund(self, taking: Request, cost: int) -> Generator[int, None, None]:
        """Give tokens back that a call of this process took under the limits in force."""
        assert taking.decision is not None, taking
        assert taking.decision.taken is not None, taking
        request = self._begin("refund", taking.key, cost, 0)
        taking.refunded += cost
        yield from self._run(self._bucket.refund(taking.decision.taken, cost), request)

    def charge(self, key: str, cost: int) -> Generator[int, None, None]:
        """Take tokens whether they are there or not."""
        request = self._begin("charge", key, cost, 0)
        yield from self._run(self._bucket.charge(key, cost), request)

    def block(self, key: str, blocks_ns: int) -> Generator[int, None, None]:
        """Admit nothing for so long; ``wait_ns`` of its request says how long."""
        request = self._begin("block", key, 0, blocks_ns)
        yield from self._run(self._bucket.block(key, blocks_ns), request)

    def block_after(self, policy: BlockPolicy) -> None:
        """Count denials, and block a key after too many."""
        self._violations = Violations(self._bucket, policy, ObservationCache(64))

    def violate(self, key: str, denial: Decision) -> Generator[int, None, None]:
        """Count a denial by the limits."""
        request = self._begin("violate", key, 0, 0)
        yield from self._run(self._violations.count(key, denial), request)

    def reset(self, key: str) -> Generator[int, None, None]:
        """Fill a bucket."""
        request = self._begin("reset", key, 1, 0)
        yield from self._run(self._bucket.reset(key), request)

    def _begin(self, what: str, key: str, cost: int, wait_ns: int) -> Request:
        request = Request(
            len(self.requests),
            self.number,
            what,
            key,
            cost,
            wait_ns,
            self.limits,
            self._scheduler.now_ns,
            self.serial,
        )
        self.requests.append(request)
        return request

    def _end(self, request: Request, decision: Decision | None) -> None:
        if decision is not None and decision.source == "seen":
            names = tuple([limit.name for limit in request.limits])
            request.held_ns = self._table.held_ns(request.key, names)
        request.decision = decision
        request.over = True
        request.ended_ns = self._scheduler.now_ns

    def _read_clock(self, request: Request) -> int:
        true_ns, now_ns = self._scheduler.now_ns, self.clock.now_ns()
        self.readings.append((true_ns, now_ns, len(self.replies)))
        if request.reading_ns is None:
            request.reading_ns, request.reading_true_ns = now_ns, true_ns
        return now_ns

    def _run(
        self, flow: Generator[Operation | Wait, Any, Decision | bool | None], request: Request
    ) -> Generator[int, None, None]:
        decision = None
        try:
            operation = next(flow)
            while True:
                answer = yield from self._answer(operation, request)
                operation = flow.send(answer)
        except StopIteration as done:
            decision = done.value
        except Unanswered:
            request.outage = True
            flow.close()
        self._end(request, decision if isinstance(decision, Decision) else None)

    def _answer(self, operation: Operation | Wait, request: Request) -> Generator[int, None, Any]:
        assert not isinstance(operation, Wait), operation
        if isinstance(operation, ReadClock):
            while not self.clock.known:
                yield from self._network.call(operation, request, self)
            return self._read_clock(request)
        if isinstance(operation, Take):
            request.takes.append(operation)
            assert len(request.takes) < _TOO_MANY_TAKES, f"endless: {request}"
        outcome = yield from self._network.call(operation, request, self)
        if isinstance(operation, Take):
            assert outcome is not None
            request.answered_ns = outcome.full_at_ns
        return outcome
