"""Every session store, in both flavours. Users and ids are each test's own, so tables are shared.

Fixtures for the modules that name this one in ``pytest_plugins``.
"""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
from moto import mock_aws

from sessions import DynamoDBSessionStore, MemorySessionStore, SingleTable
from sessions.operations.operation import ByOwner, Operation
from tests.fake_clock import FakeClock
from tests.session_table import aws_settings, session_table
from tests.sessions.browser import AnyStore, OnLoop, Site
from tests.shared_table import SINGLE_TABLE, shared_table


class Backend(NamedTuple):
    """A store with the tests' clock; ``endpoint_url`` is None but for the engine."""

    store: AnyStore
    clock: FakeClock
    endpoint_url: str | None = None


class LaggingStore(DynamoDBSessionStore):
    """A store whose index shows nothing yet."""

    def send(self, operation: Operation, deadline_ns: int) -> Any:
        return [] if isinstance(operation, ByOwner) else super().send(operation, deadline_ns)

    async def send_async(self, operation: Operation, deadline_ns: int) -> Any:
        if isinstance(operation, ByOwner):
            return []
        return await super().send_async(operation, deadline_ns)


@contextlib.contextmanager
def backend_of(
    name: str,
    request: pytest.FixtureRequest,
    *,
    kind: type[DynamoDBSessionStore] = DynamoDBSessionStore,
    strict: bool = False,
) -> Iterator[Backend]:
    """One of the stores, new and empty."""
    clock = FakeClock()
    if name == "memory":
        yield Backend(MemorySessionStore(clock=clock), clock)
        return
    with aws_settings(), contextlib.ExitStack() as stack:
        endpoint_url = None
        if name == "moto":
            stack.enter_context(mock_aws())
        else:
            endpoint_url = request.getfixturevalue("dynamodb_endpoint")
        layout = SingleTable() if name == SINGLE_TABLE else None
        made = session_table(endpoint_url) if layout is None else shared_table(endpoint_url)
        store = kind(
            stack.enter_context(made),
            endpoint_url=endpoint_url,
            layout=layout,
            clock=clock,
            strict_revocation=strict,
        )
        yield Backend(store, clock, endpoint_url)
        store.close()


@contextlib.contextmanager
def site_of(backend: Backend, flavour: str) -> Iterator[Site]:
    """A site over a store, blocking or in an event loop."""
    store, clock, _ = backend
    if flavour == "blocking":
        yield Site(store, clock)
        return
    with asyncio.Runner() as runner:
        yield Site(store, clock, OnLoop(runner))
        runner.run(store.aclose())


@pytest.fixture(scope="module", params=["memory", "moto", "dynamodb", SINGLE_TABLE])
def backend(request: pytest.FixtureRequest) -> Iterator[Backend]:
    with backend_of(request.param, request) as made:
        yield made


@pytest.fixture(scope="module", params=["moto", "dynamodb", SINGLE_TABLE])
def table_backend(request: pytest.FixtureRequest) -> Iterator[Backend]:
    """A store in a table."""
    with backend_of(request.param, request) as made:
        yield made


@pytest.fixture(scope="module", params=["moto", "dynamodb", SINGLE_TABLE])
def lagging_backend(request: pytest.FixtureRequest) -> Iterator[Backend]:
    """A strict store whose index lags for ever."""
    with backend_of(request.param, request, kind=LaggingStore, strict=True) as made:
        yield made


@pytest.fixture(params=["blocking", "asyncio"])
def flavour(request: pytest.FixtureRequest) -> str:
    chosen: str = request.param
    return chosen


@pytest.fixture
def site(backend: Backend, flavour: str) -> Iterator[Site]:
    with site_of(backend, flavour) as made:
        yield made


@pytest.fixture
def table_site(table_backend: Backend, flavour: str) -> Iterator[Site]:
    with site_of(table_backend, flavour) as made:
        yield made


@pytest.fixture
def lagging_site(lagging_backend: Backend, flavour: str) -> Iterator[Site]:
    with site_of(lagging_backend, flavour) as made:
        yield made


@pytest.fixture
def ada() -> str:
    """A user that no other test has."""
    return f"ada-{uuid.uuid4().hex}"


@pytest.fixture
def bob() -> str:
    """Another one."""
    return f"bob-{uuid.uuid4().hex}"
