"""Threads of one process against the real engine (P1)."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from ratelimit_ddb import DynamoDBStore, RateLimiter

THREADS = 60


@pytest.mark.parametrize("limits", ["7/day", ["7/day", "20/week"]])
@pytest.mark.parametrize("limiters", [1, THREADS])
def test_p1_sixty_threads_that_meet_a_new_key_are_admitted_burst_times(
    dynamodb_endpoint: str, table: str, limits: str | list[str], limiters: int
) -> None:
    store = DynamoDBStore(table, endpoint_url=dynamodb_endpoint)
    store.warm_up()
    each = [RateLimiter(store, limits, on_outage="raise", deadline=30) for _ in range(limiters)]
    together = threading.Barrier(THREADS)

    def meet(number: int) -> bool:
        together.wait()
        return each[number % limiters].acquire("new").allowed

    with ThreadPoolExecutor(THREADS) as threads:
        admitted = sum(threads.map(meet, range(THREADS)))
    store.close()
    assert admitted == 7
