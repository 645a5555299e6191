"""What only ASGI has: other scopes, awaited keys, and the server's own callables."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from ratelimit_ddb import MemoryStore
from ratelimit_ddb.asgi import RateLimitMiddleware
from tests.web.exchange import Get, limited_asgi, scope_of


def test_a_key_may_be_a_coroutine_function() -> None:
    async def key(request: Any) -> str:
        await asyncio.sleep(0)
        return str(request.client)

    ask = limited_asgi(store=MemoryStore(), limits="1/minute", key=key)
    assert [ask(Get()).status for _ in range(2)] == [200, 429]


def no_key(request: Any) -> str:
    raise AssertionError("asked for a key where there is no http request")


@pytest.mark.parametrize("kind", ["websocket", "lifespan"])
def test_other_scopes_pass_untouched(kind: str) -> None:
    called_with: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        called_with.extend((scope, receive, send))

    async def receive() -> Any: ...

    async def send(message: Any) -> None: ...

    middleware = RateLimitMiddleware(app, store=MemoryStore(), limits="1/minute", key=no_key)
    scope = {"type": kind}
    for _ in range(3):
        called_with.clear()
        asyncio.run(middleware(scope, receive, send))
        assert called_with[0] is scope
        assert called_with[1:] == [receive, send]


def test_an_admitted_request_gets_the_servers_own_callables() -> None:
    called_with: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        called_with.extend((scope, receive, send))

    async def receive() -> Any: ...

    async def send(message: Any) -> None: ...

    middleware = RateLimitMiddleware(
        app, store=MemoryStore(), limits="1/minute", key=lambda request: "all"
    )
    scope = scope_of(Get())
    asyncio.run(middleware(scope, receive, send))
    assert called_with == [scope, receive, send]


def test_what_the_application_raises_is_not_touched() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        raise LookupError("the application's own")

    middleware = RateLimitMiddleware(
        app, store=MemoryStore(), limits="1/minute", key=lambda request: "all"
    )
    with pytest.raises(LookupError, match="the application's own"):
        asyncio.run(middleware(scope_of(Get()), None, None))  # type: ignore[arg-type]
