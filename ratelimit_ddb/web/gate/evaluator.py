"""From the rules' charges to a verdict: all of them take their tokens, or none keeps any.

    all charges take their tokens, side by side, in the time of one;
    if an enforced rule denies, what the others took is given back, side by side too.

If an enforced rule would deny by what this process has observed, nothing is sent for any rule: a
flood that the last rule denies costs the first one nothing.

The flow does no I/O: it yields operations (operation.py) and is sent their results. An outage is
raised in the flow of one charge, and ``on_outage`` decides on that charge alone. A quarter of the
deadline is left for giving back.

``all_or_none/`` is separate: its limiters have stores, outage policies and stored limits of their
own, and keys may repeat. Here all charges are on one store, and rules may be in shadow mode, deny
listed clients, and block.
"""

from __future__ import annotations

from dataclasses import dataclass

from ddbwire.tuple_new import tuple_new
from ratelimit_ddb.bucket.decision import Decision, Source
from ratelimit_ddb.bucket.observations import Observation
from ratelimit_ddb.errors import KeyThrottled, StoreError, StoreUnavailable
from ratelimit_ddb.operations.meter import Meter
from ratelimit_ddb.operations.operation import Flow, JointFlow, ReadClock
from ratelimit_ddb.operations.store import Clock
from ratelimit_ddb.operations.together import side_by_side
from ratelimit_ddb.outage import OnOutage, OutagePolicy
from ratelimit_ddb.web.gate.decision_refunds import refund_decisions
from ratelimit_ddb.web.rules.verdict import Charge, RuleDecision, Verdict, with_usage


@dataclass(frozen=True, slots=True)
class Evaluator:
    """How verdicts are made.

    Attributes:
        clock: the store's.
        outage_policy: decides in an outage.
        measures: whether decisions are measured, for ``on_decision``.
    """

    clock: Clock
    outage_policy: OutagePolicy
    measures: bool

    def evaluate(self, charges: list[Charge]) -> JointFlow[Verdict]:
        """The verdict on several charges: of several rules, or of one rule for several keys."""
        if not charges:
            return Verdict()  # the rules only claim slots
        observations = [charge.quota.bucket.recall(charge.key) for charge in charges]
        decided = self._denials_from_memory(charges, observations)
        if not decided:
            decided = yield from self._take_all(charges, observations)
            if any(map(_denies, decided)):
                decided = yield from refund_decisions(decided, self.measures)
        for index, one in enumerate(decided):
            if not one.decision.allowed:
                flow = _after_denial(one)
                if flow is not None:
                    denied = _denied_measured if self.measures else _denied
                    decided[index] = yield from denied(one, flow)
        denials = tuple([one for one in decided if _denies(one)])
        return tuple_new(Verdict, (tuple(decided), denials, tuple(charges)))

    def evaluate_one(self, charge: Charge) -> Flow[Verdict]:
        """The verdict on one charge: the hot path."""
        outage: StoreUnavailable | None = None
        on_outage: OnOutage | None = None
        decision = self._acquire(charge)
        if not isinstance(decision, Decision):
            try:
                decision = yield from decision
            except StoreUnavailable as failure:
                outage, on_outage = failure, self.outage_policy.on_outage
                decision = self._decision_in_outage(charge, outage)
        decided = (
            tuple_new(
                RuleDecision, (charge, decision, False, 0, 0, 0.0, outage, "acquire", on_outage)
            ),
        )
        if not decision.allowed:
            flow = _after_denial(decided[0])
            if flow is not None:
                decided = ((yield from _denied(decided[0], flow)),)
        if decision.allowed or not charge.rule.enforce:
            return tuple_new(Verdict, (decided, (), (charge,)))
        return Verdict(decided, decided, (charge,))

    def evaluate_one_measured(self, charge: Charge) -> Flow[Verdict]:
        """The same, for ``on_decision``."""
        meter = Meter()
        verdict = yield from meter.measured(self.evaluate_one(charge))
        decided = (with_usage(verdict.decisions[0], meter),)
        return verdict._replace(decisions=decided, denials=decided if verdict.denials else ())

    def _take_all(
        self, charges: list[Charge], observations: list[Observation]
    ) -> JointFlow[list[RuleDecision]]:
        """Take the tokens of every charge. If one denies without the store, nothing is sent.

        Returns:
            the decisions, in the order of the charges.

        Raises:
            StoreError: a mistake of set-up; what was taken is given back.
        """
        meters = [Meter() if self.measures else None for _ in charges]
        decided: dict[int, RuleDecision] = {}
        flows: dict[int, Flow[Decision]] = {}
        outages: dict[int, StoreUnavailable] = {}
        try:
            now_ns = self.clock.now_ns() if self.clock.known else (yield ReadClock())
        except StoreUnavailable as outage:
            outages = dict.fromkeys(range(len(charges)), outage)
            self._decide_without_store(charges, meters, outages, decided)
            return list(decided.values())
        for index, charge in enumerate(charges):
            meter = meters[index]
            begun = self._acquire(charge, observations[index], now_ns)
            if not isinstance(begun, Decision):
                flows[index] = begun if meter is None else meter.measured(begun)
                continue
            decided[index] = self._decided(charge, begun, meter)
            if _denies(decided[index]):
                return list(decided.values())
        outcomes = yield from side_by_side(list(flows.values()), leaves_time=True)
        mistake: StoreError | None = None
        for index, outcome in zip(flows, outcomes, strict=True):
            if isinstance(outcome, Decision):
                decided[index] = self._decided(charges[index], outcome, meters[index])
            elif isinstance(outcome, StoreUnavailable):
                outages[index] = outcome
            else:
                mistake = outcome
        if mistake is not None:
            yield from refund_decisions(list(decided.values()), measures=False)
            raise mistake
        if outages:
            self._decide_without_store(charges, meters, outages, decided)
        return [decided[index] for index in range(len(charges))]

    def _decide_without_store(
        self,
        charges: list[Charge],
        meters: list[Meter | None],
        outages: dict[int, StoreUnavailable],
        decided: dict[int, RuleDecision],
    ) -> None:
        """Decide on the charges that got no answer; if one denies, none takes (P3)."""
        takes = not any(map(_denies, decided.values())) and not any(
            charges[index].rule.enforce and self._would_deny(charges[index]) for index in outages
        )
        for index, outage in outages.items():
            charge = charges[index]
            decided[index] = self._decided(charge, outage, meters[index], takes=takes)

    def _would_deny(self, charge: Charge) -> bool:
        _, quota, key, cost = charge
        return cost > quota.smallest_burst or self.outage_policy.denies(quota.bucket, key, cost)

    def _decided(
        self,
        charge: Charge,
        outcome: Decision | StoreUnavailable,
        meter: Meter | None,
        *,
        takes: bool = True,
    ) -> RuleDecision:
        if isinstance(outcome, Decision):
            decided = tuple_new(
                RuleDecision, (charge, outcome, False, 0, 0, 0.0, None, "acquire", None)
            )
        else:
            decision = self._decision_in_outage(charge, outcome, takes=takes)
            decided = RuleDecision(
                charge,
                decision,
                outage=outcome,
                on_outage=self.outage_policy.on_outage,
            )
        return decided if meter is None else with_usage(decided, meter)

    def _denials_from_memory(
        self,
        charges: list[Charge],
        observations: list[Observation],
    ) -> list[RuleDecision]:
        """The enforced denials by observations, if one of these is recent enough to deny.

        Older observations can't deny on their own, but they still tell how long to wait.
        """
        meter = Meter() if self.measures else None
        now_ns = self.clock.now_ns() if self.clock.known else None
        found: list[tuple[Charge, Decision]] = []
        denied = False
        for charge, observation in zip(charges, observations, strict=True):
            rule, quota, _, cost = charge
            if not rule.enforce:
                continue
            if cost > quota.smallest_burst:
                found.append((charge, _cost_denial(charge)))
                denied = True
            elif now_ns is not None:
                denial = quota.bucket.denial_by(observation, cost, now_ns)
                if denial is not None:
                    found.append((charge, denial))
                    denied = denied or quota.bucket.may_deny(observation, now_ns)
        if not denied:
            return []
        return [self._decided(charge, denial, meter) for charge, denial in found]

    def _acquire(
        self, charge: Charge, observation: Observation | None = None, now_ns: int | None = None
    ) -> Decision | Flow[Decision]:
        """The decision, if it needs no store; otherwise the flow that takes the tokens."""
        rule, quota, key, cost = charge
        if cost > quota.smallest_burst:
            return _cost_denial(charge)
        if now_ns is None and self.clock.known:
            now_ns = self.clock.now_ns()
        return quota.bucket.acquire(key, cost, 0, now_ns, observation, not rule.reserves)

    def _decision_in_outage(
        self, charge: Charge, outage: StoreUnavailable, *, takes: bool = True
    ) -> Decision:
        # Under "raise" the caller of the flow raises it, after it has called ``on_decision``.
        _, quota, key, cost = charge
        if cost > quota.smallest_burst:
            return _cost_denial(charge)
        return self.outage_policy.decide(outage, quota.bucket, key, cost, 0, takes=takes)


def _after_denial(denied: RuleDecision) -> Flow[Decision] | None:
    """The flow that counts a denial, or looks up whether it is a block; None for neither."""
    charge = denied.charge
    return charge.quota.after_denial(charge.key, denied.decision, charge.cost)


def _denied(denied: RuleDecision, flow: Flow[Decision]) -> Flow[RuleDecision]:
    """The denial with what a flow finds out about it; in an outage, as it is."""
    try:
        return denied._replace(decision=(yield from flow))
    except (StoreUnavailable, KeyThrottled):
        return denied


def _denied_measured(denied: RuleDecision, flow: Flow[Decision]) -> Flow[RuleDecision]:
    """The same, for ``on_decision``."""
    meter = Meter()
    made = yield from _denied(denied, meter.measured(flow))
    return with_usage(made, meter)


def _denies(decided: RuleDecision) -> bool:
    return not decided.decision.allowed and decided.charge.rule.enforce


def _cost_denial(charge: Charge) -> Decision:
    """The permanent denial: the cost is more than a burst, or the client is listed."""
    limits = charge.quota.bucket.limits
    smallest = min(limits, key=lambda limit: limit.burst)
    source: Source = "listed" if charge.quota.is_closed else "cost"
    return Decision(False, 0, 0, 0, smallest, 0, source)
