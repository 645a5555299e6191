"""Tasks and threads of one request that use its session at once: nothing is lost, each has a turn.

A websocket has a task that reads and one that writes; a view gathers what several coroutines find.
"""

from __future__ import annotations

import asyncio
import copy
import json
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from random import Random
from threading import Barrier, Event, Thread
from typing import Any

import pytest

from sessions import (
    MemorySessionStore,
    Session,
    SessionConflict,
    SessionNotSaved,
    StoreUnavailable,
    TooManySessions,
    session_of,
)
from sessions.asgi import SessionMiddleware
from sessions.operations.driver import Driver
from sessions.operations.login_lifetime import LoginLifetime
from sessions.operations.operation import (
    Create,
    Delete,
    Flow,
    Operation,
    ReadClock,
    Replace,
)
from sessions.session_state import SessionState
from sessions.values.csrf import new_secret
from sessions.values.values import NO_VALUES, Changes, Values, decode, require_storable
from sessions.wsgi import SessionMiddleware as WsgiSessionMiddleware
from tests.sessions_web.exchange import Browser

View = Callable[[Session], Awaitable[object]]


class WaitingStore(MemorySessionStore):
    """Lets other tasks run before it answers, and after."""

    async def send_async(self, operation: Operation, deadline_ns: int) -> Any:
        if isinstance(operation, ReadClock):
            return self.send(operation, deadline_ns)
        await asyncio.sleep(0)
        result = self.send(operation, deadline_ns)
        for _ in range(4):
            await asyncio.sleep(0)
        return result


class Visitor:
    """A browser, and the view that its next request meets."""

    def __init__(self, **options: Any) -> None:
        self.store = WaitingStore()
        self.view: View = nothing
        app = SessionMiddleware(self._app, self.store, **options)
        self.browser = Browser(app, "asgi")

    def visit(self, view: View) -> Any:
        self.view = view
        return self.browser.ask().value

    @property
    def values(self) -> Any:
        return self.visit(seen)

    async def _app(self, scope: Any, receive: Any, send: Any) -> None:
        body = json.dumps(await self.view(session_of(scope))).encode()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": body})


async def nothing(session: Session) -> None: ...


async def seen(session: Session) -> Any:
    await session.load_async()
    return [session.user_id, dict(session)]


async def in_tasks(session: Session) -> None:
    """Set and save three keys, each in a task."""

    async def saved(key: str) -> None:
        session[key] = 1
        await session.save_async()

    await asyncio.gather(*map(saved, "abc"))


ALL = {"a": 1, "b": 1, "c": 1}


@pytest.fixture(params=[False, True], ids=["", "strict"])
def visitor(request: pytest.FixtureRequest) -> Visitor:
    return Visitor(strict=request.param)


def test_all_that_tasks_save_in_a_new_session_is_there(visitor: Visitor) -> None:
    visitor.visit(in_tasks)
    assert visitor.values == [None, ALL]
    assert len(visitor.store) == 1


def test_all_that_they_save_in_one_that_is_there_is_there(visitor: Visitor) -> None:
    visitor.visit(in_tasks)

    async def again(session: Session) -> None:
        session["d"] = 1
        await in_tasks(session)

    visitor.visit(again)
    assert visitor.values == [None, {**ALL, "d": 1}]


def test_a_login_that_they_save_at_once_is_one(visitor: Visitor) -> None:
    async def view(session: Session) -> None:
        session.login("ada")
        await in_tasks(session)

    visitor.visit(view)
    assert visitor.values == ["ada", ALL]
    assert len(visitor.store.sessions_of("ada")) == 1


def test_a_session_that_they_load_at_once_is_loaded_once() -> None:
    visitor = Visitor(lazy=True)

    async def begin(session: Session) -> None:
        (await session.load_async())["a"] = 1

    async def loaded(session: Session) -> None:
        async def put(key: str) -> None:
            (await session.load_async())[key] = 1

        await asyncio.gather(*map(put, "bc"))

    visitor.visit(begin)
    visitor.visit(loaded)
    assert visitor.values == [None, ALL]


@pytest.mark.parametrize("turns", range(8))
@pytest.mark.parametrize("has_row", [False, True])
def test_a_logout_while_another_task_saves_holds(*, has_row: bool, turns: int) -> None:
    visitor = Visitor()

    async def log_in(session: Session) -> None:
        session.login("ada")

    async def log_out(session: Session) -> None:
        session["a"] = 1
        if not has_row:
            session.login("ada")
        saving = asyncio.ensure_future(session.save_async())
        for _ in range(turns):
            await asyncio.sleep(0)
        session.logout()
        await saving

    if has_row:
        visitor.visit(log_in)
    visitor.visit(log_out)
    assert visitor.values == [None, {}]
    assert visitor.store.sessions_of("ada") == []
    assert visitor.browser.cookies == {}


@pytest.mark.parametrize("turns", range(8))
def test_two_logouts_of_which_another_task_saves_one_are_one(turns: int) -> None:
    told: list[str] = []
    visitor = Visitor(on_event=lambda event: told.append(event.what))

    async def log_in(session: Session) -> None:
        session.login("ada")

    async def log_out(session: Session) -> None:
        await session.load_async()
        session.logout()
        saving = asyncio.ensure_future(session.save_async())
        for _ in range(turns):
            await asyncio.sleep(0)
        session.logout()
        await saving

    visitor.visit(log_in)
    visitor.visit(log_out)
    assert told == ["created", "destroyed"]
    assert len(visitor.store) == 0


@pytest.mark.parametrize("turns", range(8))
def test_a_second_logout_holds_where_the_first_could_not_be_saved(
    turns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    visitor = Visitor()
    failures, send = [StoreUnavailable("no table")], visitor.store.send

    def failing(operation: Operation, deadline_ns: int) -> Any:
        if isinstance(operation, Delete) and failures:
            raise failures.pop()
        return send(operation, deadline_ns)

    async def log_in(session: Session) -> None:
        session.login("ada")

    async def log_out(session: Session) -> None:
        await session.load_async()
        session.logout()
        saving = asyncio.ensure_future(session.save_async())
        for _ in range(turns):
            await asyncio.sleep(0)
        session.logout()
        with suppress(StoreUnavailable):
            await saving

    visitor.visit(log_in)
    monkeypatch.setattr(visitor.store, "send", failing)
    visitor.visit(log_out)
    assert (failures, len(visitor.store)) == ([], 0)


@pytest.mark.parametrize("turns", range(8))
@pytest.mark.parametrize("has_row", [False, True])
def test_a_login_while_another_task_saves_holds(*, has_row: bool, turns: int) -> None:
    visitor = Visitor()

    async def log_in(session: Session) -> None:
        session["a"] = 1
        saving = asyncio.ensure_future(session.save_async())
        for _ in range(turns):
            await asyncio.sleep(0)
        session.login("ada")
        session.require_fresh(60)
        session["b"] = 1
        await saving

    async def ask(session: Session) -> Any:
        session.require_fresh(60)
        return [session.user_id, dict(session)]

    if has_row:
        visitor.visit(in_tasks)
    visitor.visit(log_in)
    assert visitor.visit(ask) == ["ada", ALL if has_row else {"a": 1, "b": 1}]
    assert len(visitor.store) == 1


@pytest.mark.parametrize("turns", range(3))
@pytest.mark.parametrize("has_row", [False, True])
def test_a_login_while_the_save_of_another_task_is_not_answered_holds(
    *, has_row: bool, turns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    visitor = Visitor()
    send, failures = visitor.store.send, [StoreUnavailable("no answer")]

    def losing(operation: Operation, deadline_ns: int) -> Any:
        result = send(operation, deadline_ns)
        if isinstance(operation, Create | Replace) and failures:
            raise failures.pop()
        return result

    async def log_in(session: Session) -> None:
        session["a"] = 1
        session.rotate()
        saving = asyncio.ensure_future(session.save_async())
        for _ in range(turns):
            await asyncio.sleep(0)
        session.login("ada")
        session["b"] = 1
        with suppress(StoreUnavailable):
            await saving

    if has_row:
        visitor.visit(in_tasks)
    monkeypatch.setattr(visitor.store, "send", losing)
    visitor.visit(log_in)
    assert visitor.values == ["ada", ALL if has_row else {"a": 1, "b": 1}]


@pytest.mark.parametrize("turns", range(8))
def test_a_login_while_that_of_another_task_is_refused_holds(turns: int) -> None:
    visitor = Visitor(max_sessions_per_user=1, on_max_sessions="refuse")

    async def log_in(session: Session) -> None:
        session.login("ada")

    async def again(session: Session) -> None:
        session.login("ada")
        saving = asyncio.ensure_future(session.save_async())
        for _ in range(turns):
            await asyncio.sleep(0)
        session.login("bob")
        with suppress(TooManySessions):
            await saving

    visitor.visit(log_in)
    visitor.browser.jar.clear()
    visitor.visit(again)
    assert visitor.values == ["bob", {}]


@pytest.mark.parametrize("turns", range(6))
@pytest.mark.parametrize("asks", [False, True])
@pytest.mark.parametrize("has_row", [False, True])
def test_a_login_while_another_task_saves_leaves_no_form_of_before_valid(
    *, has_row: bool, asks: bool, turns: int
) -> None:
    visitor = Visitor()

    async def log_in(session: Session) -> None:
        session["a"] = 1
        before = session.csrf_token()
        session.rotate()
        saving = asyncio.ensure_future(session.save_async())
        for _ in range(turns):
            await asyncio.sleep(0)
        session.login("ada")
        later = [session.csrf_token()] if asks else []
        await saving
        tokens.extend([before, *later, session.csrf_token()])
        assert are_valid(session) == valid

    def are_valid(session: Session) -> list[bool]:
        return [session.is_csrf_token(token) for token in tokens]

    async def ask(session: Session) -> list[bool]:
        return are_valid(session)

    tokens: list[str] = []
    valid = [False, *[True] * asks, True]
    if has_row:
        visitor.visit(in_tasks)
    visitor.visit(log_in)
    assert visitor.visit(ask) == valid


@pytest.mark.parametrize("turns", range(6))
def test_a_logout_while_another_task_reloads_holds(turns: int) -> None:
    visitor = Visitor()

    async def log_in(session: Session) -> None:
        session.login("ada")

    async def log_out(session: Session) -> None:
        reading = asyncio.ensure_future(session.reload_async())
        for _ in range(turns):
            await asyncio.sleep(0)
        session.logout()
        with suppress(SessionNotSaved):  # it was changed
            await reading

    visitor.visit(log_in)
    visitor.visit(log_out)
    assert visitor.values == [None, {}]
    assert visitor.store.sessions_of("ada") == []


@pytest.mark.parametrize("turns", range(6))
def test_what_is_set_while_another_task_reloads_is_not_lost(turns: int) -> None:
    visitor = Visitor()

    async def put(session: Session) -> None:
        reading = asyncio.ensure_future(session.reload_async())
        for _ in range(turns):
            await asyncio.sleep(0)
        session["d"] = 1
        with suppress(SessionNotSaved):
            await reading

    visitor.visit(in_tasks)
    visitor.visit(put)
    assert visitor.values == [None, {**ALL, "d": 1}]


@pytest.mark.parametrize("turns", range(6))
def test_a_login_while_another_task_saves_what_was_revoked_holds(turns: int) -> None:
    visitor = Visitor()

    async def log_in(session: Session) -> None:
        session.login("ada")

    async def again(session: Session) -> None:
        visitor.store.revoke_user("ada")
        session["a"] = 1
        saving = asyncio.ensure_future(session.save_async())
        for _ in range(turns):
            await asyncio.sleep(0)
        if session.user_id:
            session.login("bob")
        await saving
        session.login("bob")

    visitor.visit(log_in)
    visitor.visit(again)
    assert visitor.values[0] == "bob"
    assert len(visitor.store) == 1


@pytest.mark.parametrize("turns", range(6))
def test_a_logout_while_another_task_saves_what_was_revoked_is_no_error(turns: int) -> None:
    visitor = Visitor(on_revoked="raise")

    async def log_in(session: Session) -> None:
        session.login("ada")

    async def leave(session: Session) -> None:
        await session.load_async()
        visitor.store.revoke_user("ada")
        session["a"] = 1
        saving = asyncio.ensure_future(session.save_async())
        for _ in range(turns):
            await asyncio.sleep(0)
        session.logout()
        await saving

    visitor.visit(log_in)
    visitor.visit(leave)
    assert visitor.values == [None, {}]


def test_what_tasks_do_in_any_order_is_what_the_next_request_finds() -> None:
    refusals = (SessionConflict, SessionNotSaved, TooManySessions, ValueError)
    acts: tuple[Callable[[Session], Any], ...] = (
        lambda session: session.save_async(),
        lambda session: session.reload_async(),
        lambda session: session.still_valid_async(),
        lambda session: session.login("ada"),
        lambda session: session.login("bob"),
        lambda session: session.logout(),
        lambda session: session.rotate(),
        lambda session: session.confirm_login("ada"),
        lambda session: session.update(a=1),
        lambda session: session.csrf_token(),
    )

    def one(chance: Random) -> None:
        visitor = Visitor(strict=chance.random() < 0.3)

        async def task(session: Session) -> None:
            for act in chance.choices(acts, k=3):
                with suppress(*refusals):
                    done = act(session)
                    if isinstance(done, Awaitable):
                        await done
                for _ in range(chance.randrange(3)):
                    await asyncio.sleep(0)

        async def together(session: Session) -> Any:
            await asyncio.gather(*(task(session) for _ in range(3)))
            return await seen(session)

        async def begin(session: Session) -> None:
            session["i"] = 0
            if chance.random() < 0.5:
                session.login("ada")

        visitor.visit(begin)
        try:
            expected = visitor.visit(together)
        except SessionConflict:
            return
        assert visitor.values == expected

    for seed in range(150):
        one(Random(seed))


def test_threads_of_a_request_load_it_once() -> None:
    store = MemorySessionStore()
    together = Barrier(2)

    class Together(MemorySessionStore):
        def send(self, operation: Operation, deadline_ns: int) -> Any:
            return store.send(operation, deadline_ns)

    def app(environ: Any, start_response: Any) -> list[bytes]:
        session: Session = environ["sessions.session"]

        def put(key: str) -> None:
            together.wait(5)
            session[key] = 1

        with ThreadPoolExecutor(2) as threads:
            list(threads.map(put, "bc" if environ["PATH_INFO"] == "/put" else "aa"))
        start_response("200 OK", [("Content-Type", "application/json")])
        return [json.dumps(dict(session)).encode()]

    browser = Browser(WsgiSessionMiddleware(app, Together()), "wsgi")
    browser.ask()
    browser.ask("/put")
    assert browser.ask().value == ALL


@pytest.mark.parametrize("thread_is_first", [False, True])
def test_a_session_that_tasks_and_threads_save_first_is_one(*, thread_is_first: bool) -> None:
    first, other_saves = Event(), Event()

    class Meeting(WaitingStore):
        """Lets the other one begin to save while the first one does."""

        def send(self, operation: Operation, deadline_ns: int) -> Any:
            if thread_is_first and isinstance(operation, Create) and not first.is_set():
                first.set()
                other_saves.wait(0.1)
            return super().send(operation, deadline_ns)

        async def send_async(self, operation: Operation, deadline_ns: int) -> Any:
            if not thread_is_first and isinstance(operation, Create) and not first.is_set():
                first.set()
                await asyncio.to_thread(other_saves.wait, 0.1)
            return await super().send_async(operation, deadline_ns)

    async def view(session: Session) -> None:
        def in_thread() -> None:
            if not thread_is_first:
                first.wait(5)
            session["thread"] = 1
            session.save()
            other_saves.set()

        async def in_task() -> None:
            if thread_is_first:
                await asyncio.to_thread(first.wait, 5)
            session["task"] = 1
            await session.save_async()
            other_saves.set()

        session["a"] = 1
        await asyncio.gather(asyncio.to_thread(in_thread), in_task())

    visitor = Visitor()
    visitor.store = Meeting()
    visitor.browser = Browser(SessionMiddleware(visitor._app, visitor.store), "asgi")
    visitor.visit(view)
    assert visitor.values == [None, {"a": 1, "thread": 1, "task": 1}]
    assert len(visitor.store) == 1


def test_a_task_that_is_cancelled_while_it_waits_for_a_thread_holds_up_no_other() -> None:
    driver = Driver(MemorySessionStore(), 1.0)
    lock = driver.thread_lock

    def nothing_to_do() -> Flow[None]:
        yield from ()

    async def take() -> None:
        await driver.run_async(nothing_to_do())

    async def main(thread: ThreadPoolExecutor) -> None:
        thread.submit(lock.acquire).result()
        waiting = asyncio.create_task(take())
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        thread.submit(lock.release).result()
        async with asyncio.timeout(5):
            await take()

    with ThreadPoolExecutor(1) as thread:
        asyncio.run(main(thread))


def in_a_request(view: Callable[[Session], Any]) -> Any:
    """What a view returns whose session has a key and a message."""

    def app(environ: Any, start_response: Any) -> list[bytes]:
        session: Session = environ["sessions.session"]
        if environ["PATH_INFO"] == "/put":
            session["a"] = [1]
            session.flash("Saved")
        start_response("200 OK", [("Content-Type", "application/json")])
        return [json.dumps(view(session) if environ["PATH_INFO"] == "/view" else None).encode()]

    browser = Browser(WsgiSessionMiddleware(app, MemorySessionStore()), "wsgi")
    browser.ask("/put")
    return browser.ask("/view").value


@pytest.mark.parametrize(
    ("take", "taken"),
    [
        (lambda session: len(session.pop("a", [])), [0, 1]),
        (lambda session: len(session.flashes()), [0, 1]),
    ],
)
def test_of_two_threads_that_take_the_same_one_gets_it(
    monkeypatch: pytest.MonkeyPatch, take: Callable[[Session], int], taken: list[int]
) -> None:
    def view(session: Session) -> list[int]:
        got: list[int] = []
        other = Thread(target=lambda: got.append(take(session)))

        def decode_meanwhile(key: str, text: str) -> Any:
            if other.ident is None:
                other.start()
                other.join(0.05)
            return decode(key, text)

        monkeypatch.setattr("sessions.values.values.decode", decode_meanwhile)
        got.append(take(session))
        other.join()
        return sorted(got)

    assert in_a_request(view) == taken


def test_a_default_that_two_threads_set_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def view(session: Session) -> Any:
        def add() -> None:
            session.setdefault("b", []).append(1)

        other = Thread(target=add)

        def require_meanwhile(key: str, value: object) -> None:
            if other.ident is None:
                other.start()
                other.join(0.05)
            require_storable(key, value)

        monkeypatch.setattr("sessions.values.values.require_storable", require_meanwhile)
        add()
        other.join()
        return session["b"]

    assert in_a_request(view) == [1, 1]


class _Meanwhile:
    """Starts another thread in the midst of something, once, and gives it a moment."""

    def __init__(self, act: Callable[[], object]) -> None:
        self._threads = [Thread(target=act)]
        self._started: list[Thread] = []

    def happens(self) -> None:
        for thread in self._threads[:]:
            self._threads.clear()
            self._started.append(thread)
            thread.start()
            thread.join(0.25)  # it may wait for its turn, and needs time on a busy machine

    def is_over(self) -> None:
        for thread in self._started:
            thread.join(5)


def test_a_logout_while_another_thread_begins_to_save_leaves_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def view(session: Session) -> bool:
        other, changes = _Meanwhile(session.logout), Values.changes

        def changes_slowly(values: Values) -> Changes:
            found = changes(values)
            other.happens()
            return found

        session["secret"] = 1
        monkeypatch.setattr(Values, "changes", changes_slowly)
        session.save()
        other.is_over()
        return session.is_new

    assert in_a_request(view) is True


def test_a_login_is_one_step_to_a_thread_that_saves(monkeypatch: pytest.MonkeyPatch) -> None:
    slot = vars(SessionState)["login_lifetime"]

    class Slowly:
        def __get__(self, state: SessionState, owner: type | None = None) -> LoginLifetime:
            lifetime: LoginLifetime = slot.__get__(state, owner)
            return lifetime

        def __set__(self, state: SessionState, lifetime: LoginLifetime) -> None:
            if lifetime.idle_seconds is not None:
                others[0].happens()
            slot.__set__(state, lifetime)

    def view(session: Session) -> list[object]:
        others.append(_Meanwhile(session.save))
        monkeypatch.setattr(SessionState, "login_lifetime", Slowly())
        session.login("ada", idle=120, lifetime=120)
        others[0].is_over()
        monkeypatch.undo()
        session.save()
        return [session.seconds_left, session.authenticated_at is not None]

    others: list[_Meanwhile] = []
    assert in_a_request(view) == [120, True]


@pytest.mark.parametrize(
    "taken",
    [
        Session.copy,
        lambda session: session | {},
        lambda session: {} | session,
        copy.copy,
        copy.deepcopy,
        lambda session: session == {},
    ],
)
def test_a_copy_is_one_step_to_a_thread_that_removes_a_key(
    monkeypatch: pytest.MonkeyPatch, taken: Callable[[Session], Any]
) -> None:
    def view(session: Session) -> Any:
        other = _Meanwhile(lambda: session.pop("b"))

        get = Values.__getitem__

        def get_meanwhile(values: Values, key: str) -> Any:
            found = get(values, key)
            other.happens()
            return found

        session["b"] = 2
        monkeypatch.setattr(Values, "__getitem__", get_meanwhile)
        found = taken(session)
        other.is_over()
        return found

    assert in_a_request(view) in ({"a": [1], "b": 2}, False)


def test_two_threads_get_csrf_tokens_of_one_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    def view(session: Session) -> list[bool]:
        session.clear()
        tokens: list[str] = []
        other = _Meanwhile(lambda: tokens.append(session.csrf_token()))

        def secret_meanwhile() -> str:
            other.happens()
            return new_secret()

        monkeypatch.setattr("sessions.values.csrf.new_secret", secret_meanwhile)
        tokens.append(session.csrf_token())
        other.is_over()
        return [session.is_csrf_token(token) for token in tokens]

    assert in_a_request(view) == [True, True]


def test_what_a_thread_sets_while_another_loads_the_session_is_in_no_other_request(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def view(session: Session) -> Any:
        other = _Meanwhile(lambda: session.update(b=2))

        def values_meanwhile(saved: dict[str, str]) -> Values:
            other.happens()
            return Values(saved)

        monkeypatch.setattr("sessions.session_state.Values", values_meanwhile)
        found = [session["a"]]
        other.is_over()
        return [*found, session["b"]]

    assert in_a_request(view) == [[1], 2]
    assert not NO_VALUES
