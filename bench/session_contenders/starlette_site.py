"""Starlette: bare, on our sessions, or on starsessions' with a store on DynamoDB.

starsessions ships no such store, so this is what one by aiobotocore is like; all else is its own.
"""

from __future__ import annotations

import contextlib
import itertools
import time
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from bench.session_contenders.peer_table import DATA, EXPIRES, KEY, created
from bench.worker.contender import Target
from bench.worker.site import AsgiSite

CART = [{"item": 17, "count": 2}]
LIFETIME_SECONDS = 43_200


def create(target: Target) -> AsgiSite:
    """The site, with the sessions of the target's style."""
    if target.style == "bare":
        pages = dict.fromkeys(("untouched", "read", "write", "login", "logout"), _ok)
        return AsgiSite(_site(pages))
    return AsgiSite(_ours(target) if target.style == "ours" else _starsessions(target))


def _ours(target: Target) -> Any:
    from sessions import DynamoDBSessionStore
    from sessions.asgi import SessionMiddleware

    store = DynamoDBSessionStore(target.table, endpoint_url=target.endpoint_url)

    async def login(request: Request) -> Response:
        request.session.login("user-123")  # type: ignore[attr-defined]
        return await _ok(request)

    async def logout(request: Request) -> Response:
        request.session.logout()  # type: ignore[attr-defined]
        return await _ok(request)

    return SessionMiddleware(
        _site(_pages() | {"login": login, "logout": logout}), store, deadline=10
    )


def _starsessions(target: Target) -> Any:
    from starsessions import SessionAutoloadMiddleware, SessionMiddleware, regenerate_session_id

    table = f"{target.table}-starsessions"
    created(target.endpoint_url, table).close()

    async def login(request: Request) -> Response:
        regenerate_session_id(request)
        request.session["user"] = "user-123"
        return await _ok(request)

    async def logout(request: Request) -> Response:
        request.session.clear()
        return await _ok(request)

    site = _site(_pages() | {"login": login, "logout": logout})
    store: Any = _Store(target.endpoint_url, table)
    return SessionMiddleware(
        SessionAutoloadMiddleware(site), store=store, lifetime=LIFETIME_SECONDS, rolling=True
    )


class _Store:
    """starsessions' interface of a store (starsessions.stores.SessionStore)."""

    def __init__(self, endpoint_url: str, table: str) -> None:
        self._endpoint_url = endpoint_url
        self._table = table
        self._client: Any = None
        self._open = contextlib.AsyncExitStack()

    async def read(self, session_id: str, lifetime: int) -> bytes:
        found = await (await self._dynamodb()).get_item(
            TableName=self._table, Key={KEY: {"S": session_id}}, ConsistentRead=True
        )
        item = found.get("Item", {})
        fresh = int(item.get(EXPIRES, {"N": "0"})["N"]) > time.time()
        return bytes(item[DATA]["B"]) if fresh else b""

    async def write(self, session_id: str, data: bytes, lifetime: int, ttl: int) -> str:
        item = {
            KEY: {"S": session_id},
            DATA: {"B": data},
            EXPIRES: {"N": str(int(time.time()) + (ttl or lifetime))},
        }
        await (await self._dynamodb()).put_item(TableName=self._table, Item=item)
        return session_id

    async def remove(self, session_id: str) -> None:
        await (await self._dynamodb()).delete_item(
            TableName=self._table, Key={KEY: {"S": session_id}}
        )

    async def _dynamodb(self) -> Any:
        if self._client is None:
            from aiobotocore.session import get_session

            client = get_session().create_client("dynamodb", endpoint_url=self._endpoint_url)
            self._client = await self._open.enter_async_context(client)
        return self._client


def _site(pages: dict[str, Any]) -> Starlette:
    return Starlette(routes=[Route(f"/{path}", page) for path, page in pages.items()])


async def _ok(request: Request) -> Response:
    return PlainTextResponse("ok")


def _pages() -> dict[str, Any]:
    numbers = itertools.count()

    async def read(request: Request) -> Response:
        request.session.get("theme")
        return await _ok(request)

    async def write(request: Request) -> Response:
        if "cart" not in request.session:
            request.session["cart"] = CART
        request.session["theme"] = f"dark {next(numbers)}"
        return await _ok(request)

    return {"untouched": _ok, "read": read, "write": write}
