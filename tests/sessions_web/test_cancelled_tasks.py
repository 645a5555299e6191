"""A task of a request is cancelled while it saves, at each operation: nothing is lost by that.

The operation was carried out or not, and the task never learns which. The request goes on: another
task of it saves, its response brings the cookie, and the next request finds all that it did.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from sessions import MemorySessionStore, Session, session_of
from sessions.asgi import SessionMiddleware
from sessions.operations.operation import Operation, ReadClock
from tests.fake_clock import FakeClock
from tests.sessions_web.exchange import Browser

LATER_SECONDS = 30
"""More than a rotated id leads on."""

Act = Callable[[Session], object]


class CancellingStore(MemorySessionStore):
    """Cancels the task that asks for an operation, once.

    Attributes:
        cancelled_at: the number of that operation, from 1 on; 0 for none.
        is_carried_out: whether it is carried out before.
    """

    cancelled_at = 0
    is_carried_out = False

    async def send_async(self, operation: Operation, deadline_ns: int) -> Any:
        if isinstance(operation, ReadClock):
            return self.send(operation, deadline_ns)
        self.cancelled_at -= 1
        if self.cancelled_at == 0:
            if self.is_carried_out:
                self.send(operation, deadline_ns)
            task = asyncio.current_task()
            assert task is not None
            task.cancel()
        await asyncio.sleep(0)
        return self.send(operation, deadline_ns)


class Visitor:
    """A browser, and what the application does in its next request."""

    def __init__(self, **options: Any) -> None:
        self.clock = FakeClock()
        self.store = CancellingStore(clock=self.clock)
        self.browser = Browser(SessionMiddleware(self._app, self.store, **options), "asgi")
        self.act: Act = seen
        self.cancelled_at = 0

    def visit(self, act: Act, cancelled_at: int = 0) -> Any:
        self.act, self.cancelled_at = act, cancelled_at
        return self.browser.ask().value

    async def _app(self, scope: Any, receive: Any, send: Any) -> None:
        session = session_of(scope)
        await session.load_async()
        found = self.act(session)
        self.store.cancelled_at = self.cancelled_at
        saving = asyncio.ensure_future(session.save_async())
        with suppress(asyncio.CancelledError):
            await saving
        if saving.cancelled():
            session["later"] = 1
        async with asyncio.timeout(5):  # no lock is left behind
            await asyncio.create_task(session.save_async())
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": json.dumps(found).encode()})


def seen(session: Session) -> list[object]:
    return [session.user_id, dict(session)]


def put(session: Session) -> None:
    session["a"] = 1


def enter(session: Session) -> None:
    session.login("ada")


def log_in(session: Session) -> None:
    enter(session)
    put(session)


def rotate(session: Session) -> None:
    session.rotate()
    put(session)


def confirm(session: Session) -> None:
    session.confirm_login("ada")
    put(session)


def begin_anew(session: Session) -> None:
    session.logout()
    put(session)


def log_out(session: Session) -> None:
    session.logout()


CASES: dict[str, tuple[Act, Act, str | None]] = {
    "the first values": (seen, put, None),
    "another value": (enter, put, "ada"),
    "a first login": (seen, log_in, "ada"),
    "a login": (put, log_in, "ada"),
    "a rotation": (log_in, rotate, "ada"),
    "a confirmed login": (log_in, confirm, "ada"),
    "values after a logout": (log_in, begin_anew, None),
    "a logout": (log_in, log_out, None),
}


@pytest.mark.parametrize("is_carried_out", [False, True])
@pytest.mark.parametrize("options", [{}, {"encryption": b"k" * 32}, {"max_sessions_per_user": 1}])
@pytest.mark.parametrize(("before", "act", "user_id"), CASES.values(), ids=CASES)
def test_nothing_is_lost_by_a_task_that_is_cancelled_while_it_saves(
    options: Any, before: Act, act: Act, user_id: str | None, is_carried_out: bool
) -> None:
    for cancelled_at in range(1, 20):
        visitor = Visitor(**options)
        visitor.store.is_carried_out = is_carried_out
        visitor.visit(before)
        visitor.visit(act, cancelled_at)
        was_cancelled = visitor.store.cancelled_at < 0
        visitor.clock.advance(LATER_SECONDS)
        if not was_cancelled:
            break
        kept = {"later": 1} if act is log_out else {"a": 1, "later": 1}
        assert visitor.visit(seen) == [user_id, kept]
        assert len(visitor.store.sessions_of("ada")) == (user_id is not None)
    else:
        raise AssertionError("it never ended")
    assert cancelled_at > 1
