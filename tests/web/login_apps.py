"""Logins that take a moment, limited to five failures: over ASGI and over WSGI."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Iterable
from typing import Any

from ratelimit_ddb import DynamoDBStore, MemoryStore, asgi, wsgi
from ratelimit_ddb.web import Rule
from tests.fake_clock import FakeClock

CHECK_SECONDS = 0.02
RULE = Rule("/login/*", "5/hour", give_back=lambda response: response.status < 400, name="login")
OPTIONS: Any = {"rules": RULE, "deadline": 5, "on_outage": "raise"}


def limited_asgi() -> asgi.RateLimitMiddleware:
    return asgi.RateLimitMiddleware(_asgi, store=_store(), **OPTIONS)


def limited_wsgi() -> wsgi.RateLimitMiddleware:
    return wsgi.RateLimitMiddleware(_wsgi, store=_store(), **OPTIONS)


def _store() -> MemoryStore | DynamoDBStore:
    table = os.environ.get("RATE_LIMIT_TABLE")
    if table is None:
        return MemoryStore(clock=FakeClock())
    return DynamoDBStore(table, endpoint_url=os.environ["RATE_LIMIT_ENDPOINT"])


async def _asgi(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "lifespan":
        for phase in ("startup", "shutdown"):
            assert (await receive())["type"] == f"lifespan.{phase}"
            await send({"type": f"lifespan.{phase}.complete"})
        return
    await asyncio.sleep(CHECK_SECONDS)
    status = 200 if scope["path"].endswith("/right") else 401
    await send({"type": "http.response.start", "status": status, "headers": []})
    await send({"type": "http.response.body"})


def _wsgi(environ: Any, start_response: Any) -> Iterable[bytes]:
    time.sleep(CHECK_SECONDS)
    right = environ["PATH_INFO"].endswith("/right")
    start_response("200 OK" if right else "401 Unauthorized", [("Content-Length", "0")])
    return [b""]


wsgi_app = limited_wsgi()
