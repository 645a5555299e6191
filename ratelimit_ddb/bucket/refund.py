"""Refunds: how much of a take is given back, and by which write.

Giving back n tokens of a take that left ``fullAt`` at F (docs/decisions/009 has the proof):

    fullAt' = fullAt - max(min(n * unit, weight - now), n * unit - (now - then))

``weight`` is F less what was given back since then of earlier takes. Tokens of the take that have
flowed back by themselves, or were moved by others, must not be given back once more. No more can
have flowed back than the time since the take, which is the second part; it is the greater one if
takes that were under way together are given back in another order than they were taken in. The
write's condition tells two cases apart:
- in turn: ``fullAt = weight``. There was no later take, or all later ones were given back in full;
  it is now as if the take had not been.
- out of turn: there were later takes, and ``fullAt`` moves back under them. So that their refunds
  take it into account, the amount is added to the attribute ``refunded``, and each take notes what
  that was. It is done only while ``fullAt <= now + window``: beyond, a caller waits for tokens that
  are due later, and keeps that instant, so nobody else may be admitted at the same one.
Of several limits all are given back or none is: a caller that waits for one begins later for all.
"""

from __future__ import annotations

from operator import add
from typing import NamedTuple

from ratelimit_ddb.arguments import MAX_LEASE_SECONDS
from ratelimit_ddb.bucket.arithmetic import BucketArithmetic, known
from ratelimit_ddb.bucket.decision import Taken
from ratelimit_ddb.bucket.leased_tokens import LeasedTokens
from ratelimit_ddb.bucket.observations import Observation, ObservationCache
from ratelimit_ddb.limit import SECOND_NS, AnyLimit, Limit
from ratelimit_ddb.operations.operation import Flow, GiveBack, OperationResult, ReadClock

_LONGEST_LEASE_NS = int(MAX_LEASE_SECONDS * SECOND_NS)
_TOO_OLD_TO_DENY_NS = 0
"""When an observation was made that only selects the branch of the next write."""


class Refunds:
    """The refunds of one bucket's keys.

    Args:
        limits: the bucket's.
        names: the limits' names.
        arithmetic: the limits' arithmetic.
        cache: the observations of its keys.
        leased: spends the tokens that this process has leased; None if it leases none.
    """

    __slots__ = ("_arithmetic", "_cache", "_leased", "_leases_last_ns", "_names")

    def __init__(
        self,
        limits: tuple[AnyLimit, ...],
        names: tuple[str, ...],
        arithmetic: BucketArithmetic,
        cache: ObservationCache[Observation],
        leased: LeasedTokens | None,
    ) -> None:
        self._names = names
        self._arithmetic = arithmetic
        self._cache = cache
        self._leased = leased
        has_buckets = any(isinstance(limit, Limit) for limit in limits)
        self._leases_last_ns = _LONGEST_LEASE_NS if has_buckets else 0

    def refund(self, taken: Taken, cost: int | None) -> Flow[bool]:
        """See ``Bucket.refund``."""
        cost, given_before = taken.claim(cost)
        if not cost:
            return False
        if taken.lease is not None:
            return self._leased is not None and self._leased.give_back(taken, taken.lease, cost)
        cache, left = self._cache, None
        try:
            now_ns = yield ReadClock()
            weight_ns = self._arithmetic.less(taken.full_at_ns, given_before)
            refund = self._amounts(taken, cost, weight_ns, now_ns)
            give_back = self._first_write(refund, taken, weight_ns)
            while give_back is not None:
                result: OperationResult = yield give_back
                full_at_ns = known(result.full_at_ns)
                if result.applied:
                    kept_until_seconds = result.expires_at_seconds or 0
                    left = Observation(
                        _TOO_OLD_TO_DENY_NS, full_at_ns, kept_until_seconds, self._names
                    )
                    return True
                refused = give_back
                give_back = refund.write(
                    taken.key, full_at_ns, result.refunded_ns, result.leased_until_ns
                )
                if give_back == refused:
                    break  # refused though its condition holds: no answer to rely on
            return False
        finally:
            # Also without a reply: it may have been applied, and then what was observed before is
            # no lower bound any more.
            cache.group.invalidate(taken.key)
            if left is not None:
                # It selects the next take's branch. It may not deny: the reply of a take or refund
                # that the table carried out earlier may still come.
                cache.put(taken.key, left, cache.group.invalidations)

    def _amounts(self, taken: Taken, cost: int, weight_ns: tuple[int, ...], now_ns: int) -> Refund:
        arithmetic = self._arithmetic
        since_ns = max(0, now_ns - taken.taken_at_ns)  # long, where it is not known
        return Refund(
            self._names,
            arithmetic.cost_ns(cost),
            arithmetic.unspent_ns(cost, since_ns, taken.full_at_ns, now_ns),
            tuple(map(add, weight_ns, taken.refunded_ns)),
            arithmetic.bases_ns(now_ns),
            arithmetic.latest_ns(now_ns),
            now_ns,
            now_ns - self._leases_last_ns,
        )

    def _first_write(
        self, refund: Refund, taken: Taken, weight_ns: tuple[int, ...]
    ) -> GiveBack | None:
        """The write for the ``fullAt`` that the item is most likely to hold."""
        observation = self._cache.get(taken.key)
        if observation is not None and observation.names is self._names:
            # A lower bound: where it is more than the weight, there were later takes.
            likely_ns = tuple(map(max, weight_ns, observation.full_at_ns))
            give_back = refund.write(taken.key, likely_ns, taken.refunded_ns, 0)
            if give_back is not None:
                return give_back
            # Callers that were seen to wait may have given theirs back since, in other processes.
        return refund.write(taken.key, weight_ns, taken.refunded_ns, 0)


class Refund(NamedTuple):
    """What is to be given back, in each limit's time.

    Attributes:
        names: the limits' names, in their order; the tuples below follow it.
        cost_ns: the time that the tokens are worth.
        unspent_ns: the same less the time since the take, in which at most that much flowed back.
        origin_ns: ``fullAt`` as the take left it, less what was given back of it before, plus what
            ``refunded`` was then. Less what ``refunded`` is now, it is the take's weight.
        base_ns: the instant from which each limit counts: now, or the start of a quota's window.
            What the take moved before this instant has flowed back.
        most_ns: the latest ``fullAt`` at which a refund out of turn is made: now plus a full
            window, or the end of a quota's window.
        now_ns: the flow's one reading of the clock.
        unleased_since_ns: a refund out of turn is not made if a lease or a block ended at this
            instant or later. It is ten seconds before now, the longest that any lease lasts: an
            item tells the end of the last lease, and an earlier one may end later if it is of
            another limiter's limits. Leases of quotas alone don't matter; for those it is now.
    """

    names: tuple[str, ...]
    cost_ns: tuple[int, ...]
    unspent_ns: tuple[int, ...]
    origin_ns: tuple[int, ...]
    base_ns: tuple[int, ...]
    most_ns: tuple[int, ...]
    now_ns: int
    unleased_since_ns: int

    def write(
        self,
        key: str,
        full_at_ns: tuple[int, ...],
        refunded_ns: tuple[int, ...],
        leased_until_ns: int,
    ) -> GiveBack | None:
        """The write for an item that holds these numbers; None if nothing can be given back."""
        amounts, leasts, mosts, afters = [], [], [], []
        for index, at_ns in enumerate(full_at_ns):
            before_ns, most_ns = refunded_ns[index], self.most_ns[index]
            weight_ns = self.origin_ns[index] - before_ns
            amount_ns = max(0, min(self.cost_ns[index], weight_ns - self.base_ns[index]))
            least_ns, after_ns = weight_ns, before_ns
            if at_ns == weight_ns and amount_ns >= self.unspent_ns[index] and amount_ns:
                most_ns = weight_ns
            else:
                if amount_ns < self.unspent_ns[index]:
                    amount_ns = self.unspent_ns[index]
                    least_ns = self.base_ns[index] + amount_ns
                elif amount_ns:
                    least_ns = weight_ns + 1  # where it is just that, it is given back in turn
                if amount_ns:
                    after_ns = before_ns + amount_ns
                else:
                    least_ns = 0  # all has flowed back, but nobody must wait
            if not least_ns <= at_ns <= most_ns:
                return None
            amounts.append(amount_ns)
            leasts.append(least_ns)
            mosts.append(most_ns)
            afters.append(after_ns)
        in_turn = tuple(afters) == refunded_ns
        is_unleased = not leased_until_ns or leased_until_ns < self.unleased_since_ns
        if not any(amounts) or not (in_turn or is_unleased):
            return None
        return GiveBack(
            key,
            self.names,
            tuple(amounts),
            tuple(leasts),
            tuple(mosts),
            refunded_ns,
            tuple(afters),
            self.now_ns,
            None if in_turn else self.unleased_since_ns,
        )
