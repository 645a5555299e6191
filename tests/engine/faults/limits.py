"""Workers that ask a rate limiter without end, and what they are to be judged by."""

from __future__ import annotations

import contextlib
import time
from random import Random
from time import monotonic_ns
from typing import Any

from ratelimit_ddb import DynamoDBStore, Limit, RateLimiter, StoreError
from tests.engine.faults.journal import Journal
from tests.engine.faults.stalls import Stalls

SINGLE = Limit.parse("40/second burst 5")
"""Each token a write: never leased."""
HOT = Limit.parse("400/second")
"""Asked for often enough to be leased."""
LOCAL = Limit.parse("100/second burst 10")
DEADLINE_SECONDS = 0.25
KEY = "wanted"


def ask_for_single_tokens(
    url: str, table: str, seed: int, journal: Journal, stalls: Stalls
) -> None:
    """Ask for one to three tokens of a small limit, which are denied in an outage."""
    _ask(url, table, Random(seed), journal, stalls, SINGLE, lease=0, on_outage="deny", most=3)


def ask_for_a_hot_key(url: str, table: str, seed: int, journal: Journal, stalls: Stalls) -> None:
    """Ask for tokens that are leased, one by one, which are denied in an outage."""
    _ask(url, table, Random(seed), journal, stalls, HOT, on_outage="deny", most=1)


def ask_with_local_buckets(
    url: str, table: str, seed: int, journal: Journal, stalls: Stalls
) -> None:
    """Ask for tokens that this process gives itself in an outage."""
    _ask(url, table, Random(seed), journal, stalls, LOCAL, lease=0, on_outage="local", most=1)


def _ask(
    url: str,
    table: str,
    chance: Random,
    journal: Journal,
    stalls: Stalls,
    limit: Limit,
    *,
    most: int,
    **options: Any,
) -> None:
    store = DynamoDBStore(table, endpoint_url=url)
    limiter = RateLimiter(store, limit, deadline=DEADLINE_SECONDS, **options)
    _begin(limiter)
    while True:
        cost = chance.randint(1, most)
        stalled_ns, asked_ns = stalls.total_ns(), monotonic_ns()
        decision = limiter.acquire(KEY, cost=cost)
        answered_ns = monotonic_ns()
        verdict = "admitted" if decision.allowed else "denied"
        journal.note(
            f"{verdict}:{decision.source}",
            asked_ns,
            answered_ns,
            KEY,
            cost,
            stalled_ns=stalls.total_ns() - stalled_ns,
        )
        time.sleep(0.001 if decision.allowed else min(decision.retry_after, 0.005))


def _begin(limiter: RateLimiter) -> None:
    """Import what a first decision and a first failure do, which are not to be timed."""
    import ddbwire.calls.retry
    import ddbwire.shared.store_errors  # noqa: F401

    for _ in range(3):
        with contextlib.suppress(StoreError):
            limiter.acquire("warming up")
