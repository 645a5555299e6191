"""Starlette: redirects, errors, streams, background tasks, mounts and websockets with a session."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.websockets import WebSocket

from sessions import SessionNotSaved, StoreUnavailable
from sessions.asgi import SessionMiddleware
from tests.fake_clock import FakeClock
from tests.sessions_web.exchange import Request as Sent
from tests.sessions_web.exchange import run, scope_of
from tests.sessions_web.site import WRITES, WatchedStore
from tests.sessions_web.starlette_site import PAGES, browser, page, site


@pytest.fixture
def log() -> list[str]:
    return []


@pytest.fixture
def store(log: list[str]) -> WatchedStore:
    return WatchedStore(log, FakeClock())


def test_a_page_without_a_session_costs_nothing(store: WatchedStore, log: list[str]) -> None:
    async def plain(request: Request) -> Response:
        return PlainTextResponse("plain")

    response = browser(site(store, Route("/plain", plain))).ask("/plain")
    assert (log, set(response.headers)) == ([], {"content-length", "content-type"})


@pytest.mark.parametrize("outside", [False, True], ids=["as its middleware", "around it"])
def test_a_raised_redirect_keeps_the_session(store: WatchedStore, outside: bool) -> None:
    async def login(request: Request) -> Response:
        request.session.login("ada")  # type: ignore[attr-defined]
        request.session.flash("welcome")  # type: ignore[attr-defined]
        raise HTTPException(303, headers={"Location": "/home"})

    home = page(lambda session: [session.user_id, session.flashes(), session.flashes()])
    routes = [*PAGES, Route("/login", login), Route("/home", home)]
    app: Any = site(store, *routes)
    if outside:
        app = SessionMiddleware(Starlette(routes=routes), store)
    ada = browser(app)
    ada.ask("/put")
    before = ada.token
    redirect = ada.ask("/login")
    assert (redirect.status, redirect.headers["location"]) == (303, "/home")
    assert ada.token != before
    assert ada.ask("/home").value == ["ada", [["welcome", "info"]], []]
    assert ada.ask("/home").value == ["ada", [], []]


def test_a_flash_is_shown_once_after_a_redirect(store: WatchedStore) -> None:
    async def save(request: Request) -> Response:
        request.session.flash("saved", "ok")  # type: ignore[attr-defined]
        return RedirectResponse("/show", 303)

    ada = browser(site(store, Route("/save", save), Route("/show", page(lambda s: s.flashes()))))
    assert ada.ask("/save").status == 303
    assert [ada.ask("/show").value for _ in range(2)] == [[["saved", "ok"]], []]
    assert ada.ask("/all").value == {}


def test_a_handled_error_keeps_the_session_and_an_unhandled_one_does_not(
    store: WatchedStore, log: list[str]
) -> None:
    async def missing(request: Request) -> Response:
        request.session["seen"] = "missing"
        raise HTTPException(404)

    async def broken(request: Request) -> Response:
        request.session["seen"] = "broken"
        raise LookupError("the application's own")

    ada = browser(site(store, Route("/missing", missing), Route("/broken", broken)), log)
    assert ada.ask("/missing").status == 404
    log.clear()
    with pytest.raises(LookupError):
        ada.ask("/broken")
    assert log == ["Find", "start", "body Internal Server Error"]
    assert ada.ask("/all").value == {"seen": "missing"}


@pytest.mark.parametrize("outside", [False, True], ids=["as its middleware", "around it"])
def test_a_store_that_fails_at_the_commit_is_a_500(
    store: WatchedStore, log: list[str], outside: bool
) -> None:
    app: Any = SessionMiddleware(Starlette(routes=PAGES), store) if outside else site(store)
    store.failures["Create"] = StoreUnavailable("no answer")
    with pytest.raises(StoreUnavailable):
        browser(app, log).ask("/put")
    # Around it, the server answers 500: nothing was sent.
    assert log == ["Create", *([] if outside else ["start", "body Internal Server Error"])]


# Streams, background tasks, mounts, other middleware


def test_server_sent_events_save_between(store: WatchedStore, log: list[str]) -> None:
    async def events(request: Request) -> Response:
        async def sent() -> AsyncIterator[str]:
            for number in range(3):
                request.session["last-event"] = number
                await request.session.save_async()  # type: ignore[attr-defined]
                yield f"data: {number}\n\n"

        return StreamingResponse(sent(), media_type="text/event-stream")

    ada = browser(site(store, Route("/events", events)), log)
    ada.ask("/put")
    log.clear()
    response = ada.ask("/events")
    assert response.body == b"data: 0\n\ndata: 1\n\ndata: 2\n\n"
    assert log[:2] == ["Find", "start"]
    assert [entry for entry in log if entry in WRITES] == ["Save"] * 3
    assert ada.ask("/all").value == {"a": 1, "last-event": 2}


@pytest.mark.parametrize("saving", ["save_async", "save", None])
def test_a_background_task_saves_what_it_changes_or_it_is_told(
    store: WatchedStore, log: list[str], saving: str | None
) -> None:
    def later(session: Any) -> None:  # Starlette calls it in a thread
        session["later"] = saving
        if saving:
            session.save()

    async def later_async(session: Any) -> None:
        session["later"] = saving
        await session.save_async()

    async def begin(request: Request) -> Response:
        task = later_async if saving == "save_async" else later
        return PlainTextResponse("ok", background=BackgroundTask(task, request.session))

    ada = browser(site(store, Route("/begin", begin)), log)
    ada.ask("/put")
    log.clear()
    if saving:
        ada.ask("/begin")
        assert ada.ask("/all").value == {"a": 1, "later": saving}
    else:
        with pytest.raises(SessionNotSaved):
            ada.ask("/begin")
        assert log == ["Find", "start", "body ok"], "the client has its response"
        assert ada.ask("/all").value == {"a": 1}


def test_a_mounted_application_has_the_same_session(store: WatchedStore) -> None:
    inner = Starlette(routes=[Route("/put", page(lambda session: session.update(inner=1)))])
    ada = browser(site(store, Mount("/inner", inner)))
    ada.ask("/put")
    assert ada.ask("/inner/put").set_cookies == []
    assert ada.ask("/all").value == {"a": 1, "inner": 1}


def test_middleware_inside_sees_the_session(store: WatchedStore) -> None:
    class Counting(BaseHTTPMiddleware):
        async def dispatch(self, request: Request, call_next: Any) -> Response:
            request.session["before"] = request.session.get("before", 0) + 1
            response: Response = await call_next(request)
            request.session["after"] = response.status_code
            return response

    ada = browser(site(store, middleware=(Middleware(Counting),)))
    ada.ask("/put")
    assert ada.ask("/all").value == {"before": 2, "after": 200, "a": 1}


def test_a_websocket_has_the_session(store: WatchedStore) -> None:
    async def chat(websocket: WebSocket) -> None:
        websocket.session["room"] = 7
        await websocket.accept()
        async for text in websocket.iter_text():
            websocket.session["said"] = text
            await websocket.session.save_async()  # type: ignore[attr-defined]
            await websocket.send_json(dict(websocket.session))

    app = site(store, WebSocketRoute("/chat", chat))
    ada = browser(app)
    ada.ask("/put")
    coming: list[Any] = [
        {"type": "websocket.connect"},
        {"type": "websocket.receive", "text": "hello"},
        {"type": "websocket.disconnect", "code": 1001},
    ]
    sent: list[Any] = []

    async def receive() -> Any:
        return coming.pop(0)

    async def send(message: Any) -> None:
        sent.append(message)

    scope = scope_of(Sent("/chat", headers=(("cookie", ada.cookie),)))
    run(app({**scope, "type": "websocket", "subprotocols": []}, receive, send))
    assert [message["type"] for message in sent] == ["websocket.accept", "websocket.send"]
    assert ada.ask("/all").value == {"a": 1, "room": 7, "said": "hello"}
