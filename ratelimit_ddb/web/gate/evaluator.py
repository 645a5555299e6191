"""From what the rules charge to a verdict: all of them take their tokens, or none keeps any.

    each charge in turn takes its tokens;
    at the first denial that is enforced, what the earlier ones took is refunded,
    and the later ones are read, so that the client gets the longest wait.

Where several rules charge, those that would deny by what this process has observed are evaluated
first: a flood that the last rule denies sends nothing for the first one either.

The flow does no I/O: it yields operations (operation.py) and is sent their results. An outage is
raised in it, and decided by the policy for this charge alone: each rule is decided by itself. The
deadline is the request's, so it is divided among the charges (budgeted_store.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from ratelimit_ddb.bucket.decision import Decision
from ratelimit_ddb.bucket.observations import Observation
from ratelimit_ddb.errors import StoreUnavailable
from ratelimit_ddb.operations.operation import Flow
from ratelimit_ddb.operations.store import Clock
from ratelimit_ddb.outage import OnOutage, decision_in_outage
from ratelimit_ddb.tuple_new import tuple_new
from ratelimit_ddb.web.gate.budgeted_store import BudgetedStore
from ratelimit_ddb.web.gate.metered_store import MeteredStore
from ratelimit_ddb.web.rules.verdict import Charge, RuleDecision, Verdict


@dataclass(frozen=True, slots=True)
class Evaluator:
    """How verdicts are made.

    Attributes:
        clock: the store's.
        on_outage: what a decision is without the store.
    """

    clock: Clock
    on_outage: OnOutage

    def evaluate(
        self, charges: list[Charge], meter: MeteredStore | None, budget: BudgetedStore | None
    ) -> Flow[Verdict]:
        """The verdict on a request.

        Args:
            charges: what each rule charges.
            meter: measures each decision for ``on_decision``; None where nobody needs it.
            budget: divides the deadline; None where one rule has it all.
        """
        observations: Sequence[Observation | None] = (None,)
        if len(charges) > 1:
            recalled = [charge.quota.bucket.recall(charge.key) for charge in charges]
            observations = recalled
            denials = self._denials_from_memory(charges, recalled, meter)
            if denials:
                return Verdict(denials, denials, tuple(charges))
        admitted: list[RuleDecision] = []
        for index, charge in enumerate(charges):
            if budget is not None:
                # One more for the refunds, which a denial would make of what is taken already.
                budget.start_share(len(charges) - index + bool(admitted))
            decided = yield from self._decide(charge, observations[index])
            if meter is not None:
                decided = _with_usage(decided, meter)
            if not decided.decision.allowed and charge.rule.enforce:
                later = charges[index + 1 :]
                refunds = yield from refund_all(admitted, meter, budget, len(later))
                further = yield from self._further_denials(later, meter, budget)
                decided = _with_usage(decided, meter)
                return Verdict((*refunds, decided, *further), (decided, *further), tuple(charges))
            admitted.append(decided)
        return Verdict(tuple(admitted), (), tuple(charges))

    def evaluate_one(self, charge: Charge) -> Flow[Verdict]:
        """The same for one rule without ``on_decision``: the hot path, with nothing to spare."""
        outage: StoreUnavailable | None = None
        decision = self._acquire(charge)
        if not isinstance(decision, Decision):
            try:
                decision = yield from decision
            except StoreUnavailable as failure:
                outage = failure
                decision = self._decision_in_outage(charge, outage)
        decided = (tuple_new(RuleDecision, (charge, decision, False, 0, 0, 0.0, outage, False)),)
        if decision.allowed or not charge.rule.enforce:
            return tuple_new(Verdict, (decided, (), (charge,)))
        return Verdict(decided, decided, (charge,))

    def _decide(self, charge: Charge, observation: Observation | None) -> Flow[RuleDecision]:
        outage: StoreUnavailable | None = None
        decision = self._acquire(charge, observation)
        if not isinstance(decision, Decision):
            try:
                decision = yield from decision
            except StoreUnavailable as failure:
                outage = failure
                decision = self._decision_in_outage(charge, outage)
        return tuple_new(RuleDecision, (charge, decision, False, 0, 0, 0.0, outage, False))

    def _denials_from_memory(
        self,
        charges: list[Charge],
        observations: list[Observation],
        meter: MeteredStore | None,
    ) -> tuple[RuleDecision, ...]:
        """The enforced denials by what was observed, if one of them is recent enough to deny.

        The others are no longer trusted to deny, but what they say of the wait is better than
        nothing.
        """
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
            return ()
        return tuple(_with_usage(RuleDecision(charge, denial), meter) for charge, denial in found)

    def _denial_from_memory(self, charge: Charge) -> Decision | None:
        """The denial of one charge that needs no store, if it is one."""
        _, quota, key, cost = charge
        if cost > quota.smallest_burst:
            return _cost_denial(charge)
        if not self.clock.known:
            return None
        now_ns = self.clock.now_ns()
        observation = quota.bucket.recall(key)
        denial = quota.bucket.denial_by(observation, cost, now_ns)
        return denial if quota.bucket.may_deny(observation, now_ns) else None

    def _acquire(
        self, charge: Charge, observation: Observation | None = None
    ) -> Decision | Flow[Decision]:
        """A denial that needs no store, or the flow that takes the tokens."""
        _, quota, key, cost = charge
        if cost > quota.smallest_burst:
            return _cost_denial(charge)
        clock = self.clock
        now_ns = clock.now_ns() if clock.known else None
        return quota.bucket.acquire(key, cost, 0, now_ns, observation)

    def _decision_in_outage(self, charge: Charge, outage: StoreUnavailable) -> Decision:
        # Under "raise" whoever runs the flow raises it, after ``on_decision`` was called.
        policy: OnOutage = "deny" if self.on_outage == "raise" else self.on_outage
        return decision_in_outage(policy, outage, charge.quota.bucket.limits[0])

    def _further_denials(
        self, charges: list[Charge], meter: MeteredStore | None, budget: BudgetedStore | None
    ) -> Flow[list[RuleDecision]]:
        """Those of the later rules, which took nothing: what they would say, by a read each."""
        found: list[RuleDecision] = []
        for index, charge in enumerate(charges):
            if not charge.rule.enforce:
                continue
            decision = self._denial_from_memory(charge)
            if decision is None:
                if budget is not None:
                    budget.start_share(len(charges) - index)
                try:
                    decision = yield from charge.quota.bucket.peek(
                        charge.key, charge.cost, remember=True
                    )
                except StoreUnavailable:
                    continue  # the request is denied anyhow; only its wait may be understated
            if not decision.allowed:
                found.append(_with_usage(RuleDecision(charge, decision), meter))
        return found


def _cost_denial(charge: Charge) -> Decision:
    """The denial of a request that costs more than the bucket ever holds."""
    limits = charge.quota.bucket.limits
    smallest = min(limits, key=lambda limit: limit.burst)
    return Decision(False, 0, 0, 0, smallest, 0, "cost")


def refund_all(
    decisions: Iterable[RuleDecision],
    meter: MeteredStore | None,
    budget: BudgetedStore | None,
    later: int,
) -> Flow[list[RuleDecision]]:
    """Refund what these decisions took.

    Args:
        decisions: these.
        meter: as for ``evaluate``.
        budget: as for ``evaluate``.
        later: how many shares of the deadline are for what comes after that.

    Returns:
        them in their order, ``refunded`` where the refund was applied.
    """
    refunds = list(decisions)
    took = [
        (index, one, one.decision.taken)
        for index, one in enumerate(refunds)
        if one.decision.taken is not None and one.decision.taken.kept and not one.refunded
    ]
    for done, (index, one, taken) in enumerate(took):
        if budget is not None:
            budget.start_share(len(took) - done + later)
        refunded = False
        with suppress(StoreUnavailable):  # it stays taken then, and ``refunded`` says so
            refunded = yield from one.charge.quota.bucket.refund(taken, taken.kept)
        refunds[index] = _with_usage(one._replace(refunded=refunded), meter)
    return refunds


def _with_usage(decided: RuleDecision, meter: MeteredStore | None) -> RuleDecision:
    """The same, with what the store was used for since the last one."""
    if meter is None:
        return decided
    latency_ns, calls, units = meter.take_usage()
    known = units is not None and decided.capacity_units is not None
    return decided._replace(
        latency_ns=decided.latency_ns + latency_ns,
        calls=decided.calls + calls,
        capacity_units=decided.capacity_units + units if known else None,  # type: ignore[operator]
    )
