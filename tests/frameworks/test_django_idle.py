"""How long a session of Django's lives still, asked without prolonging it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from sessions.django import SessionStore
from tests.frameworks.django_site.with_sessions import with_sessions
from tests.frameworks.seen_store import SeenStore

IDLE = 1_200


@pytest.fixture
def store() -> Iterator[SeenStore]:
    found = SeenStore()
    with with_sessions(found, SESSION_COOKIE_AGE=IDLE):
        yield found


@pytest.fixture
def key(store: SeenStore) -> str | None:
    session = SessionStore()
    session["cart"] = [17]
    session.save()
    return session.session_key


def seconds_left_idle(key: str | None) -> int | None:
    """As a page asks that warns its user."""
    session = SessionStore(key)
    session.leave_idle()
    return session.seconds_left


def test_a_page_that_asks_does_not_prolong_the_session(store: SeenStore, key: str | None) -> None:
    left = []
    for _ in range(4):
        left.append(seconds_left_idle(key))
        store.fake_clock.advance(300)
    assert left == [1_200, 900, 600, 300]
    assert seconds_left_idle(key) is None, "it is over"


def test_any_other_request_does(store: SeenStore, key: str | None) -> None:
    store.fake_clock.advance(300)
    assert SessionStore(key).seconds_left == IDLE
    assert seconds_left_idle(key) == IDLE


def test_a_change_is_a_use_all_the_same(store: SeenStore, key: str | None) -> None:
    store.fake_clock.advance(300)
    session = SessionStore(key)
    session.leave_idle()
    session["cart"] = [17, 18]
    session.save()
    assert seconds_left_idle(key) == IDLE


def test_an_expiry_of_its_own_counts(store: SeenStore, key: str | None) -> None:
    session = SessionStore(key)
    session.set_expiry(60)
    session.save()
    store.fake_clock.advance(20)
    assert seconds_left_idle(key) == 40


def test_a_date_of_its_own_comes_nearer_second_by_second(store: SeenStore) -> None:
    now = int(time.time())  # Django compares a date with the clock of its process
    store.fake_clock.now_ns = now * 1_000_000_000
    session = SessionStore()
    session.set_expiry(datetime.fromtimestamp(now + 1_000, UTC))
    session.save()
    for passed in (30, 60, 90, 500):
        store.fake_clock.now_ns = (now + passed) * 1_000_000_000
        assert SessionStore(session.session_key).seconds_left == 1_000 - passed
        assert seconds_left_idle(session.session_key) == 1_000 - passed


def test_it_is_the_same_in_an_event_loop(store: SeenStore, key: str | None) -> None:
    store.fake_clock.advance(300)

    async def ask() -> int | None:
        session = SessionStore(key)
        session.leave_idle()
        return await session.aseconds_left()

    assert asyncio.run(ask()) == 900


def test_what_was_read_already_can_not_be_left_idle(store: SeenStore, key: str | None) -> None:
    session = SessionStore(key)
    session.get("cart")
    with pytest.raises(RuntimeError, match="leave_idle: the session was read already"):
        session.leave_idle()
