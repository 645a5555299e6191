"""A site whose pages do what a test says, behind the session middleware, over ASGI or WSGI."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from sessions import (
    MemorySessionStore,
    Session,
    SessionEvent,
    StoreUnavailable,
    asgi,
    wsgi,
)
from sessions.operations.operation import Operation, ReadClock
from tests.fake_clock import FakeClock
from tests.sessions_web.exchange import Browser, Log, Response

Act = Callable[[Session], Any]

TYPE = ("Content-Type", "application/json")
WRITES = ("Create", "Save", "Replace", "Delete")


def nothing(session: Session) -> None:
    """Leave the session alone."""


def put(**values: Any) -> Act:
    return lambda session: session.update(values)


def in_turn(*acts: Act) -> Act:
    """One act after the other."""

    def act(session: Session) -> None:
        for one in acts:
            one(session)

    return act


def everything(session: Session) -> dict[str, Any]:
    return dict(session)


@dataclass(frozen=True, slots=True)
class Saving:
    """Something that is done and then saved: by ``save_async`` over ASGI, ``save`` over WSGI.

    Attributes:
        act: what is done.
        caught: what the page catches of the save; its result is then the exception's name.
        after: what is done after the save.
    """

    act: Act
    caught: tuple[type[Exception], ...] = ()
    after: Act = nothing


@dataclass(frozen=True, slots=True)
class Page:
    """What the application does. What each step comes to is a chunk of the body, as JSON.

    The first step is done before the response begins, the others between the chunks.
    """

    steps: tuple[Act | Saving, ...]
    status: int = 200
    answered: tuple[tuple[str, str], ...] = ()

    @property
    def headers(self) -> list[tuple[str, str]]:
        typed = any(name == "Content-Type" for name, _ in self.answered)
        return [*self.answered] if typed else [TYPE, *self.answered]


class WatchedStore(MemorySessionStore):
    """A memory store that logs what it is asked, and fails when told to.

    Attributes:
        log: names of operations; not of the clock's reading, which is no call.
        failures: what to raise, by the name of the operation.
        lost: operations that are carried out, but whose answer is lost; by their names, once each.
        meanwhile: what others do while an operation is under way, by its name; once.
    """

    def __init__(self, log: Log, clock: FakeClock) -> None:
        super().__init__(clock=clock)
        self.log = log
        self.failures: dict[str, Exception] = {}
        self.lost: set[str] = set()
        self.meanwhile: dict[str, Callable[[], object]] = {}

    def send(self, operation: Operation, deadline_ns: int) -> Any:
        if not isinstance(operation, ReadClock):
            name = type(operation).__name__
            self.log.append(name)
            if name in self.failures:
                raise self.failures[name]
            if name in self.meanwhile:
                self.meanwhile.pop(name)()
            if name in self.lost:
                self.lost.remove(name)
                super().send(operation, deadline_ns)
                raise StoreUnavailable(f"{name}: no answer")
        return super().send(operation, deadline_ns)


class Visitor(Browser):
    """A browser that says what the page it asks for does."""

    def visit(
        self,
        *steps: Act | Saving,
        status: int = 200,
        answered: Iterable[tuple[str, str]] = (),
        **request: Any,
    ) -> Response:
        """The response of a page with these steps, this status and these headers of its own."""
        extra: dict[str, Any] = {"tests.page": Page(steps, status, tuple(answered))}
        return self.ask(**request, **extra)


@dataclass(slots=True)
class Site:
    """An application behind the session middleware.

    Attributes:
        log: store operations and what the server was given, in their order.
        events: what ``on_event`` was told.
    """

    protocol: str
    log: Log = field(default_factory=list)
    clock: FakeClock = field(default_factory=FakeClock)
    events: list[SessionEvent] = field(default_factory=list)
    store: WatchedStore = field(init=False)
    app: Any = field(init=False)

    def visitor(self, **sent: Any) -> Visitor:
        return Visitor(self.app, self.protocol, self.log, **sent)

    @property
    def calls(self) -> list[str]:
        """The store operations so far."""
        return [entry for entry in self.log if entry[0].isupper()]

    @property
    def writes(self) -> list[str]:
        return [entry for entry in self.log if entry in WRITES]

    @property
    def told(self) -> list[str]:
        """What the events so far were about."""
        return [f"{one.what} {one.why}" if one.why else one.what for one in self.events]


MakeSite = Callable[..., Site]


def site_over(
    protocol: str, app: Any = None, store: WatchedStore | None = None, **options: Any
) -> Site:
    """A site with the middleware's options; its application is that of the pages unless given."""
    site = Site(protocol)
    site.store = WatchedStore(site.log, site.clock) if store is None else store
    options = {"on_event": site.events.append, **options}
    if protocol == "asgi":
        site.app = asgi.SessionMiddleware(app or asgi_pages, site.store, **options)
    else:
        site.app = wsgi.SessionMiddleware(app or wsgi_pages, site.store, **options)
    return site


async def asgi_pages(scope: Any, receive: Any, send: Any) -> None:
    """The application over ASGI."""
    page: Page = scope["tests.page"]
    session = scope["session"]
    first = await _done_async(page.steps[0], session)
    headers = [(name.encode(), value.encode()) for name, value in page.headers]
    await send({"type": "http.response.start", "status": page.status, "headers": headers})
    await send({"type": "http.response.body", "body": first, "more_body": True})
    for step in page.steps[1:]:
        chunk = await _done_async(step, session)
        await send({"type": "http.response.body", "body": chunk, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


def wsgi_pages(environ: Any, start_response: Any) -> Iterable[bytes]:
    """The application over WSGI: one step's body is a list, that of several a generator."""
    page: Page = environ["tests.page"]
    if len(page.steps) == 1:
        body = _done(page.steps[0], environ["sessions.session"])
        start_response(f"{page.status} As Told", page.headers)
        return [body]
    return _wsgi_stream(page, environ["sessions.session"], start_response)


def _wsgi_stream(page: Page, session: Session, start_response: Any) -> Iterable[bytes]:
    for number, step in enumerate(page.steps):
        chunk = _done(step, session)
        if number == 0:
            start_response(f"{page.status} As Told", page.headers)
        yield chunk


async def _done_async(step: Act | Saving, session: Session) -> bytes:
    # In a thread, as frameworks call a view that is a plain function.
    if isinstance(step, Saving):
        result = await asyncio.to_thread(step.act, session)
        try:
            await session.save_async()
        except step.caught as caught:
            result = type(caught).__name__
        await asyncio.to_thread(step.after, session)
    else:
        result = await asyncio.to_thread(step, session)
    return json.dumps(result).encode()


def _done(step: Act | Saving, session: Session) -> bytes:
    if isinstance(step, Saving):
        result = step.act(session)
        try:
            session.save()
        except step.caught as caught:
            result = type(caught).__name__
        step.after(session)
    else:
        result = step(session)
    return json.dumps(result).encode()
