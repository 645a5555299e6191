"""How much of a take may be given back, and by which write: bucket.py has the rule."""

from __future__ import annotations

from itertools import compress
from typing import NamedTuple

from ratelimit_ddb.operation import GiveBack


class Refund(NamedTuple):
    """What somebody wants to give back.

    Attributes:
        names: the limits' names, in their order; the tuples below follow it.
        cost_ns: the time that the tokens are worth.
        origin_ns: ``fullAt`` as the take left it, less what was given back of it before, plus what
            ``refunded`` was then: less what ``refunded`` is now, that is the take's weight.
        most_ns: how far ``fullAt`` may lie ahead where others took since: now and a full window.
        now_ns: the flow's one reading of the clock.
    """

    names: tuple[str, ...]
    cost_ns: tuple[int, ...]
    origin_ns: tuple[int, ...]
    most_ns: tuple[int, ...]
    now_ns: int

    def write(
        self, key: str, full_at_ns: tuple[int, ...], refunded_ns: tuple[int, ...]
    ) -> GiveBack | None:
        """The write for an item that holds these numbers; None where nothing can be given back."""
        chosen = []
        for index, name in enumerate(self.names):
            before_ns = refunded_ns[index]
            weight_ns = self.origin_ns[index] - before_ns
            amount_ns = min(self.cost_ns[index], weight_ns - self.now_ns)
            if amount_ns <= 0:
                continue
            if full_at_ns[index] == weight_ns:
                chosen.append((name, amount_ns, weight_ns, weight_ns, before_ns, before_ns))
            elif weight_ns < full_at_ns[index] <= self.most_ns[index]:
                after_ns = before_ns + amount_ns
                most_ns = self.most_ns[index]
                chosen.append((name, amount_ns, weight_ns, most_ns, before_ns, after_ns))
        if not chosen:
            return None
        names, amounts_ns, leasts_ns, mosts_ns, befores_ns, afters_ns = zip(*chosen, strict=True)
        return GiveBack(
            key, names, amounts_ns, leasts_ns, mosts_ns, befores_ns, afters_ns, self.now_ns
        )

    def of(self, names: tuple[str, ...]) -> Refund:
        """The same for some of the limits."""
        chosen = [name in names for name in self.names]
        return Refund(
            names,
            tuple(compress(self.cost_ns, chosen)),
            tuple(compress(self.origin_ns, chosen)),
            tuple(compress(self.most_ns, chosen)),
            self.now_ns,
        )
