"""Browsers of one user that log in, rotate and log out at once, where sessions are limited."""

from __future__ import annotations

from collections.abc import Coroutine
from dataclasses import replace
from random import Random
from typing import Any

from sessions import Session, TooManySessions
from sessions.config.max_sessions import MaxSessions
from sessions.lifecycle.commit import start_response
from sessions.lifecycle.open import load_session
from sessions.operations.operation import (
    BatchGet,
    ByOwner,
    Find,
    Get,
    Operation,
    ReadClock,
    ReadCount,
    Registered,
)
from sessions.request_session import RequestSession
from tests.sessions_interleavings.play import CONFIG
from tests.sessions_machine.interleaving import AnyStore, Pause, Task, interleave

_READS = (BatchGet, ByOwner, Find, Get, ReadClock, ReadCount, Registered)


class Browsers:
    """A user's browsers, each with a cookie of its own.

    Args:
        store: where the sessions are.
        user: whose they are.
        limit: the most.

    Attributes:
        refused: how many logins were.
    """

    def __init__(self, store: AnyStore, user: str, limit: MaxSessions) -> None:
        self.store = store
        self.user = user
        self.limit = limit
        self.refused = 0
        self._cookies: list[str | None] = []
        self._config = replace(CONFIG, store=store, max_sessions=limit)
        self._has_written = False
        interleave(store, self._note)

    def begin(self, cookie: str | None = None) -> int:
        """Another browser; its number."""
        self._cookies.append(cookie)
        return len(self._cookies) - 1

    def like(self, number: int) -> int:
        """Another request of the same browser: a double click, a second tab."""
        return self.begin(self._cookies[number])

    async def request(self, number: int, act: str) -> None:
        """One request: "login", "rotate", "save", "logout" or "revoke all"."""
        await Pause()
        request = RequestSession(self._config, self._cookies[number])
        await request.driver.run_async(load_session(request))
        session = Session(request)
        if act == "login":
            session.login(self.user)
        elif act == "save":
            session["a"] = 1
        elif act == "revoke all":
            await self.store.revoke_user_async(self.user)
        else:
            getattr(session, act)()
        try:
            fields = dict(await request.driver.run_async(start_response(request)))
        except TooManySessions:
            self.refused += 1
            return
        await Pause()
        if "set-cookie" in fields:
            pair = fields["set-cookie"].partition(";")[0]
            self._cookies[number] = None if pair.endswith("=") else pair

    def do(self, number: int, act: str) -> None:
        """One request, alone."""
        self.run([self.request(number, act)], Random(0))

    def run(self, coroutines: list[Coroutine[Any, Any, None]], random: Random) -> list[int]:
        """Take the steps of all in any order; after each write, the user has at most the limit."""
        tasks = [Task(coroutine) for coroutine in coroutines]
        order = []
        while running := [index for index, task in enumerate(tasks) if not task.over]:
            index = random.choice(running)
            order.append(index)
            tasks[index].step()
            if self._has_written:
                self._has_written = False
                self.require_limit(order)
        return order

    def _note(self, operation: Operation, _: object) -> None:
        self._has_written |= not isinstance(operation, _READS)

    def require_limit(self, order: list[int]) -> None:
        """Check how many there are, as the store lists them."""
        live = self.live
        assert live <= self.limit.most, f"{live} sessions, after {order}"

    @property
    def live(self) -> int:
        """How many sessions the user has."""
        return len(self.store.sessions_of(self.user))
