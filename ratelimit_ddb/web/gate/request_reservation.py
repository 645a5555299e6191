"""The reservation of a request: what rules with ``reserves=True`` took for it, by their costs.

The view says what was used, as soon as it knows; nothing is sent then. When the response is over,
whoever put the rules before the view settles it:

    the view settled:                     less is given back, more is charged;
    it did not, and the request failed:   the estimates are given back;
    neither:                              they stay taken.

A request has failed where the application raised before its response began, or answered with a
status of 500 or more. One that is cancelled, or whose client goes away in the middle of a response,
has not: what was produced until then was used.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from ratelimit_ddb.arguments import require_int_from
from ratelimit_ddb.bucket.debt import require_charge
from ratelimit_ddb.once import Once
from ratelimit_ddb.operations.breaker import Breaker
from ratelimit_ddb.operations.driver import run, run_async, uncancelled
from ratelimit_ddb.operations.meter import Meter
from ratelimit_ddb.operations.operation import Flow, JointFlow
from ratelimit_ddb.operations.store import Store
from ratelimit_ddb.operations.together import raise_mistake, side_by_side
from ratelimit_ddb.outage import OutagePolicy
from ratelimit_ddb.settling import Settlement, settle
from ratelimit_ddb.web.rules.verdict import RuleDecision, Verdict

_FAILED = 500


class Reserved(NamedTuple):
    """What one rule reserved.

    Attributes:
        decided: its decision.
        store: where its bucket is.
        policy: decides in an outage.
        timeout_ns: how long settling may take.
        breaker: the store's.
        report: calls ``on_decision``; None if there is none.
    """

    decided: RuleDecision
    store: Store
    policy: OutagePolicy
    timeout_ns: int
    breaker: Breaker
    report: Callable[[Iterable[RuleDecision]], None] | None


class RequestReservation:
    """What a request has reserved, for its view to settle; see ``reservation_of``.

    If nothing was reserved, ``settle`` has no effect, so a view need not ask.
    """

    __slots__ = ("_end", "_reserved", "_used")

    def __init__(self) -> None:
        self._reserved: list[Reserved] = []
        self._used: int | None = None
        self._end = Once()

    @property
    def cost(self) -> int:
        """The tokens that were reserved: the largest number of several rules; 0 for nothing."""
        return max((one.decided.cost for one in self._reserved), default=0)

    @property
    def used(self) -> int | None:
        """The tokens that it was settled for; None before that."""
        return self._used

    def settle(self, used: int) -> None:
        """Settle for ``used`` tokens of every rule that reserved some.

        It is sent when the response is over, and the last call counts. So a streaming response may
        settle at its end, or again with each piece.

        Args:
            used: tokens, an int of at least 0; an excess over the reservation becomes a debt.

        Raises:
            TypeError, ValueError: ``used`` is no number of tokens.
            RuntimeError: the response is over.
        """
        used = require_int_from("used", used, 0)
        for one in self._reserved:
            bucket = one.decided.charge.quota.bucket
            if bucket is not None:
                require_charge("used", used, bucket.limits)
        if self._end.begun:
            raise RuntimeError("the response is over, so its reservation has been settled")
        self._used = used

    def add(self, reserved: Reserved) -> None:
        """Note what a rule reserved."""
        self._reserved.append(reserved)

    def end(self, *, failed: bool) -> None:
        """Settle it at the end of the response, blocking. The first call counts.

        Args:
            failed: whether the estimates are given back if the view did not settle.

        Raises:
            StoreError: a mistake of set-up; an outage is not raised.
        """
        for flow, one in self._settling(failed):
            run(flow, one.store, one.timeout_ns, one.breaker, decides=True)

    async def end_async(self, *, failed: bool) -> None:
        """Settle it; see ``end``. What is cancelled goes on in the background."""
        waits = any(not one.store.in_process for one in self._reserved)
        await uncancelled(self._end_async(failed), waits=waits)

    async def _end_async(self, failed: bool) -> None:
        for flow, one in self._settling(failed):
            await run_async(flow, one.store, one.timeout_ns, one.breaker, decides=True)

    def _settling(self, failed: bool) -> Iterator[tuple[JointFlow[None], Reserved]]:
        """For each store, the flow that settles, and one of the reservations on it."""
        if not self._end.begin():
            return
        used = 0 if failed and self._used is None else self._used
        if used is None:
            return
        by_store: dict[int, list[Reserved]] = {}
        for one in self._reserved:
            by_store.setdefault(id(one.store), []).append(one)
        for several in by_store.values():
            yield _settle_all(several, used), several[0]


def reserved_by(
    verdict: Verdict,
    store: Store,
    policy: OutagePolicy,
    timeout_ns: int,
    breaker: Breaker,
    report: Callable[[Iterable[RuleDecision]], None] | None,
) -> list[Reserved]:
    """What the rules of a verdict reserved."""
    return [
        Reserved(one, store, policy, timeout_ns, breaker, report)
        for one in verdict.decisions
        if one.charge.rule.reserves and one.decision.allowed and one.charge.quota.bucket is not None
    ]


def has_failed(status: int | None, *, raised: bool) -> bool:
    """Whether a request has failed.

    Args:
        status: the status of its response; None if that had not begun.
        raised: whether the application raised an Exception; a cancellation is none.
    """
    return raised if status is None else status >= _FAILED


def _settle_all(several: list[Reserved], used: int) -> JointFlow[None]:
    settling: list[tuple[Reserved, Meter, Flow[Settlement]]] = []
    for one in several:
        decided = one.decided
        taken = decided.decision.taken
        bucket, key = decided.charge.quota.bucket, decided.key
        if bucket is None or (taken is not None and not taken.kept):
            continue  # it was given back, since the request was denied elsewhere
        flow = settle(one.policy, bucket, key, taken, decided.cost, used)
        if flow is not None:
            meter = Meter()
            settling.append((one, meter, flow if one.report is None else meter.measured(flow)))
    outcomes = yield from side_by_side([flow for _, _, flow in settling])
    for (one, meter, _), outcome in zip(settling, outcomes, strict=True):
        # An outage is not raised: the response is over.
        if isinstance(outcome, Settlement) and one.report is not None:
            one.report([_told(one, outcome, meter)])
    raise_mistake(outcomes)


def _told(reserved: Reserved, settled: Settlement, meter: Meter) -> RuleDecision:
    """What ``on_decision`` is called with."""
    operation, cost, after, refunded, outage = settled
    decided = reserved.decided
    return RuleDecision(
        decided.charge._replace(cost=cost),
        decided.decision if after is None else after,
        refunded,
        meter.latency_ns,
        meter.calls,
        meter.capacity_units,
        outage,
        operation,
        None if outage is None else reserved.policy.on_outage,
    )
