"""One HTTP exchange with an application, in process, the same way over ASGI and WSGI."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from wsgiref.util import setup_testing_defaults

from ratelimit_ddb import asgi, wsgi


@dataclass(frozen=True, slots=True)
class Response:
    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Get:
    """A request to make."""

    path: str = "/"
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict)
    client: str | None = "192.0.2.7"


Ask = Callable[[Get], Response]
"""Carries a request to the limited application and brings its response."""


def limited_asgi(**options: Any) -> Ask:
    app = asgi.RateLimitMiddleware(_asgi_app, **options)
    return lambda get: asyncio.run(_over_asgi(app, get))


def limited_wsgi(**options: Any) -> Ask:
    app = wsgi.RateLimitMiddleware(_wsgi_app, **options)
    return lambda get: _over_wsgi(app, get)


def scope_of(get: Get) -> dict[str, Any]:
    return {
        "type": "http",
        "method": get.method,
        "path": get.path,
        "headers": [(name.lower().encode(), value.encode()) for name, value in get.headers.items()],
        "client": (get.client, 50_000) if get.client else None,
    }


async def _over_asgi(app: asgi.App, get: Get) -> Response:
    messages: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        messages.append(message)

    await app(scope_of(get), receive, send)
    start, *bodies = messages
    headers = {name.decode(): value.decode() for name, value in start["headers"]}
    return Response(start["status"], headers, b"".join(message["body"] for message in bodies))


async def _asgi_app(scope: Any, receive: Any, send: Any) -> None:
    headers = [(b"content-type", b"text/plain")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    for part in (b"a", b"b", b"c"):
        await send({"type": "http.response.body", "body": part, "more_body": part != b"c"})


def _over_wsgi(app: Any, get: Get) -> Response:
    environ: dict[str, Any] = {"PATH_INFO": get.path.encode().decode("latin-1")}
    environ |= {"REQUEST_METHOD": get.method, "REMOTE_ADDR": get.client or ""}
    environ |= {f"HTTP_{name.upper().replace('-', '_')}": v for name, v in get.headers.items()}
    environ["wsgi.input"] = io.BytesIO()
    setup_testing_defaults(environ)
    started: list[Any] = []

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
        started.append((int(status[:3]), dict(headers)))
        return lambda data: None

    body = b"".join(app(environ, start_response))
    ((status, headers),) = started
    return Response(status, headers, body)


def _wsgi_app(environ: Any, start_response: Any) -> Iterable[bytes]:
    start_response("200 OK", [("content-type", "text/plain")])
    return iter((b"a", b"b", b"c"))
