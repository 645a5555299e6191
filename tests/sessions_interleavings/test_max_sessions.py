"""Logins at once, where a user may have so many sessions: never one more, and none too few."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from random import Random

import pytest

from sessions import DynamoDBSessionStore
from sessions.config.max_sessions import MaxSessions
from tests.fake_clock import FakeClock
from tests.session_table import aws_settings, session_table
from tests.sessions_interleavings.max_sessions import Browsers
from tests.sessions_interleavings.play import CONFIG, memory_store
from tests.sessions_machine.interleaving import AnyStore

PLAYS = 3_000
PLAYS_IN_A_TABLE = 40
ACTS = ("login", "login", "login", "rotate", "save", "logout", "revoke all")


@pytest.fixture
def table(dynamodb_endpoint: str) -> Iterator[str]:
    with aws_settings(), session_table(dynamodb_endpoint) as name:
        yield name


def logins_at_once(store: AnyStore, random: Random, *, refuses: bool) -> None:
    """Some sessions are there, and some logins come at once."""
    limit = MaxSessions(random.randint(1, 3), refuses, CONFIG.timeouts)
    browsers = Browsers(store, f"ada-{uuid.uuid4().hex}", limit)
    before, at_once = random.randint(0, limit.most), random.randint(2, 4)
    for _ in range(before):
        browsers.do(browsers.begin(), "login")
    browsers.run([browsers.request(browsers.begin(), "login") for _ in range(at_once)], random)
    assert browsers.live == min(limit.most, before + at_once)
    assert browsers.refused == (max(0, before + at_once - limit.most) if refuses else 0)


def anything_at_once(store: AnyStore, random: Random) -> None:
    """Logins beside what else a user's browsers do."""
    limit = MaxSessions(random.randint(1, 3), random.random() < 0.5, CONFIG.timeouts)
    browsers = Browsers(store, f"ada-{uuid.uuid4().hex}", limit)
    numbers = [browsers.begin() for _ in range(limit.most + 1)]
    for number in random.sample(numbers, limit.most):
        browsers.do(number, "login")
    requests = []
    for _ in range(random.randint(2, 4)):
        number = random.choice([*numbers, browsers.like(random.choice(numbers))])
        requests.append(browsers.request(number, random.choice(ACTS)))
    browsers.run(requests, random)
    browsers.do(browsers.begin(), "login")
    browsers.require_limit([])


@pytest.mark.parametrize("refuses", [False, True])
def test_logins_at_once_leave_exactly_the_most_or_all(refuses: bool) -> None:
    random = Random(15 + refuses)
    for _ in range(PLAYS):
        logins_at_once(memory_store(), random, refuses=refuses)


def test_whatever_comes_at_once_there_is_never_one_too_many() -> None:
    random = Random(17)
    for _ in range(PLAYS):
        anything_at_once(memory_store(), random)


@pytest.mark.parametrize("strict_revocation", [False, True])
def test_so_it_is_in_a_table(table: str, dynamodb_endpoint: str, strict_revocation: bool) -> None:
    random = Random(int(strict_revocation))
    with DynamoDBSessionStore(
        table,
        endpoint_url=dynamodb_endpoint,
        clock=FakeClock(),
        strict_revocation=strict_revocation,
    ) as store:
        store.prepare()
        for number in range(PLAYS_IN_A_TABLE):
            logins_at_once(store, random, refuses=number % 2 == 0)
            anything_at_once(store, random)
