"""Requests of one session taken step by step, in every order that their steps can have."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from sessions import MemorySessionStore, Session, SessionRevoked
from sessions.commit_result import CommitResult
from sessions.config.session_config import SessionConfig
from sessions.lifecycle import user_sessions
from sessions.lifecycle.commit import commit
from sessions.lifecycle.load import InvalidReason, load
from sessions.loaded_session import NO_SESSION, LoadedSession
from sessions.operations.operation import Create, Flow, ReadClock
from sessions.operations.row import Row, anonymous
from sessions.request_session import RequestSession
from tests.fake_clock import FakeClock

CONFIG = SessionConfig.of(MemorySessionStore(), {"idle": 3_600, "lifetime": 43_200})
"""Its store is not used: these sessions are loaded and committed by hand."""
TOUCH_IS_DUE_SECONDS = 600
SEED = "seed"

Act = Callable[[Session], object]


@dataclass
class Deed:
    """What one flow did.

    Attributes:
        name: of the action.
        loaded: the row that its cookie led to; None where there was none any more.
        kept: what its commit came to.
        revoked: whether it was told that the session had ended.
    """

    name: str
    loaded: Row | None = None
    kept: CommitResult | None = None
    revoked: bool = False

    def new_id(self) -> str | None:
        """The id that it gave the session, if it did."""
        if self.kept is None or self.kept.token is None:
            return None
        return CONFIG.tokens.session_id(self.kept.token)


@dataclass
class World:
    """One session, and what is done to it."""

    owner: str | None
    clock: FakeClock = field(default_factory=FakeClock)
    deeds: list[Deed] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.store = MemorySessionStore(clock=self.clock)
        self.token = CONFIG.tokens.new()
        self.session_id = CONFIG.tokens.session_id(self.token)
        now = self.clock() // 10**9
        user_id = self.owner or anonymous(self.session_id)
        ends = now + 3_600, now + 43_200
        row = Row(self.session_id, user_id, now, now, *ends, data={SEED: "0"})
        assert self.send(Create(row))
        self.clock.advance(TOUCH_IS_DUE_SECONDS)

    def send(self, operation: Any) -> Any:
        return self.store.send(operation, 0)

    def request(self, name: str, act: Act) -> Flow[None]:
        """A request with the session's first cookie."""
        deed = Deed(name)
        self.deeds.append(deed)
        found = yield from load(CONFIG, self.token)
        opened = found if isinstance(found, LoadedSession) else NO_SESSION
        deed.loaded = opened.row
        session = RequestSession(CONFIG, None)
        session.state.set_loaded(opened)
        act(Session(session))
        try:
            deed.kept = yield from commit(CONFIG, session.state, session.state.data.changes())
        except SessionRevoked:
            deed.revoked = True

    def revoke_all(self, name: str) -> Flow[None]:
        """The owner ends all sessions, from elsewhere."""
        self.deeds.append(Deed(name))
        assert self.owner is not None
        yield from user_sessions.revoke_user(self.owner, False, None)

    def revoke_this(self, name: str) -> Flow[None]:
        """The owner ends this session, as it was listed."""
        self.deeds.append(Deed(name))
        assert self.owner is not None
        yield from user_sessions.revoke(self.owner, self.session_id)

    def opened_by(self, token: str) -> LoadedSession | InvalidReason:
        """Where a cookie leads now."""
        found: LoadedSession | InvalidReason = to_the_end(load(CONFIG, token), self.send)
        return found

    def rows(self) -> list[Row]:
        """All rows that lead somewhere or are somewhere, in grace or live."""
        now = self.clock() // 10**9
        rows = self.store._rows.values()  # there is no public way to see rows nobody leads to
        return [row for row in rows if row.expires_at > now]


def to_the_end(flow: Flow[Any], send: Callable[[Any], Any]) -> Any:
    """Run one flow alone."""
    try:
        operation = next(flow)
        while True:
            operation = flow.send(send(operation))
    except StopIteration as done:
        return done.value


def every_order(
    new_world: Callable[[], World], flows_of: Callable[[World], list[Flow[None]]]
) -> Iterator[tuple[World, list[int]]]:
    """A new world after each order of its flows' steps, and that order."""
    untried: list[list[int]] = [[]]
    while untried:
        chosen = untried.pop()
        world = new_world()
        flows = [_Stepped(flow, world.send) for flow in flows_of(world)]
        order: list[int] = []
        while running := [index for index, flow in enumerate(flows) if flow.operation is not None]:
            if len(order) < len(chosen):
                index = chosen[len(order)]
            else:
                index = running[0]
                untried += [[*order, other] for other in running[1:]]
            order.append(index)
            flows[index].step()
        yield world, order


class _Stepped:
    """A flow, and the operation that is its next step; None when it has ended."""

    def __init__(self, flow: Flow[None], send: Callable[[Any], Any]) -> None:
        self._flow = flow
        self._send = send
        self.operation: Any = next(flow)
        self._skip_clock()

    def step(self) -> None:
        answer = self._send(self.operation)
        self._advance(answer)
        self._skip_clock()

    def _skip_clock(self) -> None:
        # Time stands still, so it is no matter when it is asked.
        while isinstance(self.operation, ReadClock):
            self._advance(self._send(self.operation))

    def _advance(self, answer: Any) -> None:
        try:
            self.operation = self._flow.send(answer)
        except StopIteration:
            self.operation = None
