"""An ASGI application behind rules: logins by address, the rest by API key.

Run it with ``uvicorn examples.asgi_app:app``.
With RATE_LIMITS_TABLE set it uses that DynamoDB table, otherwise this process's memory.
"""

from __future__ import annotations

import os
from typing import Any

from ratelimit_ddb import DynamoDBStore, MemoryStore
from ratelimit_ddb.asgi import RateLimitMiddleware
from ratelimit_ddb.web import Rule, client_address, header

table = os.environ.get("RATE_LIMITS_TABLE")
store = DynamoDBStore(table) if table else MemoryStore()


async def hello(scope: Any, receive: Any, send: Any) -> None:
    headers = [(b"content-type", b"text/plain")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"hello\n"})


rules = [
    Rule("/login", "5/minute", by=client_address(), methods="POST"),
    Rule("/*", ["5/second", "100/minute"], by=header("x-api-key"), name="api"),
]

app = RateLimitMiddleware(hello, store=store, rules=rules)
