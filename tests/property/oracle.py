"""The promise, read naively: tokens as exact fractions, and every interval looked at.

It knows nothing of ``fullAt``: a bucket has a level, which rises by one each ``unit_ns`` up to
``burst``, falls by what is taken, and below zero by what was promised to those who wait.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from ratelimit_ddb import Decision, Limit


class ReferenceBucket:
    """One limit of one key."""

    def __init__(self, limit: Limit, now_ns: int) -> None:
        self.limit = limit
        self.level = Fraction(limit.burst)
        self._now_ns = now_ns

    def refill(self, now_ns: int) -> None:
        """Let the time until now count."""
        risen = self.level + Fraction(now_ns - self._now_ns, self.limit.unit_ns)
        self.level = min(Fraction(self.limit.burst), risen)
        self._now_ns = now_ns

    def short_ns(self, tokens: int) -> int:
        """How long until there are so many tokens; 0 or less where there are now."""
        short = (tokens - self.level) * self.limit.unit_ns
        assert short.denominator == 1, "instants and units are whole, so the level is a multiple"
        return int(short)

    @property
    def whole(self) -> int:
        """Tokens that can be had now."""
        return max(0, self.level.__floor__())


class Reference:
    """All limits of one key."""

    def __init__(self, limits: Sequence[Limit], now_ns: int) -> None:
        self.buckets = [ReferenceBucket(limit, now_ns) for limit in limits]

    def refill(self, now_ns: int) -> None:
        """Let the time until now count."""
        for bucket in self.buckets:
            bucket.refill(now_ns)

    def decide(self, cost: int, wait_ns: int = 0) -> Decision:
        """What the limiter must answer now, the tokens taken if it admits."""
        shorts_ns = [bucket.short_ns(cost) for bucket in self.buckets]
        longest_ns = max(shorts_ns)
        if longest_ns > wait_ns:
            binding = self.buckets[shorts_ns.index(longest_ns)]
            retry_ns = longest_ns - wait_ns
            return Decision(False, binding.whole, retry_ns, self.reset_after_ns(), binding.limit)
        for bucket in self.buckets:
            bucket.level -= cost
        waited_ns = max(0, longest_ns)
        return self._admitted(waited_ns)

    def say(self, cost: int) -> Decision:
        """What peek must answer now."""
        if max(bucket.short_ns(cost) for bucket in self.buckets) > 0:
            return self.decide(cost)
        return self._admitted(0)

    def reset_after_ns(self) -> int:
        """Until the last of the buckets is full."""
        return max(0, *(bucket.short_ns(bucket.limit.burst) for bucket in self.buckets))

    def _admitted(self, waited_ns: int) -> Decision:
        least = min(bucket.whole for bucket in self.buckets)
        binding = next(bucket for bucket in self.buckets if bucket.whole == least)
        return Decision(True, least, 0, self.reset_after_ns(), binding.limit, waited_ns)


def require_at_most_due(
    admitted: Sequence[tuple[int, int]], burst: int | Fraction, ns_per_token: Fraction
) -> None:
    """P1 by brute force: over every interval, at most burst + D / ns_per_token.

    ``admitted`` are the instants of the turns and the costs.
    """
    in_order = sorted(admitted)
    for first, (began_ns, _) in enumerate(in_order):
        total = 0
        for ended_ns, cost in in_order[first:]:
            total += cost
            due = burst + (ended_ns - began_ns) / ns_per_token
            assert total <= due, f"{total} in {ended_ns - began_ns} ns, {float(due)} are due"
