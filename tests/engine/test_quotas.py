"""A quota of a calendar, by several real processes (P1)."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import pytest

from ratelimit_ddb import DynamoDBStore, Quota, RateLimiter

pytestmark = pytest.mark.alone

PROCESSES = 4
REQUESTS = 1_000


def ask(endpoint_url: str, table: str, quantity: int) -> int:
    """In a process of its own: ask a thousand times, by eight threads; how many were admitted."""
    with DynamoDBStore(table, endpoint_url=endpoint_url) as store:
        limiter = RateLimiter(store, Quota(quantity, "year"), on_outage="raise", deadline=10)
        with ThreadPoolExecutor(8) as threads:
            decisions = threads.map(limiter.acquire, ["customer"] * REQUESTS)
            return sum(decision.allowed for decision in decisions)


@pytest.mark.parametrize("quantity", [1_000, 10_000_000])
def test_p1_four_processes_are_admitted_exactly_the_quota(
    dynamodb_endpoint: str, table: str, quantity: int
) -> None:
    asked = [(dynamodb_endpoint, table, quantity)] * PROCESSES
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(PROCESSES, mp_context=spawn) as processes:
        admitted = list(processes.map(ask, *zip(*asked, strict=True)))
    assert sum(admitted) == min(quantity, PROCESSES * REQUESTS)
    with DynamoDBStore(table, endpoint_url=dynamodb_endpoint) as store:
        remaining = RateLimiter(store, Quota(quantity, "year")).peek("customer").remaining
    used = quantity - remaining
    # Of the large one, some is leased, and lapses with the processes.
    assert sum(admitted) <= used <= sum(admitted) + PROCESSES * quantity // 1_000
