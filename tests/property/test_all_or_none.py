"""acquire_all against an oracle: all is taken, or the buckets are as if nothing had been asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ratelimit_ddb import Limit, MemoryStore, RateLimiter, acquire_all, refund_all
from tests.fake_clock import FakeClock

LIMITS = ("3/minute", "5/minute burst 2", "7/second")
KEYS = ("a", "b", "c")
SECOND_NS = 1_000_000_000

asked = st.lists(
    st.tuples(st.sampled_from(range(len(LIMITS))), st.sampled_from(KEYS), st.integers(1, 2)),
    min_size=1,
    max_size=4,
)
steps = st.lists(
    st.tuples(asked, st.sampled_from(["keep", "refund"]), st.floats(0, 40)), max_size=25
)


@dataclass
class Oracle:
    """The buckets by exact arithmetic: when each is full again."""

    limits: list[Any]
    full_at_ns: dict[tuple[int, str], int]

    def take(self, requests: list[tuple[int, str, int]], now_ns: int) -> bool:
        after = dict(self.full_at_ns)
        for index, key, cost in requests:
            limit = self.limits[index]
            at_ns = max(after.get((index, key), 0), now_ns) + cost * limit.unit_ns
            if at_ns > now_ns + limit.window_ns:
                return False
            after[index, key] = at_ns
        self.full_at_ns = after
        return True


@given(steps)
def test_p5_all_or_none(history: list[tuple[list[tuple[int, str, int]], str, float]]) -> None:
    clock = FakeClock()
    store = MemoryStore(clock=clock)
    # Nothing is denied from memory by one, and all that can be by the other.
    for deny_cache in (0.0, 5.0):
        store.clear()
        limiters = [RateLimiter(store, text, deny_cache=deny_cache) for text in LIMITS]
        oracle = Oracle([limiter.limits[0] for limiter in limiters], {})
        for requests, then, seconds in history:
            costs: dict[tuple[int, str], int] = {}
            for index, key, cost in requests:
                costs[index, key] = costs.get((index, key), 0) + cost
            if any(cost > oracle.limits[index].burst for (index, _), cost in costs.items()):
                continue
            before = dict(oracle.full_at_ns)
            expected = oracle.take(requests, clock())
            decisions = acquire_all([(limiters[index], key, cost) for index, key, cost in requests])
            assert decisions.allowed == expected
            assert (decisions.retry_after_ns > 0) == (not expected)
            if then == "refund" and expected:
                assert refund_all(decisions)
                oracle.full_at_ns = before
            for index, limiter in enumerate(limiters):
                for key in KEYS:
                    left_ns = max(0, oracle.full_at_ns.get((index, key), 0) - clock())
                    limit = limiter.limits[0]
                    assert isinstance(limit, Limit)
                    remaining = (limit.window_ns - left_ns) // limit.unit_ns
                    assert limiter.peek(key).remaining == remaining
            clock.advance(seconds)
