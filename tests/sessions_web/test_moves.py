"""One request can be read from its cookie to the row and back without jumping.

A reader moves from file to file as the calls do. A request that changes one value of its session
made 157 moves between 25 files once.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from types import FrameType
from typing import Any

import sessions
from sessions import MemorySessionStore
from sessions.asgi import Message, Receive, Scope, SessionMiddleware
from sessions.response import Send

MOST_MOVES, MOST_FILES = 72, 18

_PROJECT = Path(sessions.__file__).parents[1]
_PACKAGES = tuple(f"{_PROJECT / package}/" for package in ("sessions", "ddbwire"))


class Moves:
    """Notes each file that calls and returns lead to."""

    def __init__(self) -> None:
        self.files: list[str] = []

    def __call__(self, frame: FrameType, event: str, _: object) -> None:
        here: FrameType | None = frame
        if event == "return" and _is_ours(frame):
            here = frame.f_back
            while here is not None and not _is_ours(here):
                here = here.f_back
        elif event != "call":
            return
        if here is not None and _is_ours(here) and self.files[-1:] != [here.f_code.co_filename]:
            self.files.append(here.f_code.co_filename)


def _is_ours(frame: FrameType) -> bool:
    return frame.f_code.co_filename.startswith(_PACKAGES)


def test_a_request_moves_between_few_files() -> None:
    async def app(scope: Scope, _receive: Receive, send: Send) -> None:
        scope["session"]["cart"] = [len(sent)]
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        raise AssertionError("the body is not read")

    async def main() -> None:
        middleware = SessionMiddleware(app, MemorySessionStore())
        await middleware({"type": "http", "headers": []}, receive, send)
        cookie = dict(sent[0]["headers"])[b"set-cookie"].partition(b";")[0]
        scope: dict[str, Any] = {"type": "http", "headers": [(b"cookie", cookie)]}
        await middleware({**scope}, receive, send)
        sys.setprofile(moves)
        try:
            await middleware({**scope}, receive, send)
        finally:
            sys.setprofile(None)

    moves, sent = Moves(), list[Message]()
    asyncio.run(main())
    way = [str(Path(file).relative_to(_PROJECT)) for file in moves.files]
    assert len(way) <= MOST_MOVES, way
    assert len(set(way)) <= MOST_FILES, sorted(set(way))
