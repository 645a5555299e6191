"""Django's SessionStore by itself: sessions with an expiry of their own."""

from __future__ import annotations

import asyncio
import datetime
from typing import Any

import pytest

from sessions import MemorySessionStore
from sessions.django import SessionStore
from tests.frameworks.django_session_store.saved_sessions import again, saved
from tests.frameworks.django_site.with_sessions import with_sessions
from tests.frameworks.seen_store import SeenStore


def in_seconds(store: SeenStore, seconds: int) -> datetime.datetime:
    now_seconds = store.fake_clock() / 1e9
    return datetime.datetime.fromtimestamp(now_seconds + seconds, tz=datetime.UTC)


@pytest.mark.parametrize(("seconds", "alive"), [(59, True), (60, False)])
def test_a_sessions_own_idle_time_is_kept_on_the_server(
    store: SeenStore, seconds: int, alive: bool
) -> None:
    session = saved(cat="dog")
    session.set_expiry(60)
    session.save()
    store.fake_clock.advance(seconds)
    assert ("cat" in again(session)) is alive
    assert session.exists(session.session_key) is alive


def test_it_may_be_longer_than_the_sites(store: SeenStore) -> None:
    session = SessionStore()
    session.set_expiry(20_000)
    session["cat"] = "dog"
    session.save()
    for _ in range(2):
        store.fake_clock.advance(19_999)
        assert again(session)["cat"] == "dog"
    store.fake_clock.advance(43_200 - 2 * 19_999)
    assert again(session).get("cat") is None


@pytest.mark.parametrize(("seconds", "alive"), [(4_999, True), (5_000, False)])
def test_a_session_may_be_over_at_a_time_of_its_own(
    store: SeenStore, seconds: int, alive: bool
) -> None:
    session = saved(cat="dog")
    session["_session_expiry"] = in_seconds(store, 5_000).isoformat()
    session.save()
    store.fake_clock.advance(seconds)
    assert ("cat" in again(session)) is alive
    store.fake_clock.advance(1)
    assert session.id not in {one.id for one in store.sessions_of("7")}


def test_a_time_of_its_own_is_the_rows_end_too(store: SeenStore) -> None:
    session = saved(_auth_user_id="7")
    session["_session_expiry"] = in_seconds(store, 5_000).isoformat()
    session.save()
    (info,) = store.sessions_of("7")
    assert info.expires_at == store.fake_clock() // 10**9 + 5_000


def test_without_one_again_the_sites_holds(store: SeenStore) -> None:
    session = saved(cat="dog")
    session.set_expiry(60)
    session.set_expiry(None)
    session.save()
    store.fake_clock.advance(1_199)
    assert again(session)["cat"] == "dog"


def test_zero_is_for_the_cookie_alone(store: SeenStore) -> None:
    session = saved(cat="dog")
    session.set_expiry(0)
    session.save()
    assert session.get_expire_at_browser_close()
    store.fake_clock.advance(1_199)
    assert again(session)["cat"] == "dog"
    store.fake_clock.advance(1_200)
    assert again(session).get("cat") is None


@pytest.mark.parametrize(
    "past", [-10, datetime.timedelta(seconds=-10), datetime.timedelta(days=-1_000)]
)
def test_an_expiry_in_the_past_is_one(past: Any) -> None:
    with with_sessions(MemorySessionStore()):
        session = SessionStore()
        session["cat"] = "dog"
        session.set_expiry(past)
        session.save()
        assert again(session).get("cat") is None


@pytest.mark.parametrize(
    "further",
    [
        43_201,
        datetime.timedelta(seconds=43_300),
        datetime.datetime(3000, 1, 1, tzinfo=datetime.UTC),
    ],
)
def test_an_expiry_that_the_lifetime_would_cut_short_is_refused(further: Any) -> None:
    session = SessionStore()
    with pytest.raises(ValueError, match="at most 43200"):
        session.set_expiry(further)
    with pytest.raises(ValueError, match="at most 43200"):
        asyncio.run(session.aset_expiry(further))
    session.set_expiry(43_200)
