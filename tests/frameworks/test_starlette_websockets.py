"""Starlette: limits on websockets' endpoints, as their clients see them."""

from __future__ import annotations

import json

import pytest
from starlette.applications import Starlette
from starlette.endpoints import WebSocketEndpoint
from starlette.middleware import Middleware
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket

from ratelimit_ddb import MemoryStore, RateLimiter
from ratelimit_ddb.starlette import RateLimitMiddleware, limited
from ratelimit_ddb.web import Rule, everyone
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
    assert close["reason"] == "over the limit of 1 per minute; retry after 60 s"


def test_a_message_has_no_response_that_gives_anything_back(store: MemoryStore) -> None:
    class Chat(WebSocketEndpoint):
        encoding = "text"

        @limited("2/hour", store=store, give_back=["101", "2xx"], name="messages")
        async def on_receive(self, websocket: WebSocket, data: str) -> None:
            await websocket.send_text(data)

    app = Starlette(routes=[WebSocketRoute("/chat", Chat)])
    assert kinds(visit(app, "/chat", *"abc")) == ["accept", "send", "send", "close"]


def test_messages_that_were_under_way_when_a_websocket_was_closed_are_passed_over(
    store: MemoryStore,
) -> None:
    class Chat(WebSocketEndpoint):
        encoding = "text"

        @limited("1/hour", store=store)
        async def on_receive(self, websocket: WebSocket, data: str) -> None:
            await websocket.send_text(data)

    app = Starlette(routes=[WebSocketRoute("/chat", Chat)])
    assert kinds(visit(app, "/chat", *"abcd")) == ["accept", "send", "close"]


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


@pytest.mark.parametrize("before", ["on_connect", "the middleware", "nothing"])
def test_p14_who_floods_an_open_websocket_gets_nothing_back_of_it(
    store: MemoryStore, before: str
) -> None:
    visits = limited("9/hour", store=store, by=everyone(), name="visits")
    messages = limited("3/hour", store=store, by=everyone(), name="messages")
    sizes = limited("99/hour", store=store, by=everyone(), name="sizes")

    class Chat(WebSocketEndpoint):
        encoding = "text"

        async def on_connect(self, websocket: WebSocket) -> None:
            await websocket.accept()

        @sizes
        @messages
        async def on_receive(self, websocket: WebSocket, data: str) -> None:
            await websocket.send_text(data)

    if before == "on_connect":
        Chat.on_connect = visits(Chat.on_connect)  # type: ignore[method-assign]
    rule = Rule("/*", "9/hour", by=everyone(), name="visits")
    middleware = [Middleware(RateLimitMiddleware, store=store, rules=rule)]
    app = Starlette(
        routes=[WebSocketRoute("/chat", Chat)],
        middleware=middleware if before == "the middleware" else None,
    )
    assert kinds(visit(app, "/chat", *"abcd")) == ["accept", "send", "send", "send", "close"]
    for _ in range(2):
        assert kinds(visit(app, "/chat", "e")) == ["accept", "close"]
    left = {
        name: RateLimiter(store, limit).peek((name, "everyone")).remaining
        for name, limit in (("visits", "9/hour"), ("messages", "3/hour"), ("sizes", "99/hour"))
    }
    assert left == {"visits": 9 if before == "nothing" else 6, "messages": 0, "sizes": 96}
