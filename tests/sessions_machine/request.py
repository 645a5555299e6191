"""A request from its cookie to its response, one operation at a time."""

from __future__ import annotations

from collections.abc import Awaitable
from enum import Enum, auto

from sessions import Session, SessionConflict, SessionRevoked
from sessions.cookie.headers import Headers
from sessions.lifecycle.commit import end_response, start_response
from sessions.lifecycle.load import decrypted
from sessions.lifecycle.open import load_session
from sessions.request_session import RequestSession
from tests.sessions_machine.action import Action
from tests.sessions_machine.browser import Browser, parsed
from tests.sessions_machine.interleaving import Pause, Task
from tests.sessions_machine.lineage import Ticket
from tests.sessions_machine.model import Outcome
from tests.sessions_machine.view import View, told
from tests.sessions_machine.world import Errand, World


class Phase(Enum):
    """How far a request has come. Time passes only while its handler works, or later."""

    OPENING = auto()
    WORKING = auto()
    COMMITTING = auto()
    ANSWERED = auto()
    FAILED = auto()


class Request:
    """One of them, under way.

    Args:
        world: where.
        cookie: what its cookie holds; None without one.
        handler: what its handler does, in its order.
        browser: who takes the response's cookie; None for an attacker, who takes none.
    """

    def __init__(
        self,
        world: World,
        cookie: str | None,
        handler: list[Action],
        browser: Browser | None,
    ) -> None:
        self._world = world
        self._cookie = cookie
        self._handler = handler
        self._browser = browser
        self._since = world.model.turn
        self._set_cookie: str | None = None
        name = world.config.cookie.name
        field = None if cookie is None else f"theme=dark; {name}={cookie}"
        self.view = View()
        self.phase = Phase.OPENING
        self.errand = Errand(self._may_end)
        with world.doing(self.errand):
            self.request_session = RequestSession(world.config, field)
            self.session = Session(self.request_session)
            self.task = Task(self._run())

    @property
    def is_at_the_store(self) -> bool:
        return self.phase in (Phase.OPENING, Phase.COMMITTING)

    def step(self) -> None:
        """One operation, or all that the handler does between two."""
        with self._world.doing(self.errand):
            self.task.step()

    def deliver(self) -> None:
        """The browser takes the response."""
        if self._browser is not None and self._set_cookie is not None:
            self._browser.take(self._set_cookie)

    async def _run(self) -> None:
        await self.request_session.driver.run_async(load_session(self.request_session))
        self._opened()
        await self._work()
        for action in self._handler:
            if action.what != "save":
                action.perform(self.session, self.view, self._world.users)
                assert told(self.request_session.state.data.encoded()) == self.view.texts()
                continue
            await self._commit(self._save())
            if self.phase is Phase.FAILED:
                return
            await self._work()
        fields = await self._commit(
            self.request_session.driver.run_async(start_response(self.request_session))
        )
        if self.phase is not Phase.FAILED:
            self._answered(fields)

    async def _work(self) -> None:
        self.phase = Phase.WORKING
        await Pause()

    async def _save(self) -> Headers:
        await self.session.save_async()
        return []

    async def _commit(self, saving: Awaitable[Headers]) -> Headers:
        self.phase = Phase.COMMITTING
        self._since = self._world.model.turn
        had, asked = self.view.ticket, self._asks()
        del self.errand.events[:], self.errand.writes[:], self.errand.replaced[:]
        fields, conflict, revoked = [], False, False
        try:
            fields = await saving
        except SessionConflict:
            conflict = True
        except SessionRevoked:
            revoked = True
        session_id = None if conflict else self.session.id
        replaced = self.request_session.state.replaced is not None
        is_revoked = self._is_revoked(had, session_id, conflict)
        if replaced:
            is_revoked = bool(had or self.view.ended or self.view.has_changed())
        assert revoked == (self._world.raises and is_revoked)
        assert asked or not self.errand.writes, "nothing was there to be kept, yet it was"
        renewed = any(event.what == "renewed" for event in self.errand.events)
        row = self.request_session.state.row
        encoded = {} if row is None else decrypted(self._world.config, row)
        outcome = Outcome(
            session_id,
            conflict,
            renewed,
            replaced,
            next(iter(self.errand.replaced), None),
            told(encoded) if isinstance(encoded, dict) else {},
        )
        self._world.model.committed(self.view, outcome, self._since)
        if conflict or revoked:
            self.phase = Phase.FAILED
        return fields

    def _asks(self) -> bool:
        """Whether there is anything to be written, a touch of a session among it."""
        view = self.view
        return bool(view.ticket or view.ended or view.login_as or view.values)

    def _is_revoked(self, had: Ticket | None, session_id: str | None, conflict: bool) -> bool:
        return had is not None and session_id is None and not conflict and self.view.ended is None

    def _opened(self) -> None:
        model, session = self._world.model, self.session
        ticket = None if self._cookie is None else model.cookies.get(self._cookie)
        replaced = self.request_session.state.replaced is not None
        model.opened(self.view, ticket, session.id, replaced, self._since)
        assert session.user_id == self.view.owner
        assert told(self.request_session.state.data.encoded()) == self.view.texts()
        assert not self.errand.writes

    def _answered(self, fields: Headers) -> None:
        self.phase = Phase.ANSWERED
        self.request_session.driver.run(end_response(self.request_session))
        set_cookies = [value for name, value in fields if name == "set-cookie"]
        fresh = self.view.fresh
        if fresh is None and not self.view.clears:
            assert not set_cookies
            return
        (self._set_cookie,) = set_cookies
        value, age_seconds = parsed(self._set_cookie, self._world.config.cookie.name)
        if fresh is None:
            assert (value, age_seconds) == ("", 0)
            return
        assert value
        assert value != self._cookie
        assert value not in self._world.model.cookies, "a cookie was given twice"
        fresh.cookie = value
        self._world.model.cookies[value] = fresh

    def _may_end(self, ticket: Ticket) -> bool:
        return self.view.ended is not None and self.view.ended.lineage is ticket.lineage
