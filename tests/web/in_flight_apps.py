"""Requests that take a moment, at most three at once, over ASGI and WSGI; they count themselves."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ratelimit_ddb import MemoryStore, asgi, wsgi
from ratelimit_ddb.web import Rule, everyone

SLOTS = 3
WORK_SECONDS = 0.05
RULE = Rule("/work/*", in_flight=SLOTS, by=everyone(), name="work")


class Count:
    """How many run at once, and the most that ever did."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.now = self.most = 0

    @contextmanager
    def one_more(self) -> Iterator[None]:
        with self._lock:
            self.now += 1
            self.most = max(self.most, self.now)
        try:
            yield
        finally:
            with self._lock:
                self.now -= 1


def limited_asgi() -> asgi.RateLimitMiddleware:
    count = Count()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            for phase in ("startup", "shutdown"):
                assert (await receive())["type"] == f"lifespan.{phase}"
                await send({"type": f"lifespan.{phase}.complete"})
            return
        await send({"type": "http.response.start", "status": 200, "headers": []})
        if scope["path"] == "/count":
            told = f"{count.now} {count.most}".encode()
            await send({"type": "http.response.body", "body": told})
            return
        with count.one_more():
            await work(scope["path"], receive, send)
        await send({"type": "http.response.body", "body": b"."})

    return asgi.RateLimitMiddleware(app, MemoryStore(), RULE)


async def work(path: str, receive: Any, send: Any) -> None:
    if path == "/work/short":
        await asyncio.sleep(WORK_SECONDS)
        return
    gone = asyncio.create_task(gone_client(receive))
    while not gone.done():
        await send({"type": "http.response.body", "body": b".", "more_body": True})
        await asyncio.wait((gone,), timeout=WORK_SECONDS)


async def gone_client(receive: Any) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def limited_wsgi() -> wsgi.RateLimitMiddleware:
    count = Count()

    def app(environ: Any, start_response: Any) -> Any:
        start_response("200 OK", [])
        if environ["PATH_INFO"] == "/count":
            return [f"{count.now} {count.most}".encode()]
        return pieces(environ["PATH_INFO"])

    def pieces(path: str) -> Iterator[bytes]:
        with count.one_more():
            time.sleep(WORK_SECONDS)
            yield b"."
            while path == "/work/endless":
                time.sleep(WORK_SECONDS)
                yield b"." * 10_000

    return wsgi.RateLimitMiddleware(app, MemoryStore(), RULE)


asgi_app = limited_asgi()
wsgi_app = limited_wsgi()
