"""An ASGI application behind a limit on each API key.

Run it with ``uvicorn examples.asgi_app:app``.
With RATE_LIMITS_TABLE set it uses that DynamoDB table, otherwise this process's memory.
"""

from __future__ import annotations

import os
from typing import Any

from ratelimit_ddb import DynamoDBStore, MemoryStore
from ratelimit_ddb.asgi import RateLimitMiddleware
from ratelimit_ddb.web.request import Request

table = os.environ.get("RATE_LIMITS_TABLE")
store = DynamoDBStore(table) if table else MemoryStore()


async def hello(scope: Any, receive: Any, send: Any) -> None:
    headers = [(b"content-type", b"text/plain")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"hello\n"})


def api_key(request: Request) -> tuple[str, str]:
    """One bucket for each API key, and one for all who come without."""
    return ("api-key", request.header("x-api-key") or "")


app = RateLimitMiddleware(hello, store=store, limits=["5/second", "100/minute"], key=api_key)
