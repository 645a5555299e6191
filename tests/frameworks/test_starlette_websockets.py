"""Starlette: limits on websockets' endpoints, as their clients see them."""

from __future__ import annotations

import json

from starlette.applications import Starlette
from starlette.endpoints import WebSocketEndpoint
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket

from ratelimit_ddb import MemoryStore
from ratelimit_ddb.starlette import limited
from tests.frameworks.asgi_client import kinds, visit


async def greet(websocket: WebSocket) -> None:
    await websocket.accept()
    async for text in websocket.iter_text():
        await websocket.send_text(f"hello {text}")


def test_a_function_of_a_websocket_is_limited_by_handshakes(store: MemoryStore) -> None:
    limit = limited("1/minute", store=store, name="chat")
    app = Starlette(routes=[WebSocketRoute("/chat", limit(greet))])
    assert kinds(visit(app, "/chat", "ada", "bob")) == ["accept", "send", "send"]
    start, body = visit(app, "/chat")
    assert (start["type"], start["status"]) == ("websocket.http.response.start", 429)
    assert json.loads(body["body"])["violated-policies"] == ["chat"]
    (close,) = visit(app, "/chat", denial=False)
    assert (close["type"], close["code"]) == ("websocket.close", 1013)


def test_a_websocket_that_was_accepted_before_is_closed(store: MemoryStore) -> None:
    @limited("1/minute", store=store)
    async def chat(websocket: WebSocket) -> None:
        await websocket.send_text("hello")

    async def accepting(websocket: WebSocket) -> None:
        await websocket.accept()
        await chat(websocket)

    app = Starlette(routes=[WebSocketRoute("/chat", accepting)])
    assert kinds(visit(app, "/chat")) == ["accept", "send"]
    _, close = visit(app, "/chat")
    assert (close["type"], close["code"]) == ("websocket.close", 1013)


def test_on_connect_of_a_websocket_class_is_limited_too(store: MemoryStore) -> None:
    class Chat(WebSocketEndpoint):
        encoding = "text"

        @limited("1/minute", store=store)
        async def on_connect(self, websocket: WebSocket) -> None:
            await websocket.accept()

        async def on_receive(self, websocket: WebSocket, data: str) -> None:
            await websocket.send_text(data)

    app = Starlette(routes=[WebSocketRoute("/chat", Chat)])
    assert kinds(visit(app, "/chat", "ada")) == ["accept", "send"]
    assert kinds(visit(app, "/chat")) == ["http.response.start", "http.response.body"]
