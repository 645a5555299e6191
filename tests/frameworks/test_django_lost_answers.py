"""Django: the table carries out the write of a new key, or not, and its answer is lost.

A page that catches what ``save`` raises may save again, and then has the session with that key.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY

from sessions import StoreUnavailable
from sessions.django import SessionStore
from tests.frameworks.django_site.with_sessions import with_sessions
from tests.frameworks.seen_store import SeenStore

LOGIN = {SESSION_KEY: "7", BACKEND_SESSION_KEY: "backend", HASH_SESSION_KEY: "hash"}


class Silent(SeenStore):
    """A store that does not answer the first write of a new key.

    Attributes:
        is_put: whether it carries it out; None to answer as any other store.
    """

    is_put: bool | None = None

    def send(self, operation: Any, deadline_ns: int) -> Any:
        if self.is_put is None or type(operation).__name__ not in ("Create", "Replace"):
            return super().send(operation, deadline_ns)
        if self.is_put:
            super().send(operation, deadline_ns)
        self.is_put = None
        raise StoreUnavailable("no answer")


@pytest.fixture
def store() -> Iterator[Silent]:
    made = Silent()
    with with_sessions(made):
        yield made


def begin(session: Any) -> None:
    session["colour"] = "red"


def log_in(session: Any) -> None:
    session.update(LOGIN)


def get_another_key(session: Any) -> None:
    session.cycle_key()
    session["colour"] = "red"


@pytest.mark.parametrize("is_put", [True, False], ids=["put", "not put"])
@pytest.mark.parametrize("change", [begin, log_in, get_another_key])
def test_a_save_that_is_made_again_saves_all(
    store: Silent, change: Callable[[Any], None], is_put: bool
) -> None:
    session = SessionStore()
    if change is not begin:
        session["seed"] = 1
        session.save()
    if change is get_another_key:
        log_in(session)
        session.save()
    store.is_put = is_put
    with suppress(StoreUnavailable):
        change(session)
        session.save()
    session["later"] = 2
    session.save()
    assert dict(SessionStore(session.session_key).items()) == dict(session.items())
    assert SessionStore(session.session_key)["later"] == 2
    assert len(store.sessions_of("7")) == (change is not begin)


def test_a_login_whose_saves_failed_is_one_when_it_is_saved(store: Silent) -> None:
    session = SessionStore()
    session["seed"] = 1
    session.save()
    store.is_put = False
    with pytest.raises(StoreUnavailable):
        session.cycle_key()
    session.update(LOGIN)
    store.is_put = False
    with pytest.raises(StoreUnavailable):
        session.save()
    session.save()
    assert SessionStore(session.session_key)["seed"] == 1
    assert len(store.sessions_of("7")) == 1
