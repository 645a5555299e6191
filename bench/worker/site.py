"""A site in this process, WSGI or ASGI, and a browser that keeps its one cookie.

Standard library only: it runs in the environments of peers.
"""

from __future__ import annotations

import asyncio
import io
import sys
from collections.abc import Iterable
from typing import Any, Protocol


class Site(Protocol):
    """What ``create`` of a module in bench.session_contenders returns."""

    def get(self, path: str, cookie: str) -> list[str]:
        """Ask for a page, with a Cookie field unless it is empty; the Set-Cookie fields.

        Raises:
            RuntimeError: the status is not 200.
        """

    def close(self) -> None:
        """End what it runs in."""


class WsgiSite:
    """Calls a WSGI application."""

    def __init__(self, app: Any) -> None:
        self._app = app

    def get(self, path: str, cookie: str) -> list[str]:
        environ: dict[str, Any] = {
            "REQUEST_METHOD": "GET",
            "SCRIPT_NAME": "",
            "PATH_INFO": path,
            "QUERY_STRING": "",
            "SERVER_NAME": "shop.test",
            "SERVER_PORT": "443",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "HTTP_HOST": "shop.test",
            "REMOTE_ADDR": "192.0.2.7",
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "https",
            "wsgi.input": io.BytesIO(),
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": True,
            "wsgi.multiprocess": True,
            "wsgi.run_once": False,
        }
        if cookie:
            environ["HTTP_COOKIE"] = cookie
        started: list[tuple[str, list[tuple[str, str]]]] = []

        def start_response(status: str, fields: list[tuple[str, str]], *_: Any) -> Any:
            started.append((status, fields))
            return lambda _: None

        body: Any = self._app(environ, start_response)
        b"".join(body)
        if hasattr(body, "close"):
            body.close()
        ((status, fields),) = started
        _require_ok(path, status)
        return [value for name, value in fields if name.lower() == "set-cookie"]

    def close(self) -> None:
        """Nothing runs."""


class AsgiSite:
    """Calls an ASGI application, in an event loop of its own."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self._runner = asyncio.Runner()

    def get(self, path: str, cookie: str) -> list[str]:
        headers = [(b"host", b"shop.test"), *([(b"cookie", cookie.encode())] if cookie else [])]
        scope: dict[str, Any] = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "GET",
            "scheme": "https",
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "root_path": "",
            "headers": headers,
            "client": ("192.0.2.7", 50_000),
            "server": ("shop.test", 443),
        }
        messages: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: dict[str, Any]) -> None:
            messages.append(message)

        self._runner.run(self._app(scope, receive, send))
        _require_ok(path, str(messages[0]["status"]))
        return [
            value.decode()
            for name, value in messages[0]["headers"]
            if name.lower() == b"set-cookie"
        ]

    def close(self) -> None:
        """End the event loop."""
        self._runner.close()


def cookie_after(cookie: str, set_cookies: Iterable[str]) -> str:
    """The Cookie field of the next request; a site here has one cookie, or has deleted it."""
    for field in set_cookies:
        pair, _, attributes = field.partition(";")
        deleted = "max-age=0" in attributes.lower().replace(" ", "") or "01 Jan 1970" in attributes
        cookie = "" if deleted else pair
    return cookie


def _require_ok(path: str, status: str) -> None:
    if not status.startswith("200"):
        raise RuntimeError(f"{path}: status {status}")
