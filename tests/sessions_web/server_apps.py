"""The applications behind real servers: pages to log in, look, change and log out everywhere.

Servers in processes of their own import them by name; the environment names their table.
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qs

from sessions import DynamoDBSessionStore, Session, asgi, wsgi

PLAIN_HTTP: dict[str, Any] = {"cookie": "session", "secure": False}
OPTIONS: dict[str, Any] = {"deadline": 20, "secret": "a secret of these tests, 32 bytes and more"}
WAIT_SECONDS = 20.0


def store_of(environment: Any) -> DynamoDBSessionStore:
    return DynamoDBSessionStore(
        environment["SESSION_TABLE"], endpoint_url=environment["SESSION_ENDPOINT"], deadline=20
    )


def wsgi_app() -> wsgi.SessionMiddleware:
    """The application over plain http, as gunicorn calls for it."""
    store = store_of(os.environ)
    return wsgi.SessionMiddleware(WSGISite(store), store, **OPTIONS, **PLAIN_HTTP)


def asgi_app(environment: Any, **options: Any) -> asgi.SessionMiddleware:
    store = store_of(environment)
    return asgi.SessionMiddleware(ASGISite(store), store, **OPTIONS, **options)


def act(session: Session, path: str) -> Any:
    """Do what the path says; then show who is logged in, and what they have."""
    match path.split("/")[1:]:
        case ["login", name]:
            session.login(name)
        case ["logout"]:
            session.logout()
        case ["rotate"]:
            session.rotate()
        case ["put", key, value]:
            session[key] = value
        case ["plain"]:
            return "plain"
    return [session.user_id, dict(session)]


class WSGISite:
    """The site over WSGI. ``/hold`` keeps a worker busy until the test says so."""

    def __init__(self, store: DynamoDBSessionStore) -> None:
        self._store = store

    def __call__(self, environ: Any, start_response: Any) -> Iterable[bytes]:
        session, path = environ["sessions.session"], environ["PATH_INFO"]
        headers = [("Content-Type", "application/json"), ("X-Pid", str(os.getpid()))]
        if path == "/hold":
            return self._held(environ, start_response, headers)
        if path == "/everywhere":
            shown: Any = self._store.revoke_user(session.user_id)
        elif path == "/stream":
            return self._streamed(session, start_response, headers)
        else:
            shown = act(session, path)
        start_response("200 OK", headers)
        return [json.dumps(shown).encode()]

    def _held(self, environ: Any, start_response: Any, headers: Any) -> Iterable[bytes]:
        ((port,),) = parse_qs(environ["QUERY_STRING"]).values()
        with socket.create_connection(("127.0.0.1", int(port)), timeout=WAIT_SECONDS) as met:
            met.sendall(b".")
            met.recv(1)
        start_response("200 OK", headers)
        return [b"null"]

    def _streamed(self, session: Session, start_response: Any, headers: Any) -> Iterable[bytes]:
        session["part"] = 0
        start_response("200 OK", headers)
        for part in range(3):
            session["part"] = part
            if part:
                session.save()
            yield b"%d" % part


class ASGISite:
    """The same site over ASGI, with a websocket that keeps what is said."""

    def __init__(self, store: DynamoDBSessionStore) -> None:
        self._store = store

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "websocket":
            await self._chat(scope["session"], receive, send)
        else:
            await self._page(scope["session"], scope["path"], send)

    async def _live(self, receive: Any, send: Any) -> None:
        for phase in ("startup", "shutdown"):
            assert (await receive())["type"] == f"lifespan.{phase}"
            if phase == "shutdown":
                await self._store.aclose()
            await send({"type": f"lifespan.{phase}.complete"})

    async def _page(self, session: Session, path: str, send: Any) -> None:
        headers = [(b"content-type", b"application/json")]
        start = {"type": "http.response.start", "status": 200, "headers": headers}
        if path == "/stream":
            session["part"] = 0
            await send(start)
            for part in range(3):
                session["part"] = part
                await session.save_async()
                body = b"%d" % part
                await send({"type": "http.response.body", "body": body, "more_body": True})
            await send({"type": "http.response.body"})
            return
        if path == "/everywhere":
            assert session.user_id is not None
            shown: Any = await self._store.revoke_user_async(session.user_id)
        else:
            shown = act(session, path)
        await send(start)
        await send({"type": "http.response.body", "body": json.dumps(shown).encode()})

    async def _chat(self, session: Session, receive: Any, send: Any) -> None:
        assert (await receive())["type"] == "websocket.connect"
        session["room"] = "7"
        await send({"type": "websocket.accept"})
        while (message := await receive())["type"] == "websocket.receive":
            session["said"] = message["text"]
            await session.save_async()
            await send({"type": "websocket.send", "text": message["text"]})
