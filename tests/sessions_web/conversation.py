"""A websocket that does what a test says, and what it sends to a client who talks to it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from sessions import Session
from tests.sessions_web.exchange import Request, run, scope_of
from tests.sessions_web.site import Site, nothing

WENT = {"type": "websocket.disconnect", "code": 1001}

Answering = Callable[[Session, str], Awaitable[Any]]


async def chat(scope: Any, receive: Any, send: Any) -> None:
    """Does what the scope says: before it accepts, and at each message."""
    session = scope["session"]
    assert (await receive())["type"] == "websocket.connect"
    scope["tests.before"](session)
    await send({"type": "websocket.accept", "headers": [(b"x-own", b"1")]})
    while (message := await receive())["type"] == "websocket.receive":
        said = await scope["tests.answer"](session, message["text"])
        await send({"type": "websocket.send", "text": str(said)})


async def tell(session: Session, text: str) -> Any:
    return dict(session)


async def keep(session: Session, text: str) -> Any:
    session["said"] = [*session.get("said", []), text]
    await session.save_async()
    return len(session["said"])


async def forget(session: Session, text: str) -> Any:
    session["said"] = text


def converse(
    site: Site,
    *texts: str,
    before: Callable[[Session], Any] = nothing,
    answer: Answering = tell,
    cookie: str | None = None,
    sent: list[Any] | None = None,
    **scope: Any,
) -> list[Any]:
    """Connect, say each text, and leave: all that the server was sent."""
    got: list[Any] = [] if sent is None else sent
    coming = [{"type": "websocket.connect"}]
    coming += [{"type": "websocket.receive", "text": text} for text in texts]
    headers = (("Cookie", cookie),) if cookie else ()
    whole = scope_of(Request("/chat", headers=headers)) | {
        "type": "websocket",
        "scheme": "wss",
        "subprotocols": [],
        "tests.before": before,
        "tests.answer": answer,
        **scope,
    }
    del whole["method"]

    async def receive() -> Any:
        return coming.pop(0) if coming else WENT

    async def send(message: Any) -> None:
        site.log.append(message["type"].removeprefix("websocket."))
        got.append(message)

    run(site.app(whole, receive, send))
    return got


def names(message: Any) -> list[bytes]:
    return [name for name, _ in message["headers"]]
