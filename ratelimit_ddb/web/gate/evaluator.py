"""From what the rules ask to a verdict: all take their tokens, or none keeps any.

    each charge in turn takes its tokens;
    at the first denial that is enforced, what the earlier ones took is given back,
    and the later ones are looked at, so that the client is told of the longest wait.

Where several rules ask, those that would deny by what this process has seen are asked first: a
flood that the last rule denies sends nothing for the first one either.

The flow does no I/O: it yields operations and is sent their results. An outage is raised
in it, and settled by the policy for this charge alone: each rule is decided by itself. The deadline
is the request's, so it is shared out (deadline_shares.py).
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass

from ratelimit_ddb.decision import Decision
from ratelimit_ddb.errors import StoreUnavailable
from ratelimit_ddb.operations.operation import Flow
from ratelimit_ddb.operations.store import Clock
from ratelimit_ddb.outage import OnOutage, decision_in_outage
from ratelimit_ddb.tuple_new import tuple_new
from ratelimit_ddb.web.gate.deadline_shares import DeadlineShares
from ratelimit_ddb.web.gate.metered_store import Tally
from ratelimit_ddb.web.rules.verdict import Charge, RuleDecision, Verdict


@dataclass(frozen=True, slots=True)
class Trial:
    """How verdicts are made.

    Attributes:
        clock: the store's.
        on_outage: what a decision is without the store.
    """

    clock: Clock
    on_outage: OnOutage

    def verdict(
        self, charges: list[Charge], tally: Tally | None, shares: DeadlineShares | None
    ) -> Flow[Verdict]:
        """The verdict on a request.

        Args:
            charges: what each rule asks.
            tally: counts for those who are told; None for nobody.
            shares: shares out the deadline; None where one rule has it all.
        """
        if len(charges) > 1:
            denials = self._from_memory(charges, tally)
            if denials:
                return Verdict(denials, denials, tuple(charges))
        made: list[RuleDecision] = []
        for index, charge in enumerate(charges):
            later = charges[index + 1 :]
            if shares is not None:
                # One more for giving back, which a denial would make of what is taken already.
                shares.begin(1 + len(later) + bool(made))
            told = _with_spent((yield from self._only(charge)), tally)
            if not told.decision.allowed and charge.rule.enforce:
                given_back = yield from give_back(made, tally, shares, len(later))
                further = yield from self._further_denials(later, tally, shares)
                told = _with_spent(told, tally)
                return Verdict((*given_back, told, *further), (told, *further), tuple(charges))
            made.append(told)
        return Verdict(tuple(made), (), tuple(charges))

    def verdict_of_one(self, charge: Charge) -> Flow[Verdict]:
        """The same where one rule asks and nobody is told: the hot path, with nothing to spare."""
        outage: StoreUnavailable | None = None
        decision = self._asked(charge)
        if not isinstance(decision, Decision):
            try:
                decision = yield from decision
            except StoreUnavailable as failure:
                outage = failure
                decision = self._without_store(charge, outage)
        told = (tuple_new(RuleDecision, (charge, decision, False, 0, 0, 0.0, outage, False)),)
        if decision.allowed or not charge.rule.enforce:
            return tuple_new(Verdict, (told, (), (charge,)))
        return Verdict(told, told, (charge,))

    def _only(self, charge: Charge) -> Flow[RuleDecision]:
        asked = self._asked(charge)
        if isinstance(asked, Decision):
            return RuleDecision(charge, asked)
        try:
            return RuleDecision(charge, (yield from asked))
        except StoreUnavailable as outage:
            return RuleDecision(charge, self._without_store(charge, outage), outage=outage)

    def _from_memory(self, charges: list[Charge], tally: Tally | None) -> tuple[RuleDecision, ...]:
        """The enforced denials that this process can tell alone, if there is any to be trusted."""
        enforced = [charge for charge in charges if charge.rule.enforce]
        if all(self._recalled(charge) is None for charge in enforced):
            return ()
        found = [(charge, self._last(charge)) for charge in enforced]
        return tuple(
            _with_spent(RuleDecision(charge, decision), tally)
            for charge, decision in found
            if decision is not None
        )

    def _last(self, charge: Charge) -> Decision | None:
        recalled = self._recalled(charge)
        if recalled is not None or not self.clock.known:
            return recalled
        # No longer trusted to deny, but what it said of the wait is better than nothing.
        now_ns = self.clock.now_ns()
        return charge.quota.bucket.last_denial(charge.key, charge.cost, now_ns)

    def _recalled(self, charge: Charge) -> Decision | None:
        """The denial that needs no store, if it is one."""
        _, quota, key, cost = charge
        if cost > quota.smallest_burst:
            return _never(charge)
        if not self.clock.known:
            return None
        return quota.bucket.denied_from_memory(key, cost, self.clock.now_ns())

    def _asked(self, charge: Charge) -> Decision | Flow[Decision]:
        """A denial that needs no store, or the flow that takes the tokens."""
        _, quota, key, cost = charge
        if cost > quota.smallest_burst:
            return _never(charge)
        clock = self.clock
        return quota.bucket.acquire(key, cost, 0, clock.now_ns() if clock.known else None)

    def _without_store(self, charge: Charge, outage: StoreUnavailable) -> Decision:
        # Under "raise" whoever runs the flow raises it, once everybody was told.
        policy: OnOutage = "deny" if self.on_outage == "raise" else self.on_outage
        return decision_in_outage(policy, outage, charge.quota.bucket.limits[0])

    def _further_denials(
        self, charges: list[Charge], tally: Tally | None, shares: DeadlineShares | None
    ) -> Flow[list[RuleDecision]]:
        """Those of the later rules, who took nothing: what they would say, by a read each."""
        found: list[RuleDecision] = []
        for index, charge in enumerate(charges):
            if not charge.rule.enforce:
                continue
            decision = self._recalled(charge)
            if decision is None:
                if shares is not None:
                    shares.begin(len(charges) - index)
                try:
                    decision = yield from charge.quota.bucket.peek(
                        charge.key, charge.cost, remember=True
                    )
                except StoreUnavailable:
                    continue  # the request is denied anyhow; only its wait may be understated
            if not decision.allowed:
                found.append(_with_spent(RuleDecision(charge, decision), tally))
        return found


def _never(charge: Charge) -> Decision:
    """The denial of a request that costs more than the bucket ever holds."""
    limits = charge.quota.bucket.limits
    smallest = min(limits, key=lambda limit: limit.burst)
    return Decision(False, 0, 0, 0, smallest, 0, "cost")


def give_back(
    decisions: Iterable[RuleDecision],
    tally: Tally | None,
    shares: DeadlineShares | None,
    further: int,
) -> Flow[list[RuleDecision]]:
    """Give back what these took.

    Args:
        decisions: these.
        tally: as for ``verdict``.
        shares: as for ``verdict``.
        further: how many shares of the deadline are for what comes after that.

    Returns:
        them in their order, ``refunded`` where that came off.
    """
    given_back = list(decisions)
    took = [
        (index, one, one.decision.taken)
        for index, one in enumerate(given_back)
        if one.decision.taken is not None and one.decision.taken.kept and not one.refunded
    ]
    for done, (index, one, taken) in enumerate(took):
        if shares is not None:
            shares.begin(len(took) - done + further)
        refunded = False
        with suppress(StoreUnavailable):  # it stays taken then, and ``refunded`` says so
            refunded = yield from one.charge.quota.bucket.refund(taken, taken.kept)
        given_back[index] = _with_spent(one._replace(refunded=refunded), tally)
    return given_back


def _with_spent(told: RuleDecision, tally: Tally | None) -> RuleDecision:
    """The same, with what was spent since the last one was told."""
    if tally is None:
        return told
    latency_ns, calls, units = tally.lap()
    known = units is not None and told.capacity_units is not None
    return told._replace(
        latency_ns=told.latency_ns + latency_ns,
        calls=told.calls + calls,
        capacity_units=told.capacity_units + units if known else None,  # type: ignore[operator]
    )
