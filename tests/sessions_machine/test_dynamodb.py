"""The machine, shorter, on the real engine: it keeps the rows, and the conditions are its own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from sessions import DynamoDBSessionStore
from tests.fake_clock import FakeClock
from tests.session_table import aws_settings, session_table
from tests.sessions_machine.machine import Sessions

SHORTER = settings(stateful_step_count=25, max_examples=25, deadline=None)


class SessionsInATable(Sessions):
    """A new store for each play; the table is shared, for each play has users of its own."""

    def __init__(self, table: str, endpoint_url: str) -> None:
        super().__init__()
        self._table, self._endpoint_url = table, endpoint_url

    def new_store(self, clock: FakeClock, strict_revocation: bool) -> DynamoDBSessionStore:
        store = DynamoDBSessionStore(
            self._table,
            endpoint_url=self._endpoint_url,
            clock=clock,
            strict_revocation=strict_revocation,
        )
        # There is no event loop here that the requests could wait in for their region.
        store.prepare()
        return store


@pytest.fixture
def table(dynamodb_endpoint: str) -> Iterator[str]:
    with aws_settings(), session_table(dynamodb_endpoint) as name:
        yield name


def test_sessions_in_a_table(table: str, dynamodb_endpoint: str) -> None:
    def sessions() -> SessionsInATable:
        return SessionsInATable(table, dynamodb_endpoint)

    machine: Any = sessions  # Hypothesis calls it, and takes more than the class that it asks for
    run_state_machine_as_test(machine, settings=SHORTER)
