"""What runs a flow: it ends when the call ends, whoever keeps its error."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable
from typing import Any

import pytest

from ratelimit_ddb import AsyncRateLimiter, RateLimiter, StoreError
from ratelimit_ddb.operations.operation import GiveBack, Operation
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
