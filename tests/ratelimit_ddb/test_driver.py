"""What runs a flow: it ends when the call ends, whoever keeps its error."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Callable
from typing import Any

import pytest

from ratelimit_ddb import AsyncRateLimiter, RateLimiter, StoreError, StoreUnavailable
from ratelimit_ddb.operations.breaker import breaker_of
from ratelimit_ddb.operations.driver import run, run_async, run_uncancelled
from ratelimit_ddb.operations.operation import Flow, GiveBack, NotAsked, Operation, Read
from ratelimit_ddb.operations.together import side_by_side
from tests.flaky_store import FlakyStore


class Mistake(Exception):
    """Not one of those that a flow is told of."""


class RefusesRefunds(FlakyStore):
    """A store that may take, and may not give back."""

    def send(self, operation: Operation, deadline_ns: int) -> Any:
        if isinstance(operation, GiveBack):
            raise Mistake
        return super().send(operation, deadline_ns)


@pytest.mark.parametrize("kind", [RateLimiter, AsyncRateLimiter], ids=["blocking", "asyncio"])
def test_a_refund_that_fails_has_ended_though_its_error_is_kept(kind: Callable[..., Any]) -> None:
    store = RefusesRefunds()

    async def call(method: Callable[..., Any], *arguments: Any) -> Any:
        answer = method(*arguments)
        return await answer if inspect.isawaitable(answer) else answer

    async def calls() -> None:
        limiter = kind(store, "1/hour", on_outage="raise")
        taken = await call(limiter.acquire, "k")
        assert not await call(limiter.acquire, "k")
        # Kept, and with it its traceback and all frames.
        with pytest.raises(Mistake) as _kept:
            await call(limiter.refund, taken)
        store.failure = StoreError("asked")
        # What was observed was forgotten as the refund ended, so the store is asked again.
        with pytest.raises(StoreError, match="asked"):
            await call(limiter.acquire, "k")

    asyncio.run(calls())


def test_a_flow_that_gets_no_answer_counts_once_however_often_it_asks() -> None:
    store = FlakyStore()
    store.ready = True
    store.failure = StoreUnavailable("down")
    breaker = breaker_of(store)

    def asks_twice() -> Flow[str]:
        for key in ("k", "l"):
            with pytest.raises(StoreUnavailable):
                yield Read(key, ())
        return "done"

    assert run(asks_twice(), store, 10**9, breaker) == "done"
    assert breaker.outages == 1
    assert asyncio.run(run_async(asks_twice(), store, 10**9, breaker)) == "done"
    assert breaker.outages == 2
    assert len(store.operations) == 4


class SideBySideUntil(FlakyStore):
    """Notes until when it may take."""

    until_ns = 0

    def send_all(self, sequences: Any, deadline_ns: int) -> None:
        self.until_ns = deadline_ns
        super().send_all(sequences, deadline_ns)


@pytest.mark.parametrize(("leaves_time", "part"), [(True, 0.75), (False, 1.0)])
def test_what_comes_after_calls_side_by_side_has_a_quarter_of_the_time(
    leaves_time: bool, part: float
) -> None:
    store = SideBySideUntil()
    store.ready = True

    def reads(key: str) -> Flow[None]:
        yield Read(key, ())

    timeout_ns = 10 * 10**9 + 2
    began_ns = time.monotonic_ns()
    flow = side_by_side([reads("k"), reads("l")], leaves_time=leaves_time)
    run(flow, store, timeout_ns, breaker_of(store))
    assert isinstance(store.until_ns, int)
    taken_ns = store.until_ns - began_ns - timeout_ns * part
    assert -2 <= taken_ns <= time.monotonic_ns() - began_ns


def test_p10_what_is_told_though_a_task_is_cancelled_does_not_ask_after_three_outages() -> None:
    store = FlakyStore()
    store.ready = True
    breaker = breaker_of(store)
    for _ in range(3):
        breaker.failed(StoreUnavailable("down"))

    def tells() -> Flow[str]:
        with pytest.raises(NotAsked):
            yield Read("k", ())
        return "kept here"

    told = run_uncancelled(tells(), store, 10**9, breaker, decides=True)
    assert asyncio.run(told) == "kept here"
    assert not store.operations
