"""A logout holds whatever becomes of the request: an error, a client that goes, a late moment."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from typing import Any

import flask
import pytest
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Mount, Route

from sessions import (
    MemorySessionStore,
    Session,
    SessionNotSaved,
    StoreUnavailable,
    asgi,
    session_of,
    wsgi,
)
from tests.frameworks.flask_sessions_site import site as flask_site
from tests.sessions_web import exchange
from tests.sessions_web.exchange import Browser, scope_of
from tests.sessions_web.site import MakeSite, Saving, Visitor, in_turn, put, site_over


class Mistake(Exception):
    """Of an application."""


def log_in(session: Session) -> None:
    session.login("ada")
    session["a"] = 1


def log_out(session: Session) -> None:
    session.logout()


def fail(session: Session) -> None:
    raise Mistake


ENDINGS = {
    "logout": log_out,
    "clear": lambda session: session.clear(),
    "another user's login": lambda session: session.login("bob"),
    "logout and login": in_turn(log_out, lambda session: session.login("bob")),
    "logout and values": in_turn(log_out, put(b=2)),
    "logout and values that can't be": in_turn(log_out, put(b=[]), lambda s: s["b"].append(b"")),
}


@pytest.fixture
def visitor(make_site: MakeSite) -> Visitor:
    visitor = make_site().visitor()
    visitor.visit(log_in)
    return visitor


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_logout_holds_if_the_application_fails_then(make_site: MakeSite, ending: str) -> None:
    site = make_site()
    visitor = site.visitor()
    visitor.visit(log_in)
    cookie = visitor.cookie
    del site.events[:]
    with pytest.raises((Mistake, TypeError)):
        visitor.visit(in_turn(ENDINGS[ending], fail))
    assert site.store.sessions_of("ada") == site.store.sessions_of("bob") == []
    assert len(site.store) == 0
    assert site.told == ["destroyed"]
    assert visitor.visit(lambda session: session.user_id, cookie=cookie).value is None


def test_other_changes_of_a_request_that_fails_are_dropped(visitor: Visitor) -> None:
    with pytest.raises(Mistake):
        visitor.visit(in_turn(put(b=2), fail))
    assert visitor.visit(dict).value == {"a": 1}


def test_a_failure_without_a_logout_costs_nothing(make_site: MakeSite) -> None:
    site = make_site()
    visitor = site.visitor()
    visitor.visit(log_in)
    del site.log[:]
    with pytest.raises(Mistake):
        visitor.visit(in_turn(put(b=2), fail))
    assert site.calls == ["Find"]


def test_a_logout_in_a_stream_holds_without_save(make_site: MakeSite) -> None:
    site = make_site()
    visitor = site.visitor()
    visitor.visit(log_in)
    visitor.visit(dict, log_out)
    assert site.store.sessions_of("ada") == []


def test_a_logout_in_a_stream_that_fails_holds(make_site: MakeSite) -> None:
    site = make_site()
    visitor = site.visitor()
    visitor.visit(log_in)
    with pytest.raises(Mistake):
        visitor.visit(dict, in_turn(put(b=2), log_out, fail))
    assert site.store.sessions_of("ada") == []


def test_what_is_set_after_a_late_logout_is_told_and_the_logout_holds(make_site: MakeSite) -> None:
    site = make_site()
    visitor = site.visitor()
    visitor.visit(log_in)
    with pytest.raises(SessionNotSaved):
        visitor.visit(dict, in_turn(log_out, put(b=2)))
    assert site.store.sessions_of("ada") == []


def test_a_logout_that_the_store_does_not_take_is_told(make_site: MakeSite) -> None:
    site = make_site()
    visitor = site.visitor()
    visitor.visit(log_in)
    site.store.failures["Delete"] = StoreUnavailable("out of reach")
    with pytest.raises(StoreUnavailable):
        visitor.visit(in_turn(log_out, fail))


# Starlette, wherever the middleware stands


async def leave(request: Request) -> Response:
    session_of(request).logout()
    return JSONResponse(None)


async def leave_and_fail(request: Request) -> Response:
    session_of(request).logout()
    raise Mistake


async def leave_and_refuse(request: Request) -> Response:
    session_of(request).logout()
    raise HTTPException(403)


async def leave_in_a_stream(request: Request) -> Response:
    async def chunks() -> Any:
        yield b"a"
        session_of(request).logout()
        raise Mistake

    return StreamingResponse(chunks())


async def enter(request: Request) -> Response:
    session_of(request).login("ada")
    return JSONResponse(None)


class Passing(BaseHTTPMiddleware):
    """Runs what is inside in a task of its own."""

    async def dispatch(self, request: Request, call_next: Any) -> Any:
        return await call_next(request)


ROUTES = [
    Route(path, page)
    for path, page in {
        "/enter": enter,
        "/leave": leave,
        "/fail": leave_and_fail,
        "/refuse": leave_and_refuse,
        "/stream": leave_in_a_stream,
    }.items()
]


def mounted(placed: str, store: MemorySessionStore) -> Any:
    ours = Middleware(asgi.SessionMiddleware, store=store)
    match placed:
        case "around":
            return asgi.SessionMiddleware(Starlette(routes=ROUTES), store)
        case "among":
            return Starlette(routes=ROUTES, middleware=[ours])
        case "among, before a task":
            return Starlette(routes=ROUTES, middleware=[ours, Middleware(Passing)])
        case "among, in a task":
            return Starlette(routes=ROUTES, middleware=[Middleware(Passing), ours])
        case "on a mount":
            return Starlette(routes=[Mount("/", routes=ROUTES, middleware=[ours])])
    return Starlette(routes=[Route(one.path, one.endpoint, middleware=[ours]) for one in ROUTES])


@pytest.mark.parametrize("path", ["/leave", "/fail", "/refuse", "/stream"])
@pytest.mark.parametrize(
    "placed",
    ["around", "among", "among, before a task", "among, in a task", "on a mount", "on a route"],
)
def test_a_logout_holds_under_every_mounting_in_starlette(placed: str, path: str) -> None:
    store = MemorySessionStore()
    browser = Browser(mounted(placed, store), "asgi")
    browser.ask("/enter")
    assert len(store.sessions_of("ada")) == 1
    with contextlib.suppress(Mistake):
        browser.ask(path)
    assert store.sessions_of("ada") == []


def test_a_logout_that_starlettes_handler_of_exceptions_saves_holds() -> None:
    async def handle(request: Request, error: Exception) -> Response:
        session_of(request).logout()
        await session_of(request).save_async()  # the handler is outside the list of middleware
        return JSONResponse("sorry", 500)

    async def broken(request: Request) -> Response:
        raise Mistake

    store = MemorySessionStore()
    app = Starlette(
        routes=[*ROUTES, Route("/broken", broken)],
        middleware=[Middleware(asgi.SessionMiddleware, store=store)],
        exception_handlers={Exception: handle},
    )
    browser = Browser(app, "asgi")
    browser.ask("/enter")
    with contextlib.suppress(Mistake):
        browser.ask("/broken")
    assert store.sessions_of("ada") == []


def test_a_logout_holds_if_the_request_is_cancelled_meanwhile() -> None:
    site = site_over("asgi", _cancelled)
    visitor = Browser(site.app, "asgi")
    visitor.ask("/enter")

    async def cancelled() -> None:
        scope = scope_of(exchange.Request("/leave", headers=(("Cookie", visitor.cookie),)))
        task = asyncio.ensure_future(site.app(scope, None, None))
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancelled())
    assert site.store.sessions_of("ada") == []


async def _cancelled(scope: Any, receive: Any, send: Any) -> None:
    if scope["path"] == "/enter":
        scope["session"].login("ada")
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})
    else:
        scope["session"].logout()
        await asyncio.Event().wait()


# Flask, where errors are handled and where they are passed on


@pytest.mark.parametrize("testing", [True, False])
def test_a_logout_holds_in_flask_if_a_view_fails_then(testing: bool) -> None:
    store = MemorySessionStore()
    app = flask_site(store)
    app.testing = testing

    @app.get("/fail")
    def leave_and_fail() -> str:
        flask.session.clear()
        raise Mistake

    client = app.test_client()
    client.get("/login/ada", base_url="https://localhost")
    assert len(store.sessions_of("ada")) == 1
    try:
        client.get("/fail", base_url="https://localhost")
    except Mistake:
        assert testing
    assert store.sessions_of("ada") == []


@pytest.mark.parametrize("testing", [True, False])
def test_an_extensions_logout_holds_in_flask_if_a_view_fails_then(testing: bool) -> None:
    store = MemorySessionStore()
    app = flask_site(store)
    app.testing = testing

    @app.get("/enter")
    def enter() -> str:
        flask.session["_user_id"] = "ada"  # as Flask-Login does
        return ""

    @app.get("/fail")
    def leave_and_fail() -> str:
        flask.session.pop("_user_id")
        raise Mistake

    client = app.test_client()
    client.get("/enter")
    assert len(store.sessions_of("ada")) == 1
    with contextlib.suppress(Mistake):
        client.get("/fail")
    assert store.sessions_of("ada") == []


# A WSGI body that is closed early


def closing_site() -> tuple[MemorySessionStore, Any]:
    store = MemorySessionStore()

    def site(environ: Any, start_response: Any) -> Iterator[bytes]:
        session = environ["sessions.session"]
        match environ["PATH_INFO"]:
            case "/in":
                session.login("ada")
            case "/out":
                session.logout()
            case "/put":
                session["a"] = 1
        start_response("200 OK", [])
        return chunks()

    def chunks() -> Iterator[bytes]:
        yield b"a"
        yield b"b"

    return store, wsgi.SessionMiddleware(site, store)


def call(app: Any, path: str, cookie: str | None, chunks: int) -> list[str]:
    """The cookies of a call of whose body so many chunks are read before it is closed."""
    got: list[str] = []
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": path}
    if cookie is not None:
        environ["HTTP_COOKIE"] = cookie

    def start_response(status: str, headers: Any, exc_info: Any = None) -> Any:
        got.extend(value.partition(";")[0] for name, value in headers if name == "set-cookie")
        return lambda data: None

    body = app(environ, start_response)
    try:
        for _, _ in zip(range(chunks), body, strict=False):
            pass
    finally:
        body.close()
    return got


@pytest.mark.parametrize("chunks", [0, 1, 2])
def test_a_wsgi_body_that_is_closed_early_loses_no_logout(chunks: int) -> None:
    store, app = closing_site()
    (cookie,) = call(app, "/in", None, 2)
    call(app, "/out", cookie, chunks)
    assert store.sessions_of("ada") == []


@pytest.mark.parametrize("chunks", [0, 1, 2])
def test_a_wsgi_body_that_is_closed_early_loses_no_change(chunks: int) -> None:
    store, app = closing_site()
    (cookie,) = call(app, "/in", None, 2)
    call(app, "/put", cookie, chunks)
    (info,) = store.sessions_of("ada")
    assert info.user_id == "ada"
    (row,) = store._rows.values()
    assert {key: row.data[key] for key in row.data if key[:9] != "sessions."} == {"a": "1"}


@pytest.mark.parametrize("path", ["/in", "/put"])
def test_what_needs_a_cookie_is_told_if_the_body_is_closed_unread(path: str) -> None:
    store, app = closing_site()
    with pytest.raises(SessionNotSaved):
        call(app, path, None, 0)
    assert len(store) == 0


@pytest.mark.parametrize("chunks", [0, 1, 2])
def test_a_logout_in_a_wsgi_body_holds_though_closing_it_fails(chunks: int) -> None:
    class LeavesAndFails:
        def __init__(self, session: Session) -> None:
            self._session = session

        def __iter__(self) -> Iterator[bytes]:
            return iter([b"a"])

        def close(self) -> None:
            self._session.logout()
            raise Mistake

    def app(environ: Any, start_response: Any) -> Any:
        session: Session = environ["sessions.session"]
        if environ["PATH_INFO"] == "/in":
            session.login("ada")
        start_response("200 OK", [])
        is_login = environ["PATH_INFO"] == "/in"
        return (chunk for chunk in [b""]) if is_login else LeavesAndFails(session)

    store = MemorySessionStore()
    site = wsgi.SessionMiddleware(app, store)
    (cookie,) = call(site, "/in", None, 2)
    with pytest.raises(Mistake):
        call(site, "/", cookie, chunks)
    assert store.sessions_of("ada") == []


def test_a_page_that_changes_nothing_may_be_closed_unread() -> None:
    _, app = closing_site()
    assert call(app, "/", None, 0) == []


def test_a_logout_in_a_websocket_that_was_accepted_holds_without_save() -> None:
    async def chat(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            await _cancelled(scope, receive, send)
            return
        await send({"type": "websocket.accept"})
        scope["session"].logout()

    site = site_over("asgi", chat)
    visitor = Browser(site.app, "asgi")
    visitor.ask("/enter")
    scope = scope_of(exchange.Request("/", headers=(("Cookie", visitor.cookie),)))

    async def send(message: Any) -> None: ...

    asyncio.run(site.app({**scope, "type": "websocket"}, None, send))
    assert site.store.sessions_of("ada") == []


def test_changes_of_one_that_was_saved_are_not_told_again(make_site: MakeSite) -> None:
    visitor = make_site().visitor()
    visitor.visit(log_in)
    visitor.visit(dict, Saving(in_turn(log_out)))
