"""How much of a take may be given back, and by which write: bucket.py has the rule."""

from __future__ import annotations

from typing import NamedTuple

from ratelimit_ddb.operations.operation import GiveBack


class Refund(NamedTuple):
    """What somebody wants to give back.

    Attributes:
        names: the limits' names, in their order; the tuples below follow it.
        cost_ns: the time that the tokens are worth.
        unspent_ns: the same less the time since the take: no more of it can have flowed back.
        origin_ns: ``fullAt`` as the take left it, less what was given back of it before, plus what
            ``refunded`` was then: less what ``refunded`` is now, that is the take's weight.
        base_ns: from when on each limit counts: now, or the start of a quota's window. What of the
            take lies before has flowed back.
        most_ns: how far ``fullAt`` may lie ahead where others took since: now and a full window, or
            the end of a quota's.
        now_ns: the flow's one reading of the clock.
        unleased_since_ns: out of turn nothing is given back where a lease or a block ended at this
            instant or later: a quarter of the window before now, which is as long as a lease may
            be. Each one taken before has ended by now then.
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
        """The write for an item that holds these numbers; None where nothing can be given back."""
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
