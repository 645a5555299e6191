"""Django's SessionStore in event loops, and views that are."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.sessions.backends.base import UpdateError
from django.core.exceptions import SynchronousOnlyOperation
from django.test import AsyncClient
from django.utils import timezone

from sessions.django import (
    SessionStore,
    arevoke,
    arevoke_user,
    asessions_of,
    revoke,
    revoke_user,
    sessions_of,
)
from tests.frameworks.django_session_store.saved_sessions import again, saved
from tests.frameworks.django_site.accounts import User
from tests.frameworks.django_site.with_sessions import with_sessions
from tests.frameworks.seen_store import SeenStore


class LoopsAlone(SeenStore):
    """Refuses blocking calls, and calls from any thread but one."""

    def __init__(self) -> None:
        super().__init__()
        self.thread = threading.current_thread()

    async def send_async(self, operation: Any, deadline_ns: int) -> Any:
        await asyncio.sleep(0)  # as if it were a call
        assert threading.current_thread() is self.thread
        return super().send(operation, deadline_ns)

    def send(self, operation: Any, deadline_ns: int) -> Any:
        raise AssertionError("blocking")


Run = Callable[[Coroutine[Any, Any, None]], None]


@pytest.fixture
def in_loop() -> Iterator[Run]:
    with with_sessions(LoopsAlone()):
        yield asyncio.run


def test_what_would_stop_the_loop_is_refused_as_by_djangos_own_sessions_in_a_database() -> None:
    blocking: list[Callable[[SessionStore], object]] = [
        lambda session: session["a"],
        lambda session: session.get("a"),
        lambda session: session.id,
        lambda session: session.save(),
        lambda session: session.exists(session.session_key),
        lambda session: session.flush(),
        lambda session: session.cycle_key(),
    ]

    async def live() -> None:
        begun = SessionStore()
        await begun.aset("a", 1)
        await begun.asave()
        for act in blocking:
            found = again(begun)
            store.seen.clear()
            with pytest.raises(SynchronousOnlyOperation, match=r"await request\.session\.aget"):
                act(found)
            assert store.seen == []

    store = SeenStore()
    with with_sessions(store):
        asyncio.run(live())


@pytest.mark.parametrize("function", [sessions_of, revoke_user, lambda user: revoke(user, "x")])
def test_a_users_sessions_are_not_listed_or_ended_there_either(
    in_loop: Run, function: Callable[[User], object]
) -> None:
    async def live() -> None:
        with pytest.raises(SynchronousOnlyOperation, match=r"await a(sessions_of|revoke)"):
            function(User(pk=7))

    in_loop(live())


def test_a_session_that_was_read_is_used_without_await(in_loop: Run) -> None:
    async def live() -> None:
        begun = SessionStore()
        await begun.aset("a", 1)
        await begun.asave()
        found = again(begun)
        await found.aid()
        assert await found.aget("a") == 1
        found["b"] = 2
        assert (found["a"], found.id, found.authenticated_at) == (1, begun.id, None)

    in_loop(live())


def test_where_django_may_block_the_loop_these_sessions_may(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def live() -> None:
        session = SessionStore()
        session["a"] = 1
        session.save()
        assert again(session)["a"] == 1

    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
    with with_sessions(SeenStore()):
        asyncio.run(live())


def test_what_tasks_of_a_request_set_at_once_is_all_there(in_loop: Run) -> None:
    async def live() -> None:
        session = SessionStore()
        await session.aset("a", 1)
        await session.asave()
        found = again(session)
        await asyncio.gather(found.aset("b", 2), found.aget("a"), found.aset("c", 3))
        await found.asave()
        assert dict(await again(session).aitems()) == {"a": 1, "b": 2, "c": 3}

    in_loop(live())


def test_in_a_loop_all_is_done_in_the_loop(in_loop: Run) -> None:
    async def live() -> None:
        session = SessionStore()
        await session.aset("cat", "dog")
        await session.asave()
        other = again(session)
        assert await other.aget("cat") == "dog"
        assert await other.aexists(session.session_key)
        await other.acycle_key()
        await other.aset("size", 1)
        await other.asave()
        assert not await other.aexists(session.session_key)
        assert dict(await again(other).aitems()) == {"cat": "dog", "size": 1}
        await session.aset("size", 2)
        with pytest.raises(UpdateError):
            await session.asave()
        await other.acreate()
        await other.adelete()
        await again(other).aflush()
        await other.aflush()
        assert other.session_key is None

    in_loop(live())


def test_in_a_loop_a_users_sessions_are_listed_and_ended(in_loop: Run) -> None:
    async def live() -> None:
        sessions = [SessionStore() for _ in range(3)]
        for session in sessions:
            await session.aset("_auth_user_id", "7")
            await session.asave()
        assert len(await asessions_of(User(pk=7))) == 3
        assert await arevoke_user(User(pk=7), except_=again(sessions[0])) == 2
        assert await again(sessions[0]).aget("_auth_user_id") == "7"
        assert await again(sessions[1]).aget("_auth_user_id") is None
        assert await arevoke(User(pk=7), (await asessions_of(User(pk=7)))[0].id)
        assert await asessions_of(User(pk=7)) == []

    in_loop(live())


def test_in_a_loop_the_expiry_is_set_and_told(in_loop: Run) -> None:
    async def live() -> None:
        session = SessionStore()
        await session.aset_expiry(300)
        await session.asave()
        other = again(session)
        assert await other.aget_expiry_age() == 300
        now = timezone.now()
        assert await other.aget_expiry_date(modification=now) == now + timedelta(seconds=300)

    in_loop(live())


def test_in_a_loop_different_keys_changed_at_once_are_all_kept() -> None:
    session = saved(start=0)

    async def change(number: int) -> None:
        mine = again(session)
        await mine.aset(f"key {number}", number)
        await asyncio.sleep(0)
        await mine.asave()

    async def all_at_once() -> None:
        await asyncio.gather(*(change(number) for number in range(8)))

    asyncio.run(all_at_once())
    assert len(dict(again(session).items())) == 9


def test_async_views_find_set_log_in_and_out(store: SeenStore) -> None:
    async def visit() -> list[Any]:
        client = AsyncClient()
        await client.get("/async/set/colour/red")
        before = client.cookies["sessionid"].value
        told = (await client.get("/async/login/7")).content.decode()
        assert told == client.cookies["sessionid"].value != before
        found = [
            (await client.get("/async/seen")).json(),
            (await client.get("/async/who")).content,
            len(store.sessions_of("7")),
        ]
        await client.get("/async/logout")
        return [*found, (await client.get("/async/who")).content, len(store)]

    assert asyncio.run(visit()) == [{"colour": "red"}, b"7", 1, b"None", 0]


def test_the_async_test_client_logs_in_and_out(store: SeenStore) -> None:
    async def visit() -> list[Any]:
        client = AsyncClient()
        await client.get("/async/set/colour/red")
        await client.aforce_login(User(pk=7, username="7"))
        found = [
            (await client.get("/async/who")).content,
            (await client.get("/async/seen")).json(),
            len(store.sessions_of("7")),
        ]
        await client.alogout()
        return [*found, (await client.get("/async/who")).content, len(store)]

    assert asyncio.run(visit()) == [b"7", {"colour": "red"}, 1, b"None", 0]
