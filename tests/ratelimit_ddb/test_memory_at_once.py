"""A decision in memory, made at once, is the one that the flow makes by its operations."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest

from ratelimit_ddb import Decision, Limit, MemoryStore, Quota, RateLimiter
from ratelimit_ddb.limit import AnyLimit

START_NS = 1_700_000_000_123_456_789


class ByOperations(MemoryStore):
    """A store that is sent each operation, as a table is."""


class Pair:
    """The same requests to both, at the same instants."""

    def __init__(self, limits: Sequence[AnyLimit], deny_cache: float) -> None:
        self.now_ns = START_NS
        self.limiters = [
            RateLimiter(kind(clock=lambda: self.now_ns), limits, deny_cache=deny_cache)
            for kind in (MemoryStore, ByOperations)
        ]

    def acquire(self, key: str, cost: int) -> list[Decision]:
        decisions = [limiter.acquire(key, cost=cost) for limiter in self.limiters]
        assert decisions[0] == decisions[1]
        return decisions

    def refund(self, decisions: list[Decision], cost: int | None) -> None:
        at_once, by_operations = (
            limiter.refund(decision, cost=cost)
            for limiter, decision in zip(self.limiters, decisions, strict=True)
        )
        assert at_once == by_operations


@pytest.mark.parametrize("deny_cache", [0.0, 5.0])
@pytest.mark.parametrize(
    "limits",
    [
        [Limit(10, 1, name="one")],
        [Limit(10, 1, 4, name="burst"), Limit(50, 10, name="long")],
        [Limit(10, 1, name="rate"), Quota.parse("25 per calendar minute")],
    ],
    ids=["one", "two", "quota"],
)
def test_the_decisions_are_those_of_the_flow(limits: Sequence[AnyLimit], deny_cache: float) -> None:
    chosen = random.Random(f"{limits} {deny_cache}")
    pair = Pair(limits, deny_cache)
    taken: list[list[Decision]] = []
    sources = set()
    for _ in range(600):
        pair.now_ns += chosen.choice([0, 1, 30_000_000, 100_000_000, 700_000_000])
        what, key = chosen.random(), chosen.choice("abc")
        if what < 0.85:
            decisions = pair.acquire(key, chosen.choice([1, 1, 1, 2, 4]))
            sources.add((decisions[0].allowed, decisions[0].source))
            if decisions[0].allowed:
                taken.append(decisions)
        elif what < 0.97 and taken:
            pair.refund(taken.pop(chosen.randrange(len(taken))), None)
        else:
            for limiter in pair.limiters:
                limiter.reset(key)
    assert (True, "table") in sources
    assert (False, "seen") in sources or not deny_cache
    assert (False, "table") in sources or deny_cache


def test_a_token_is_due_at_its_instant_and_a_take_notes_when_it_was() -> None:
    now_ns = START_NS
    limiter = RateLimiter(MemoryStore(clock=lambda: now_ns), Limit(10, 1))
    taken = limiter.acquire("k", cost=10).taken
    assert taken is not None
    assert taken.taken_at_ns == START_NS
    now_ns += 199_999_999
    assert limiter.acquire("k", cost=2).retry_after_ns == 1
    now_ns += 1
    assert limiter.acquire("k", cost=2).allowed


def test_p9_the_key_that_was_asked_for_last_is_kept() -> None:
    limiter = RateLimiter(MemoryStore(max_keys=2), "1/hour", deny_cache=0)
    assert all([limiter.acquire("a"), limiter.acquire("b")])
    assert not limiter.acquire("a")
    assert limiter.acquire("c")
    assert not limiter.acquire("a")
    assert limiter.acquire("b")


def test_a_decision_waits_for_whoever_holds_the_lock() -> None:
    store = MemoryStore()
    limiter = RateLimiter(store, "5/minute")
    held: list[bool] = []
    new_item = store._new_item

    def look(key: str) -> dict[str, int]:
        held.append("owner=0" not in repr(store._lock))
        return new_item(key)

    store._new_item = look  # type: ignore[method-assign]
    assert limiter.acquire("k").allowed
    assert held == [True]
