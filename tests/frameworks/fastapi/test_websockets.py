"""FastAPI: limits on the handshakes of websockets."""

from __future__ import annotations

from fastapi import APIRouter, Depends, FastAPI, Response, WebSocket

from ratelimit_ddb import MemoryStore
from ratelimit_ddb.fastapi import (
    RateLimit,
    install,
)
from tests.frameworks.asgi_client import kinds, statuses, visit


def test_a_websockets_handshake_is_limited(app: FastAPI, store: MemoryStore) -> None:
    @app.websocket("/chat/{room}", dependencies=[Depends(RateLimit("1/minute", store=store))])
    async def chat(websocket: WebSocket, room: str) -> None:
        await websocket.accept()
        async for text in websocket.iter_text():
            await websocket.send_text(f"{room}: {text}")

    accepted, *said = visit(app, "/chat/a", "hello", "bye")
    assert accepted["type"] == "websocket.accept"
    assert [message["text"] for message in said] == ["a: hello", "a: bye"]
    start, body = visit(app, "/chat/b", "hello")
    assert (start["type"], start["status"]) == ("websocket.http.response.start", 429)
    assert dict(start["headers"])[b"ratelimit"] == b'"/chat/{room}";r=0;t=60'
    assert b"Over the limit of 1 per minute" in body["body"]
    (close,) = visit(app, "/chat/b", denial=False)
    assert (close["type"], close["code"]) == ("websocket.close", 1013)
    assert close["reason"] == "over the limit of 1 per minute; retry after 60 s"


def test_an_accepted_handshake_has_the_fields_once_they_are_installed(store: MemoryStore) -> None:
    app = FastAPI()
    install(app)

    @app.websocket("/chat", dependencies=[Depends(RateLimit("1/minute", store=store, name="a"))])
    async def chat(websocket: WebSocket) -> None:
        await websocket.accept()

    (accepted,) = visit(app, "/chat")
    assert dict(accepted["headers"])[b"ratelimit"] == b'"a";r=0;t=60'


def test_a_websocket_that_a_dependency_accepted_before_is_closed(
    app: FastAPI, store: MemoryStore
) -> None:
    async def accepted(websocket: WebSocket) -> None:
        await websocket.accept()

    limit = Depends(RateLimit("1/minute", store=store))

    @app.websocket("/chat", dependencies=[Depends(accepted), limit])
    async def chat(websocket: WebSocket) -> None:
        await websocket.send_text("hello")

    assert kinds(visit(app, "/chat")) == ["accept", "send"]
    _, close = visit(app, "/chat")
    assert (close["type"], close["code"]) == ("websocket.close", 1013)


def test_a_close_for_good_is_a_violation_of_policy(app: FastAPI, store: MemoryStore) -> None:
    async def accepted(websocket: WebSocket) -> None:
        await websocket.accept()

    limit = Depends(RateLimit("1/minute", store=store, cost=lambda _request: 2))

    @app.websocket("/chat", dependencies=[Depends(accepted), limit])
    async def chat(websocket: WebSocket) -> None:
        await websocket.send_text("hello")

    _, close = visit(app, "/chat")
    assert (close["code"], close["reason"]) == (1008, "over the limit of 1 per minute")


def test_p14_a_limit_that_is_asked_for_each_message_gives_nothing_back_of_earlier_ones(
    app: FastAPI, store: MemoryStore
) -> None:
    limit = RateLimit("3/hour", store=store)

    @app.websocket("/chat")
    async def chat(websocket: WebSocket) -> None:
        await websocket.accept()
        async for text in websocket.iter_text():
            await limit(websocket, Response())
            await websocket.send_text(text)

    assert kinds(visit(app, "/chat", *"abcd")) == ["accept", "send", "send", "send", "close"]
    assert kinds(visit(app, "/chat", "e")) == ["accept", "close"]


def test_a_limit_on_a_router_is_on_its_websockets(app: FastAPI, store: MemoryStore) -> None:
    router = APIRouter(dependencies=[Depends(RateLimit("1/minute", store=store))])

    @router.websocket("/chat/{room}")
    async def chat(websocket: WebSocket, room: str) -> None:
        await websocket.accept()

    router.get("/chat/{room}")(lambda room: room)
    app.include_router(router, prefix="/v1")
    assert kinds(visit(app, "/v1/chat/a")) == ["accept"]
    assert statuses(app, "/v1/chat/a") == [200]
    assert kinds(visit(app, "/v1/chat/b")) == ["http.response.start", "http.response.body"]
