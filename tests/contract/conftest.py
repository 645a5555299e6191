"""Every store, in both flavours: whatever the suite says must hold for all of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from moto import mock_aws

from ratelimit_ddb import AsyncRateLimiter, DynamoDBStore, MemoryStore, RateLimiter, SingleTable
from tests.fake_clock import FakeClock
from tests.rate_limit_table import rate_limit_table
from tests.shared_table import SINGLE_TABLE, shared_table

AnyStore = DynamoDBStore | MemoryStore


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture(params=["memory", "moto", "dynamodb", SINGLE_TABLE])
def store(request: pytest.FixtureRequest, clock: FakeClock) -> Iterator[AnyStore]:
    """A store with an empty table and the test's clock."""
    if request.param == "memory":
        yield MemoryStore(clock=clock)
    elif request.param == "moto":
        with mock_aws(), rate_limit_table(None) as table:
            yield DynamoDBStore(table, clock=clock)
    else:
        endpoint_url = request.getfixturevalue("dynamodb_endpoint")
        layout = SingleTable() if request.param == SINGLE_TABLE else None
        made = rate_limit_table(endpoint_url) if layout is None else shared_table(endpoint_url)
        with made as table:
            store = DynamoDBStore(table, endpoint_url=endpoint_url, layout=layout, clock=clock)
            yield store
            store.close()


ON_A_SINGLE_TABLE = {
    "test_stores",
    "test_slots",
    "test_stored_limits",
    "test_session_owners",
    "test_session_stores",
    "test_session_counts",
    "test_session_contents",
    "test_session_large_saves",
    "test_max_sessions",
    "test_replaced_sessions",
    "test_revocation",
}
"""The modules that make every kind of request between them."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what the layout of a table can make no difference to."""
    left_out = [item for item in items if _is_left_out(item)]
    items[:] = [item for item in items if item not in left_out]
    config.hook.pytest_deselected(items=left_out)


def _is_left_out(item: pytest.Item) -> bool:
    callspec = getattr(item, "callspec", None)
    values = () if callspec is None else callspec.params.values()
    if SINGLE_TABLE not in values:
        return False
    return "asyncio" in values or item.path.stem not in ON_A_SINGLE_TABLE


class Awaited:
    """An AsyncRateLimiter that is called like the blocking one, each call run to its end."""

    def __init__(self, runner: asyncio.Runner, limiter: AsyncRateLimiter) -> None:
        self._runner = runner
        self._limiter = limiter

    def acquire(self, *args: Any, **kwargs: Any) -> Any:
        return self._runner.run(self._limiter.acquire(*args, **kwargs))

    def peek(self, *args: Any, **kwargs: Any) -> Any:
        return self._runner.run(self._limiter.peek(*args, **kwargs))

    def refund(self, *args: Any, **kwargs: Any) -> Any:
        return self._runner.run(self._limiter.refund(*args, **kwargs))

    def charge(self, *args: Any, **kwargs: Any) -> Any:
        return self._runner.run(self._limiter.charge(*args, **kwargs))

    def block(self, *args: Any, **kwargs: Any) -> Any:
        return self._runner.run(self._limiter.block(*args, **kwargs))

    def reset(self, *args: Any, **kwargs: Any) -> Any:
        return self._runner.run(self._limiter.reset(*args, **kwargs))


MakeLimiter = Callable[..., Any]


@pytest.fixture(params=["blocking", "asyncio"])
def make_limiter(request: pytest.FixtureRequest, store: AnyStore) -> Iterator[MakeLimiter]:
    """Makes limiters over the store. Each stands for a process: they share nothing but the table.

    A deadline of seconds, since a loaded test machine may stop for longer than 250 ms.
    """
    if request.param == "blocking":
        yield lambda limits, **options: RateLimiter(store, limits, deadline=10, **options)
        return
    with asyncio.Runner() as runner:
        yield lambda limits, **options: Awaited(
            runner, AsyncRateLimiter(store, limits, deadline=10, **options)
        )
        runner.run(store.aclose())
