"""What an application assigns where its session is, in an ASGI scope or a WSGI environ."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import flask
import pytest
from litestar import Litestar, get
from litestar import Request as LitestarRequest
from litestar.middleware.session.client_side import CookieBackendConfig
from litestar.middleware.session.server_side import ServerSideSessionConfig
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.sessions import SessionMiddleware as StarletteSessions
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Mount, Route, Router

from sessions import MemorySessionStore, Session, SessionNotSaved, asgi, session_of, wsgi
from sessions.flask import SessionInterface
from tests.fake_clock import FakeClock
from tests.sessions_web.exchange import Browser
from tests.sessions_web.site import WatchedStore, site_over
from tests.sessions_web.starlette_site import PAGES, browser
from tests.sessions_web.starlette_site import site as starlette_site

KEYS = {"asgi": "session", "wsgi": "sessions.session"}
Assign = Callable[[Any, str], None]


def log_in(place: Any, key: str) -> None:
    session: Session = place[key]
    session.login("ada")
    session.update(a=1, b=[1, {"c": None}])
    session.flash("hello")


def see(place: Any, key: str) -> Any:
    return [place[key].user_id, dict(place[key]), [one.message for one in place[key].flashes()]]


class Assigning:
    """An application that does with its scope or environ what a test says."""

    def __init__(self, protocol: str) -> None:
        self.site = site_over(protocol, self.asgi if protocol == "asgi" else self.wsgi)
        self.act: Callable[[Any, str], Any] = see
        self.late: Callable[[Any, str], Any] | None = None
        self.browser = Browser(self.site.app, protocol)
        self.do(log_in)

    def do(self, act: Callable[[Any, str], Any], late: Any = None) -> Any:
        self.act, self.late = act, late
        return self.browser.ask().value

    @property
    def listed(self) -> int:
        return len(self.site.store.sessions_of("ada"))

    async def asgi(self, scope: Any, receive: Any, send: Any) -> None:
        body = json.dumps(self.act(scope, "session")).encode()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": body, "more_body": True})
        if self.late:
            self.late(scope, "session")
        await send({"type": "http.response.body", "body": b""})

    def wsgi(self, environ: Any, start_response: Any) -> Any:
        body = json.dumps(self.act(environ, "sessions.session")).encode()
        start_response("200 OK", [("Content-Type", "application/json")])
        yield body
        if self.late:
            self.late(environ, "sessions.session")


@pytest.fixture(params=["asgi", "wsgi"])
def app(request: pytest.FixtureRequest) -> Assigning:
    return Assigning(request.param)


def assign(value: Any) -> Assign:
    return lambda place, key: place.update({key: value})


def remove(place: Any, key: str) -> None:
    del place[key]


def test_a_mapping_that_is_assigned_is_the_session_from_then_on(app: Assigning) -> None:
    before = app.browser.token
    app.do(assign({"b": [1, {"c": 2}], "d": 4}))
    assert app.do(see) == ["ada", {"b": [1, {"c": 2}], "d": 4}, ["hello"]]
    assert app.browser.token == before
    del app.site.log[:]
    app.do(lambda place, key: place.update({key: place[key] | {"e": 5}}))
    assert app.site.calls == ["Find", "Save"]
    assert app.do(see) == ["ada", {"b": [1, {"c": 2}], "d": 4, "e": 5}, []]


def test_what_becomes_of_an_assigned_dict_until_the_response_counts(app: Assigning) -> None:
    def act(place: Any, key: str) -> None:
        place[key] = {}
        place[key]["a"] = 2

    app.do(act)
    assert app.do(see) == ["ada", {"a": 2}, ["hello"]]


@pytest.mark.parametrize("end", [assign({}), assign(None), remove])
def test_nothing_that_is_assigned_is_a_logout(app: Assigning, end: Assign) -> None:
    cookie = app.browser.cookie
    app.do(end)
    assert (app.browser.cookies, app.listed) == ({}, 0)
    app.act = see
    assert app.browser.ask(cookie=cookie).value == [None, {}, []]


@pytest.mark.parametrize("wrong", [7, "a", [("a", 1)], object()])
def test_what_is_no_mapping_is_refused(app: Assigning, wrong: Any) -> None:
    with pytest.raises(TypeError, match="must be a mapping of JSON values"):
        app.do(assign(wrong))
    assert app.do(see)[:2] == ["ada", {"a": 1, "b": [1, {"c": None}]}]


@pytest.mark.parametrize("wrong", [{"a": (1,)}, {1: 2}, {"sessions.flash": []}])
def test_what_a_session_cant_hold_is_refused(app: Assigning, wrong: Any) -> None:
    with pytest.raises((TypeError, ValueError), match="session"):
        app.do(assign(wrong))
    assert app.do(see)[:2] == ["ada", {"a": 1, "b": [1, {"c": None}]}]


@pytest.mark.parametrize("wrong", [7, {"a": (1,)}, {"sessions.flash": []}])
def test_an_applications_own_error_is_raised_whatever_it_has_assigned(
    app: Assigning, wrong: Any
) -> None:
    def act(place: Any, key: str) -> None:
        place[key] = wrong
        raise LookupError("its own")

    with pytest.raises(LookupError, match="its own"):
        app.do(act)


def test_what_is_assigned_too_late_is_told(app: Assigning) -> None:
    with pytest.raises(SessionNotSaved):
        app.do(lambda place, key: None, late=assign({"a": 2}))
    app.do(lambda place, key: None, late=assign({"a": 1, "b": [1, {"c": None}]}))


def test_session_of_is_the_session_with_what_was_assigned(app: Assigning) -> None:
    def act(place: Any, key: str) -> Any:
        place[key] = {"a": 2}
        session = session_of(place)
        session["b"] = 3
        place[key].update(c=4)
        return dict(session)

    assert app.do(act) == {"a": 2, "b": 3, "c": 4}
    assert app.do(see) == ["ada", {"a": 2, "b": 3, "c": 4}, ["hello"]]


def test_a_login_after_the_session_was_ended_so_holds(app: Assigning) -> None:
    before = app.browser.token

    def act(place: Any, key: str) -> None:
        place[key] = None
        session_of(place).login("ada")

    app.do(act)
    assert app.browser.token != before
    assert app.do(see) == ["ada", {}, []]
    assert app.listed == 1


async def _own(request: Request) -> JSONResponse:
    request.session["of the part"] = 1
    assert dict(session_of(request)) == {"a": 1}, "that of the whole"
    return JSONResponse(dict(request.session))


@pytest.mark.parametrize(
    "part",
    [
        Starlette(
            routes=[Route("/own", _own)],
            middleware=[Middleware(StarletteSessions, secret_key="s" * 32)],
        ),
        StarletteSessions(Router([Route("/own", _own)]), secret_key="s" * 32),
    ],
    ids=["an application", "a router"],
)
def test_a_part_with_starlettes_own_sessions_has_its_own(part: Any) -> None:
    visitor = browser(starlette_site(WatchedStore([], FakeClock()), Mount("/part", part)))
    visitor.ask("/put")
    assert visitor.ask("/part/own").value == {"of the part": 1}
    assert visitor.ask("/all").value == {"a": 1}


class OlderStarletteSessions(StarletteSessions):
    """As before Starlette 1.0: its session is a dict like any other."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        scope["session"] = {}
        await self.app(scope, receive, send)


class SessionHandler:
    """That of starsessions, which does not have to be installed."""


class LoadGuard:
    """What starsessions puts there until its session is loaded: it can be asked nothing."""

    def __getattribute__(self, name: str) -> Any:
        raise RuntimeError("not loaded yet")


class Starsessions:
    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        scope["session"], scope["session_handler"] = LoadGuard(), SessionHandler()
        await self.app(scope, receive, send)


def _after_a_part_with(middleware: Middleware) -> Any:
    """What a session holds after a visit to a part of the site that has this middleware."""
    part = Starlette(
        routes=[Route("/own", lambda request: JSONResponse("seen"))], middleware=[middleware]
    )
    visitor = browser(starlette_site(WatchedStore([], FakeClock()), Mount("/part", part)))
    visitor.ask("/put")
    assert visitor.ask("/part/own").value == "seen"
    return visitor.ask("/all").value


def test_a_part_with_the_sessions_of_an_older_starlette_has_its_own() -> None:
    own = Middleware(OlderStarletteSessions, secret_key="s" * 32)
    assert _after_a_part_with(own) == {"a": 1}


def test_a_part_with_starsessions_has_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    package = SimpleNamespace(SessionHandler=SessionHandler)
    monkeypatch.setitem(sys.modules, "starsessions.session", package)
    assert _after_a_part_with(Middleware(Starsessions)) == {"a": 1}


def test_an_assignment_counts_within_starlettes_sessions() -> None:
    async def end(request: Request) -> JSONResponse:
        request.scope["session"] = {}
        return JSONResponse("ended")

    app = Starlette(
        routes=[Route("/end", end), *PAGES],
        middleware=[
            Middleware(StarletteSessions, secret_key="s" * 32),
            Middleware(asgi.SessionMiddleware, store=MemorySessionStore()),
        ],
    )
    visitor = browser(app)
    visitor.ask("/put")
    visitor.ask("/end")
    assert visitor.ask("/all").value == {}


@pytest.mark.parametrize(
    "own",
    [ServerSideSessionConfig(), CookieBackendConfig(secret=b"s" * 16)],
    ids=["server", "client"],
)
def test_a_part_with_litestars_own_sessions_has_its_own(own: Any) -> None:
    @get("/own", sync_to_thread=False)
    def of_the_part(request: LitestarRequest[Any, Any, Any]) -> dict[str, Any]:
        request.session["of the part"] = 1
        return dict(request.session)

    part: Any = Litestar([of_the_part], middleware=[own.middleware])
    visitor = browser(starlette_site(WatchedStore([], FakeClock()), Mount("/part", part)))
    visitor.ask("/put")
    assert visitor.ask("/part/own").value == {"of the part": 1}
    assert visitor.ask("/all").value == {"a": 1}


@pytest.mark.parametrize("protocol", ["asgi", "wsgi"])
def test_a_part_with_a_session_middleware_of_its_own_has_its_own(protocol: str) -> None:
    whole, part = MemorySessionStore(), MemorySessionStore()
    visitor = Browser(_two_middlewares(protocol, whole, part, cookie="__Host-part"), protocol)
    visitor.ask("/login")
    visitor.ask("/part")  # its session is that of nobody, and has no values of the whole's
    assert visitor.ask("/part/set").value == [None, {"part": 1}]
    assert visitor.ask("/").value == ["ada", {"whole": 1}]
    assert visitor.ask("/part").value == [None, {"part": 1}]
    assert visitor.ask("/part/logout").value == [None, {}]
    assert visitor.ask("/").value == ["ada", {"whole": 1}]
    assert len(whole.sessions_of("ada")) == 1


@pytest.mark.parametrize("options", [{}, {"namespace": "part"}])
@pytest.mark.parametrize("protocol", ["asgi", "wsgi"])
def test_a_part_may_not_overwrite_the_cookie_of_the_whole(
    protocol: str, options: dict[str, str]
) -> None:
    whole = MemorySessionStore()
    part = whole if options else MemorySessionStore()
    visitor = Browser(_two_middlewares(protocol, whole, part, **options), protocol)
    visitor.ask("/login")
    with pytest.raises(ValueError, match="the cookie '__Host-session' is set by two session"):
        visitor.ask("/part")
    assert visitor.ask("/").value == ["ada", {"whole": 1}]


@pytest.mark.parametrize("protocol", ["asgi", "wsgi"])
def test_a_part_may_share_the_sessions_of_the_whole(protocol: str) -> None:
    store = MemorySessionStore()
    visitor = Browser(_two_middlewares(protocol, store, store), protocol)
    visitor.ask("/login")
    assert visitor.ask("/part/set").value == ["ada", {"whole": 1, "part": 1}]
    assert visitor.ask("/").value == ["ada", {"whole": 1, "part": 1}]
    visitor.ask("/part/logout")
    assert visitor.ask("/").value == [None, {}]


def test_flask_may_not_overwrite_the_cookie_of_a_middleware_around_it() -> None:
    app = flask.Flask(__name__)
    app.testing = True
    app.session_interface = SessionInterface(MemorySessionStore())
    wrapped: Any = app
    wrapped.wsgi_app = wsgi.SessionMiddleware(app.wsgi_app, MemorySessionStore())
    with pytest.raises(ValueError, match="is set by two session middlewares"):
        app.test_client().get("/")


def _act(session: Session, path: str) -> bytes:
    if path == "/login":
        session.login("ada")
        session["whole"] = 1
    elif path == "/part/set":
        session["part"] = 1
    elif path == "/part/logout":
        session.logout()
    return json.dumps([session.user_id, dict(session)]).encode()


def _two_middlewares(
    protocol: str, whole: MemorySessionStore, part: MemorySessionStore, **options: str
) -> Any:
    """A site with a part that has a session middleware and store of its own."""

    async def on_asgi(scope: Any, receive: Any, send: Any) -> None:
        body = _act(scope["session"], scope["path"])
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": body})

    def on_wsgi(environ: Any, start_response: Any) -> list[bytes]:
        body = _act(environ["sessions.session"], environ["PATH_INFO"])
        start_response("200 OK", [("Content-Type", "application/json")])
        return [body]

    made: Any = asgi.SessionMiddleware if protocol == "asgi" else wsgi.SessionMiddleware
    inner = made(on_asgi if protocol == "asgi" else on_wsgi, part, **options)

    def chosen(place: Any) -> Any:
        is_part = place.get("path", place.get("PATH_INFO")).startswith("/part")
        return inner if is_part else (on_asgi if protocol == "asgi" else on_wsgi)

    async def asgi_whole(scope: Any, receive: Any, send: Any) -> None:
        await chosen(scope)(scope, receive, send)

    def wsgi_whole(environ: Any, start_response: Any) -> Any:
        return chosen(environ)(environ, start_response)

    return made(asgi_whole if protocol == "asgi" else wsgi_whole, whole)
