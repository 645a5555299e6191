"""Litestar's own ways to set and clear a session, around the application and among its own."""

from __future__ import annotations

from typing import Any

import pytest
from litestar import Litestar, Request, WebSocket, get, post, websocket
from litestar.exceptions import NotAuthorizedException
from litestar.middleware import DefineMiddleware
from litestar.testing import TestClient

from sessions import MemorySessionStore, session_of
from sessions.asgi import SessionMiddleware

Asked = Request[Any, Any, Any]


@post("/login")
async def log_in(request: Asked) -> None:
    session_of(request).login("ada")
    request.session["theme"] = "dark"


@post("/set")
async def set_session(request: Asked) -> None:
    request.set_session(await request.json())


@post("/set/other")
async def set_object(request: Asked) -> None:
    request.set_session(NotAuthorizedException())  # type: ignore[arg-type]


@post("/clear")
async def clear_session(request: Asked) -> None:
    request.clear_session()


@post("/clear/refused")
async def clear_and_refuse(request: Asked) -> None:
    request.clear_session()
    raise NotAuthorizedException("bye")


@post("/clear/broken")
async def clear_and_break(request: Asked) -> None:
    request.clear_session()
    raise RuntimeError("a mistake")


@post("/again")
async def begin_again(request: Asked) -> None:
    request.clear_session()
    session_of(request).login("bob")


@get("/seen")
async def seen(request: Asked) -> dict[str, Any]:
    return {"user": session_of(request).user_id, **request.session}


@websocket("/ws")
async def over_websocket(socket: WebSocket[Any, Any, Any]) -> None:
    await socket.accept()
    assert socket.session["theme"] == "dark"
    socket.set_session({"theme": "light"})
    await session_of(socket).save_async()
    await socket.send_text(session_of(socket).user_id or "nobody")
    await socket.close()


HANDLERS = [
    log_in,
    set_session,
    set_object,
    clear_session,
    clear_and_refuse,
    clear_and_break,
    begin_again,
    seen,
    over_websocket,
]


class Site:
    """The application with the middleware around it or among its own, and a client."""

    def __init__(self, placed: str) -> None:
        self.store = MemorySessionStore()
        middleware: Any = SessionMiddleware  # Litestar has other types for ASGI
        among = [DefineMiddleware(middleware, store=self.store)] if placed == "among" else []
        app = Litestar(HANDLERS, middleware=among)
        whole = app if among else middleware(app, self.store)
        self.client = TestClient[Any](whole, "https://site.test", raise_server_exceptions=False)
        self.post("/login")

    def post(self, path: str, **data: Any) -> int:
        return int(self.client.post(path, **data).status_code)

    def seen(self) -> Any:
        return self.client.get("/seen").json()


@pytest.fixture(params=["around", "among"])
def site(request: pytest.FixtureRequest) -> Site:
    return Site(request.param)


def test_set_session_is_the_session_from_then_on(site: Site) -> None:
    assert site.seen() == {"user": "ada", "theme": "dark"}
    assert site.post("/set", json={"cart": [1]}) == 201
    assert site.seen() == {"user": "ada", "cart": [1]}


@pytest.mark.parametrize("path", ["/clear", "/clear/refused", "/clear/broken"])
def test_clear_session_is_a_logout_whatever_the_response(site: Site, path: str) -> None:
    (cookie,) = site.client.cookies.jar
    site.post(path)
    assert site.store.sessions_of("ada") == []
    site.client.cookies.set(cookie.name, str(cookie.value), "site.test")
    assert site.seen() == {"user": None}


def test_set_session_to_nothing_is_a_logout(site: Site) -> None:
    site.post("/set", json={})
    assert (site.store.sessions_of("ada"), site.seen()) == ([], {"user": None})


def test_what_is_no_mapping_is_an_error_and_changes_nothing(site: Site) -> None:
    assert site.post("/set/other") == 500
    assert site.seen() == {"user": "ada", "theme": "dark"}


def test_a_login_after_clear_session_holds(site: Site) -> None:
    site.post("/again")
    assert site.seen() == {"user": "bob"}
    assert site.store.sessions_of("ada") == []


def test_set_session_on_a_websocket_is_saved(site: Site) -> None:
    with site.client.websocket_connect("wss://site.test/ws") as socket:
        assert socket.receive_text() == "ada"
    assert site.seen() == {"user": "ada", "theme": "light"}
