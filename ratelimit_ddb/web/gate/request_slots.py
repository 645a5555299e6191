"""The slots of a request: claimed once its tokens are taken, held to the end of its response.

All slots that the rules claim are taken side by side. If an enforced rule has none left, the other
slots are released and the tokens given back: all or nothing, as for tokens (docs/decisions/006).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from ratelimit_ddb.errors import StoreError, StoreUnavailable
from ratelimit_ddb.operations.breaker import Breaker
from ratelimit_ddb.operations.driver import run, run_async
from ratelimit_ddb.operations.meter import Meter
from ratelimit_ddb.operations.operation import Flow, JointFlow
from ratelimit_ddb.operations.store import Store
from ratelimit_ddb.operations.together import side_by_side
from ratelimit_ddb.outage import OnOutage
from ratelimit_ddb.slot_limit import SlotLimit
from ratelimit_ddb.slots.renewer import Renewer
from ratelimit_ddb.slots.slot import Grant
from ratelimit_ddb.slots.slot_flows import SlotAttempt
from ratelimit_ddb.slots.slots_core import SlotsCore
from ratelimit_ddb.web.gate.decision_refunds import refund_decisions
from ratelimit_ddb.web.rules.verdict import Claim, RuleDecision, Verdict


class RequestSlots:
    """The slots that one gate holds for one request.

    Args:
        grants: the slots.
        store, breaker, timeout_ns: as for ``run``.
    """

    __slots__ = ("_breaker", "_grants", "_store", "_timeout_ns")

    def __init__(
        self, grants: list[Grant], store: Store, breaker: Breaker, timeout_ns: int
    ) -> None:
        self._grants = grants
        self._store = store
        self._breaker = breaker
        self._timeout_ns = timeout_ns

    def release(self) -> None:
        """Release them, blocking. A second call does nothing.

        Raises:
            StoreError: a mistake of set-up. After an outage it is tried again in the background.
        """
        flow = _release_all(self._grants)
        if flow is not None:
            run(flow, self._store, self._timeout_ns, self._breaker, decides=True)

    async def release_async(self) -> None:
        """Release them; see ``release``. If cancelled, they are released in the background."""
        flow = _release_all(self._grants)
        if flow is not None:
            await run_async(flow, self._store, self._timeout_ns, self._breaker, decides=True)

    def give_up(self) -> None:
        """Release them in the background."""
        for grant in self._grants:
            grant.give_up()

    def __del__(self) -> None:
        self.give_up()  # a response that another one replaced is never sent and never closed


class Claimed(NamedTuple):
    """The result of claiming slots.

    Attributes:
        verdict: the verdict of all rules on the request.
        grants: the slots; none if the request is denied.
    """

    verdict: Verdict
    grants: list[Grant]


class Claimer:
    """Claims the slots of a gate's requests.

    Args:
        store: where the slots are.
        on_outage, deadline: as for ConcurrencyLimiter.
        measures: whether decisions are measured, for ``on_decision``.
    """

    __slots__ = ("_cores", "_deadline", "_measures", "_on_outage", "_store")

    def __init__(
        self, store: Store, on_outage: OnOutage, deadline: float, *, measures: bool
    ) -> None:
        self._store = store
        self._on_outage: OnOutage = on_outage
        self._deadline = deadline
        self._measures = measures
        self._cores: dict[tuple[int, int], SlotsCore] = {}

    def claim(self, verdict: Verdict, claims: list[Claim], renewer: Renewer) -> JointFlow[Claimed]:
        """Take the slots of a request whose tokens were taken.

        Returns:
            the verdict of all rules. Under ``on_outage="raise"`` an outage is a denial, as of
            tokens: the gate raises it, once it has reported the verdict.

        Raises:
            StoreError: a mistake of set-up; what was taken is given back.
        """
        cores = [self._core(claim.quota.limit) for claim in claims]
        meters = [Meter() if self._measures else None for _ in claims]
        flows: list[Flow[SlotAttempt]] = []
        for claim, core, meter in zip(claims, cores, meters, strict=True):
            flow = core.take(claim.key, None, renewer)
            flows.append(flow if meter is None else meter.measured(flow))
        outcomes = yield from side_by_side(flows, leaves_time=True)
        grants, decided, failures = [], [], []
        for claim, core, meter, taken in zip(claims, cores, meters, outcomes, strict=True):
            if isinstance(taken, StoreError):
                failures.append(taken)
                continue
            grants.append(Grant(core, claim.key, taken, renewer))
            decided.append(self._decision(claim, taken, meter))
        denials = tuple([one for one in decided if not one.decision.allowed and one.enforced])
        every = (*verdict.charges, *claims)
        if not denials and not failures:
            return Claimed(Verdict((*verdict.decisions, *decided), (), every), grants)
        release = _release_all(grants)
        if release is not None:
            yield from release
        refunded = yield from refund_decisions(verdict.decisions, self._measures)
        if failures:
            raise failures[0]
        released = [one._replace(refunded=one.decision.allowed) for one in decided]
        return Claimed(Verdict((*refunded, *released), denials, every), [])

    def _core(self, limit: SlotLimit) -> SlotsCore:
        key = (limit.slots, limit.lifetime_ns)
        if key not in self._cores:
            self._cores[key] = SlotsCore(
                self._store,
                limit,
                on_outage="deny" if self._on_outage == "raise" else self._on_outage,
                deadline=self._deadline,
                namespace="",
                enabled=True,
                on_decision=(),
            )
        return self._cores[key]

    def _decision(self, claim: Claim, taken: SlotAttempt, meter: Meter | None) -> RuleDecision:
        outage = taken.outage
        on_outage = None if outage is None else self._on_outage
        decided = RuleDecision(claim, taken.decision, outage=outage, on_outage=on_outage)
        if meter is None:
            return decided
        meter.stop()
        return decided._replace(
            latency_ns=meter.latency_ns, calls=meter.calls, capacity_units=meter.capacity_units
        )


def _release_all(grants: Iterable[Grant]) -> JointFlow[None] | None:
    """A flow that releases slots side by side; None if none of them is in the table."""
    flows = [flow for grant in grants if (flow := grant.begin_release()) is not None]
    return _together(flows) if flows else None


def _together(flows: list[Flow[None]]) -> JointFlow[None]:
    outcomes = yield from side_by_side(flows)
    for outcome in outcomes:
        # After an outage of ``prepare`` the renewer tries again.
        if isinstance(outcome, StoreError) and not isinstance(outcome, StoreUnavailable):
            raise outcome
