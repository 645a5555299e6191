"""The store in memory: one step at a time among threads."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator

import pytest

from ratelimit_ddb import MemoryStore, RateLimiter
from tests.fake_clock import FakeClock

THREADS = 8
LIMIT = 200


@pytest.fixture
def _threads_switch_all_the_time() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("_threads_switch_all_the_time")
def test_p1_threads_that_take_at_once_take_no_more_than_the_limit() -> None:
    for _ in range(10):
        store = MemoryStore(clock=FakeClock())
        admitted: list[int] = []
        start = threading.Barrier(THREADS)

        def take(
            store: MemoryStore = store,
            admitted: list[int] = admitted,
            start: threading.Barrier = start,
        ) -> None:
            limiter = RateLimiter(store, f"{LIMIT}/hour", deny_cache=0, deadline=10)
            start.wait()
            admitted += [1 for _ in range(60) if limiter.acquire("k")]

        threads = [threading.Thread(target=take) for _ in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(admitted) == LIMIT


def test_at_a_clock_near_zero_refunds_out_of_turn_count_as_later_on() -> None:
    limiter = RateLimiter(MemoryStore(clock=lambda: 0), "10/hour")
    first, _ = limiter.acquire("k"), limiter.acquire("k")
    assert limiter.refund(first) is True
    assert limiter.peek("k").remaining == 9
