"""The same on the real engine, fewer: its conditions and transactions are its own."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from random import Random

import pytest

from sessions import DynamoDBSessionStore
from tests.fake_clock import FakeClock
from tests.session_table import aws_settings, session_table
from tests.sessions_interleavings.acts import NAMES, begun
from tests.sessions_interleavings.play import Play, random_schedule, run
from tests.sessions_interleavings.rules import require_rules

PLAYS = 120


@pytest.fixture
def table(dynamodb_endpoint: str) -> Iterator[str]:
    with aws_settings(), session_table(dynamodb_endpoint) as name:
        yield name


@pytest.mark.parametrize("strict_revocation", [False, True])
def test_two_and_three_at_once_in_a_table(
    table: str, dynamodb_endpoint: str, strict_revocation: bool
) -> None:
    random = Random(int(strict_revocation))
    with DynamoDBSessionStore(
        table,
        endpoint_url=dynamodb_endpoint,
        clock=FakeClock(),
        strict_revocation=strict_revocation,
    ) as store:
        store.prepare()  # there is no event loop here that the requests could wait in for it
        for number in range(PLAYS):
            names = tuple(random.choices(NAMES, k=random.choice([2, 3])))
            ada, bob = (f"{name}-{uuid.uuid4().hex}" for name in ("ada", "bob"))
            play = Play(store, ada if number % 2 else None, (ada, bob))
            order = run(begun(play, names), play, random_schedule(random))
            require_rules(play, names, order)
