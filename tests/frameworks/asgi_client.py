"""What a client sees of an ASGI application, in process: requests, message by message, websockets.

Requests go through httpx. Starlette's own test client warns, with httpx, when it is imported.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

import httpx

Message = dict[str, Any]

CLIENT = "192.0.2.7"
PATIENCE_SECONDS = 20.0


def ask(
    app: Any, path: str, method: str = "GET", *, client: str = CLIENT, **request: Any
) -> httpx.Response:
    """The response to one request; what the application raises is raised."""

    async def asking() -> httpx.Response:
        transport = httpx.ASGITransport(app, client=(client, 50_000))
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as inside:
            return await inside.request(method, path, **request)

    return asyncio.run(asking())


def statuses(app: Any, *paths: str, **request: Any) -> list[int]:
    return [ask(app, path, **request).status_code for path in paths]


def items(response: httpx.Response) -> list[str]:
    """The names of the limits in its RateLimit field."""
    listed = response.headers.get("ratelimit", "").split(", ")
    return [item.partition(";")[0].strip('"') for item in listed if item]


def parts(app: Any, path: str) -> list[Message]:
    """The messages of the response to a GET, as the server gets them."""
    scope = _scope("http", path) | {"method": "GET"}
    return _sent(app, scope, [{"type": "http.request", "body": b""}], 0)


def visit(
    app: Any, path: str, *said: str, denial: bool = True, client: str = CLIENT
) -> list[Message]:
    """What a websocket's client gets, who says something and goes when all of it is answered.

    Args:
        app: the application, which answers each message by one.
        path: where the websocket is.
        said: the client's messages.
        denial: whether the server can answer a handshake (ASGI, "WebSocket Denial Response").
        client: the client's address.
    """
    scope = _scope("websocket", path) | {"client": (client, 50_000), "subprotocols": []}
    scope["extensions"] = {"websocket.http.response": {}} if denial else {}
    messages = [{"type": "websocket.receive", "text": text} for text in said]
    return _sent(app, scope, [{"type": "websocket.connect"}, *messages], len(said))


def kinds(messages: Iterable[Message]) -> list[str]:
    return [message["type"].removeprefix("websocket.") for message in messages]


def _scope(kind: str, path: str) -> Message:
    return {
        "type": kind,
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": b"",
        "headers": [(b"host", b"test")],
        "client": (CLIENT, 50_000),
        "server": ("test", 80),
    }


def _sent(app: Any, scope: Message, incoming: list[Message], answers: int) -> list[Message]:
    """All that the application sends to a client who waits for so many messages, or the close."""
    sent: list[Message] = []
    answered = asyncio.Event()
    gone = {"type": f"{scope['type']}.disconnect", "code": 1005}

    async def receive() -> Message:
        if incoming:
            return incoming.pop(0)
        if answers:
            await answered.wait()
        return gone

    async def send(message: Message) -> None:
        sent.append(message)
        last = message["type"] == "websocket.close" or "http.response" in message["type"]
        if last or kinds(sent).count("send") == answers:
            answered.set()

    async def within_patience() -> None:
        async with asyncio.timeout(PATIENCE_SECONDS):
            await app(scope, receive, send)

    asyncio.run(within_patience())
    return sent
