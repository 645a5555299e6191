"""Browsers, and the site they visit: cookies that are kept, and requests that overlap at will."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Iterator
from typing import Any, Protocol

from sessions import DynamoDBSessionStore, MemorySessionStore, Session, SessionEvent
from sessions.config.options import SessionOptions
from sessions.config.session_config import SessionConfig
from sessions.cookie.headers import Headers
from sessions.freshness import AUTHENTICATED_AT
from sessions.lifecycle.commit import end_response, start_response
from sessions.lifecycle.open import load_at_first_use, load_session
from sessions.operations.operation import Find, Operation
from sessions.operations.row import Row, StoredValue
from sessions.request_session import RequestSession
from tests.fake_clock import FakeClock

AnyStore = DynamoDBSessionStore | MemorySessionStore

DEADLINE_SECONDS = 30.0
"""A loaded test machine may stop for seconds; and a login may end 120 sessions within it."""


class Flavour(Protocol):
    """How an application calls: blocking, or in an event loop."""

    def open(self, session: RequestSession) -> None: ...

    def begin(self, session: RequestSession) -> Headers: ...

    def save(self, session: Session) -> None: ...

    def ask(self, session: Session, method: str) -> Any: ...

    def call(self, store: AnyStore, method: str, *args: Any, **options: Any) -> Any: ...

    def send(self, store: AnyStore, operation: Operation) -> Any: ...


def _deadline_ns() -> int:
    return time.monotonic_ns() + round(DEADLINE_SECONDS * 1e9)


class Blocking:
    """Calls in this thread."""

    def open(self, session: RequestSession) -> None:
        load_at_first_use(session)

    def begin(self, session: RequestSession) -> Headers:
        return session.driver.run(start_response(session))

    def save(self, session: Session) -> None:
        session.save()

    def ask(self, session: Session, method: str) -> Any:
        return getattr(session, method)()

    def call(self, store: AnyStore, method: str, *args: Any, **options: Any) -> Any:
        return getattr(store, method)(*args, **options)

    def send(self, store: AnyStore, operation: Operation) -> Any:
        return store.send(operation, _deadline_ns())


class OnLoop:
    """Calls on an event loop that is kept between calls."""

    def __init__(self, runner: asyncio.Runner) -> None:
        self._runner = runner

    def open(self, session: RequestSession) -> None:
        self._runner.run(session.driver.run_async(load_session(session)))

    def begin(self, session: RequestSession) -> Headers:
        return self._runner.run(session.driver.run_async(start_response(session)))

    def save(self, session: Session) -> None:
        self._runner.run(session.save_async())

    def ask(self, session: Session, method: str) -> Any:
        return self._runner.run(getattr(session, f"{method}_async")())

    def call(self, store: AnyStore, method: str, *args: Any, **options: Any) -> Any:
        return self._runner.run(getattr(store, f"{method}_async")(*args, **options))

    def send(self, store: AnyStore, operation: Operation) -> Any:
        return self._runner.run(store.send_async(operation, _deadline_ns()))


class Request:
    """A request under way: its session was read, its response has not begun."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._session = RequestSession(browser.config, browser.cookie)
        browser.flavour.open(self._session)

    @property
    def session(self) -> Session:
        return Session(self._session)

    def still_valid(self) -> bool:
        """What the session says, in the site's flavour."""
        still_valid: bool = self._browser.flavour.ask(self.session, "still_valid")
        return still_valid

    def reload(self) -> None:
        """Have the session read again, in the site's flavour."""
        self._browser.flavour.ask(self.session, "reload")

    def begin(self) -> Headers:
        """The response begins; the browser takes its cookie. What is to be added to the headers."""
        fields = self._browser.flavour.begin(self._session)
        self._browser.take(fields)
        return fields

    def end(self) -> None:
        """The response ends."""
        self._session.driver.run(end_response(self._session))

    def finish(self) -> Headers:
        """The response begins and ends."""
        fields = self.begin()
        self.end()
        return fields


class Browser:
    """Keeps one cookie, as the Cookie field that it sends; None while it has none."""

    def __init__(self, config: SessionConfig, flavour: Flavour, cookie: str | None = None) -> None:
        self.config = config
        self.flavour = flavour
        self.cookie = cookie

    @property
    def token(self) -> str:
        """The token in its cookie, without a MAC."""
        assert self.cookie is not None
        return self.cookie.partition("=")[2].partition(".")[0]

    @property
    def session_id(self) -> str:
        """What the table calls its session."""
        return self.config.tokens.session_id(self.token)

    def open(self) -> Request:
        """Begin a request; others may come before it is finished."""
        return Request(self)

    @contextlib.contextmanager
    def request(self) -> Iterator[Session]:
        """A whole request."""
        request = self.open()
        yield request.session
        request.finish()

    def seen(self) -> dict[str, Any]:
        """What a request that only looks finds in the session."""
        request = self.open()
        found = dict(request.session)
        request.finish()
        return found

    def user_id(self) -> str | None:
        """Whom a request finds logged in."""
        request = self.open()
        user_id = request.session.user_id
        request.finish()
        return user_id

    def take(self, fields: Headers) -> None:
        for name, value in fields:
            if name == "set-cookie":
                pair = value.partition(";")[0]
                self.cookie = None if pair.endswith("=") else pair


class Site:
    """A store, and applications over it that share nothing else."""

    def __init__(self, store: AnyStore, clock: FakeClock, flavour: Flavour | None = None) -> None:
        self.store = store
        self.clock = clock
        self.flavour = Blocking() if flavour is None else flavour
        self.events: list[SessionEvent] = []

    def browser(self, like: Browser | None = None, **options: Any) -> Browser:
        """A browser at an application with these options; with the cookie of another, if given."""
        given: SessionOptions = {
            "deadline": DEADLINE_SECONDS,
            "on_event": self.events.append,
            **options,  # type: ignore[typeddict-item]  # the table of a test names them
        }
        return Browser(
            SessionConfig.of(self.store, given), self.flavour, like.cookie if like else None
        )

    def rows(self, session_id: str) -> list[Row]:
        """The rows of an id, over or not."""
        rows: list[Row] = self.send(Find(session_id)).rows
        return rows

    def send(self, operation: Operation) -> Any:
        """An operation, straight to the store."""
        return self.flavour.send(self.store, operation)

    def call(self, method: str, *args: Any, **options: Any) -> Any:
        """A public method of the store, in this site's flavour."""
        return self.flavour.call(self.store, method, *args, **options)

    def ids_of(self, user_id: str) -> set[str]:
        """The ids of a user's sessions, as they are listed."""
        return {info.id for info in self.call("sessions_of", user_id)}


def memory_site() -> Site:
    """A site with a new memory store, for what has nothing to do with the store."""
    clock = FakeClock()
    return Site(MemorySessionStore(clock=clock), clock)


def begun(site: Site, **values: Any) -> Browser:
    """A browser that has an anonymous session."""
    browser = site.browser()
    with browser.request() as session:
        session.update(values or {"seed": 0})
    return browser


def logged_in(site: Site, user_id: str, **values: Any) -> Browser:
    """A browser whose session is a user's."""
    browser = site.browser()
    with browser.request() as session:
        session.login(user_id)
        session.update(values)
    return browser


def rotated(site: Site, browser: Browser) -> Browser:
    """The browser as it was before: its session has another id now."""
    before = site.browser(browser)
    with browser.request() as session:
        session.rotate()
    assert before.cookie != browser.cookie
    return before


def alive(site: Site, *browsers: Browser) -> list[bool]:
    """Whose cookie leads to a session that holds its seed."""
    return ["seed" in site.browser(browser).seen() for browser in browsers]


def app_data(row: Row) -> dict[str, StoredValue]:
    """What a row holds of the app's, without what the login noted beside it."""
    return {key: stored for key, stored in row.data.items() if key != AUTHENTICATED_AT}
