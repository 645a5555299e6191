"""HTTP exchanges with an application, in process, the same way over ASGI and WSGI."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from wsgiref.util import setup_testing_defaults

from ratelimit_ddb import asgi, wsgi
from ratelimit_ddb.asgi.application import App


@dataclass(frozen=True, slots=True)
class Response:
    """What the client got: the status, the header fields in the order sent, and the content."""

    status: int
    fields: tuple[tuple[str, str], ...]
    body: bytes

    @property
    def headers(self) -> dict[str, str]:
        """Values by name, those of repeated fields joined by commas (RFC 9110, 5.3)."""
        joined: dict[str, str] = {}
        for name, value in self.fields:
            joined[name] = f"{joined[name]}, {value}" if name in joined else value
        return joined


@dataclass(frozen=True, slots=True)
class Get:
    """A request to make. ``mount`` is where the application is mounted: a prefix of the path."""

    path: str = "/"
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict)
    client: str | None = "192.0.2.7"
    mount: str = ""
    session: Any = None


@dataclass(slots=True)
class Page:
    """What the application answers to every request, and how often it was asked."""

    headers: tuple[tuple[str, str], ...] = (("content-type", "text/plain"),)
    parts: tuple[bytes, ...] = (b"a", b"b", b"c")
    visits: int = 0

    async def asgi(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer over ASGI."""
        self.visits += 1
        headers = [(name.encode(), value.encode()) for name, value in self.headers]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        for part in self.parts:
            await send({"type": "http.response.body", "body": part, "more_body": True})
        await send({"type": "http.response.body"})

    def wsgi(self, environ: Any, start_response: Any) -> Iterable[bytes]:
        """Answer over WSGI."""
        self.visits += 1
        start_response("200 OK", list(self.headers))
        return iter(self.parts)


Ask = Callable[[Get], Response]
"""Carries a request to the limited application and brings its response."""

Limited = Callable[..., Ask]
"""Makes an Ask of a middleware's options and, maybe, a page."""


def limited_asgi(page: Page | None = None, **options: Any) -> Ask:
    return over_asgi(asgi.RateLimitMiddleware((page or Page()).asgi, **options))


def limited_wsgi(page: Page | None = None, **options: Any) -> Ask:
    return over_wsgi(wsgi.RateLimitMiddleware((page or Page()).wsgi, **options))


def over_asgi(app: Any) -> Ask:
    return lambda get: asyncio.run(_over_asgi(app, get))


def over_wsgi(app: Any) -> Ask:
    return lambda get: _over_wsgi(app, get)


def scope_of(get: Get) -> dict[str, Any]:
    scope = {
        "type": "http",
        "method": get.method,
        "root_path": get.mount,
        "path": get.mount + get.path,
        "headers": [(name.lower().encode(), value.encode()) for name, value in get.headers.items()],
        "client": (get.client, 50_000) if get.client else None,
    }
    return scope if get.session is None else {**scope, "session": get.session}


def environ_of(get: Get) -> dict[str, Any]:
    environ: dict[str, Any] = {"PATH_INFO": get.path.encode().decode("latin-1")}
    environ |= {"SCRIPT_NAME": get.mount, "REQUEST_METHOD": get.method}
    environ |= {"REMOTE_ADDR": get.client or "", "wsgi.input": io.BytesIO()}
    for name, value in get.headers.items():
        cgi_name = name.upper().replace("-", "_")
        apart = cgi_name in ("CONTENT_LENGTH", "CONTENT_TYPE")
        environ[cgi_name if apart else f"HTTP_{cgi_name}"] = value
    if get.session is not None:
        environ["sessions.session"] = get.session
    setup_testing_defaults(environ)
    return environ


async def nothing_more() -> dict[str, Any]:
    """The server's ``receive`` for a request without a body."""
    return {"type": "http.request", "body": b"", "more_body": False}


async def _over_asgi(app: App, get: Get) -> Response:
    messages: list[Any] = []

    async def send(message: Any) -> None:
        messages.append(message)

    await app(scope_of(get), nothing_more, send)
    start, *bodies = messages
    fields = tuple((name.decode(), value.decode()) for name, value in start["headers"])
    body = b"".join(message.get("body", b"") for message in bodies)
    return Response(start["status"], fields, body)


def _over_wsgi(app: Any, get: Get) -> Response:
    started: list[Any] = []

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
        started.append((int(status[:3]), tuple(headers)))

    body = b"".join(app(environ_of(get), start_response))
    ((status, fields),) = started
    return Response(status, fields, body)
