"""One browser, several requests at once: each step of each is taken when a schedule says so.

A request begins with the cookie that the browser has then, pauses before each operation of the
store, and ends with the browser taking its response. So a schedule orders the store's operations,
the requests' beginnings and the responses' arrivals.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import cache
from random import Random
from typing import Any, NamedTuple

from sessions import MemorySessionStore, Session, SessionRevoked
from sessions.config.session_config import SessionConfig
from sessions.lifecycle.commit import start_response
from sessions.lifecycle.open import load_at_first_use, load_session
from sessions.operations.operation import Operation
from sessions.request_session import RequestSession
from tests.fake_clock import FakeClock
from tests.sessions_machine.interleaving import AnyStore, Pause, Task, interleave

CONFIG = SessionConfig.of(MemorySessionStore(), {"deadline": 60})
"""Of every play, but for the store."""

COOKIE = f"{CONFIG.cookie.name}="
CART = "cart"


@dataclass
class Told:
    """What a request was told, and what its response told the browser.

    Attributes:
        name: what it did.
        found: the id of the session that it found; None if it found none.
        user_id: whose that was.
        was_replaced: whether a login had taken its session's place, when it came or later.
        is_revoked: whether it learned that its session had ended.
        cookie: the Set-Cookie field's value; None if there was none, "" to clear it.
        began_at, committed_at, arrived_at: the turns of the play when it did.
        token: the CSRF token of a form that it made.
    """

    name: str
    found: str | None = None
    user_id: str | None = None
    was_replaced: bool = False
    is_revoked: bool = False
    cookie: str | None = None
    began_at: int = -1
    committed_at: int = -1
    arrived_at: int = -1
    token: str | None = None


Act = Callable[["Play", Session, Told], Awaitable[None]]


@dataclass
class Play:
    """A store, a browser with a session in it, and all that happens.

    Args:
        store: a new one, on ``clock``.
        owner: the user who is logged in at the beginning; None for nobody.

    Attributes:
        cookie: what the browser has now.
        first_cookie, first_id: what it has at the beginning.
    """

    store: AnyStore
    owner: str | None
    users: tuple[str, str]
    told: list[Told] = field(default_factory=list)
    turn: int = 0

    def __post_init__(self) -> None:
        self.config = replace(CONFIG, store=self.store)
        self.cookie: str | None = None
        if isinstance(self.store, MemorySessionStore):
            beginning = _beginning_in_memory(self.owner)
            for operation in beginning.operations:
                self.store.send(operation, 0)
        else:  # in one table, each browser has an id of its own
            beginning = _begin(self.config, self.owner)
        self.take(beginning.set_cookie)
        self.first_cookie = self.cookie
        self.first_id = beginning.session_id
        self._opened: dict[str | None, RequestSession] = {}
        interleave(self.store, lambda *_: None)

    async def request(self, name: str, act: Act) -> None:
        """A request of the browser."""
        told = Told(name)
        self.told.append(told)
        await Pause()
        told.began_at = self.turn
        session = RequestSession(self.config, self.cookie)
        await session.driver.run_async(load_session(session))
        row = session.state.row
        told.was_replaced = session.state.replaced is not None
        if row is not None:
            told.found, told.user_id = row.session_id, row.owner_id
        fields: dict[str, str] = {}
        try:
            await act(self, Session(session), told)
            fields = dict(await session.driver.run_async(start_response(session)))
        except SessionRevoked:
            told.is_revoked = True
        told.was_replaced = told.was_replaced or session.state.replaced is not None
        told.is_revoked = told.is_revoked or (session.state.has_ended and session.state.row is None)
        told.committed_at = self.turn
        await Pause()
        told.arrived_at = self.turn
        if "set-cookie" in fields:
            self.take(fields["set-cookie"])
            told.cookie = self.cookie or ""

    async def elsewhere(self, name: str, act: Act) -> None:
        """Something that is done without the browser."""
        told = Told(name)
        self.told.append(told)
        await Pause()
        told.began_at = self.turn
        await act(self, Session(RequestSession(self.config, None)), told)
        told.committed_at = told.arrived_at = self.turn

    def take(self, set_cookie: str) -> None:
        pair = set_cookie.partition(";")[0]
        self.cookie = None if pair == COOKIE else pair

    def opened(self, cookie: str | None) -> RequestSession:
        """What a cookie leads to when the play is over."""
        session = self._opened.get(cookie)
        if session is None:
            session = self._opened[cookie] = RequestSession(self.config, cookie)
            load_at_first_use(session)
        return session


class Beginning(NamedTuple):
    """A browser's first request, which puts something into a cart.

    Attributes:
        operations: what the store carried out for it, where that was noted.
        set_cookie: of its response.
        session_id: the id of its session.
    """

    operations: tuple[Operation, ...]
    set_cookie: str
    session_id: str


def _begin(config: SessionConfig, owner: str | None) -> Beginning:
    session = RequestSession(config, None)
    load_at_first_use(session)
    facade = Session(session)
    facade[CART] = [17]
    if owner is not None:
        facade.login(owner)
    set_cookie = dict(session.driver.run(start_response(session)))["set-cookie"]
    return Beginning((), set_cookie, str(facade.id))


@cache
def _beginning_in_memory(owner: str | None) -> Beginning:
    """The same for all plays, whose stores know nothing of each other."""
    store, operations = memory_store(), list[Operation]()
    send = store.send

    def noting(operation: Operation, deadline_ns: int) -> Any:
        operations.append(operation)
        return send(operation, deadline_ns)

    store.send = noting  # type: ignore[method-assign]
    beginning = _begin(replace(CONFIG, store=store), owner)
    return beginning._replace(operations=tuple(operations))


def run(coroutines: list[Any], play: Play, choose: Callable[[int], int]) -> list[int]:
    """Take steps until all are over; ``choose`` says which of so many goes next."""
    tasks = [Task(coroutine) for coroutine in coroutines]
    order = []
    while running := [index for index, task in enumerate(tasks) if not task.over]:
        index = running[choose(len(running))]
        order.append(index)
        play.turn += 1
        tasks[index].step()
    return order


def every_schedule() -> Iterator[Callable[[int], int]]:
    """A function ``choose`` for each order that there is, as far as it is asked."""
    untried: list[list[int]] = [[]]
    while untried:
        chosen = untried.pop()
        made: list[int] = []

        def choose(many: int, chosen: list[int] = chosen, made: list[int] = made) -> int:
            index = chosen[len(made)] if len(made) < len(chosen) else 0
            if len(made) >= len(chosen):
                untried.extend([*made, other] for other in range(1, many))
            made.append(index)
            return index

        yield choose


def random_schedule(random: Random) -> Callable[[int], int]:
    """Any order; one that lets each go on for a while as likely as one that changes often."""
    stays = random.random()
    last = 0

    def choose(many: int) -> int:
        nonlocal last
        if last >= many or random.random() > stays:
            last = random.randrange(many)
        return last

    return choose


def memory_store() -> MemorySessionStore:
    return MemorySessionStore(clock=FakeClock())
