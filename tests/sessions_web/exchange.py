"""A browser that keeps cookies, and the servers it talks to, in process: over ASGI and WSGI."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import Coroutine, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from email.message import Message
from http.cookiejar import CookieJar
from typing import Any, NamedTuple
from urllib.parse import urlencode
from urllib.request import Request as JarRequest
from wsgiref.util import setup_testing_defaults
from wsgiref.validate import validator

HOST = "app.example.com"
PATIENCE_SECONDS = 20.0
Fields = tuple[tuple[str, str], ...]
Log = list[str]
"""What a server was given: "start", "body ..." for each piece that is not empty."""


@dataclass(frozen=True, slots=True)
class Request:
    """What a browser sends; ``extra`` is put into the scope or the environ."""

    path: str = "/"
    method: str = "GET"
    headers: Fields = ()
    body: bytes = b""
    extra: Mapping[str, Any] = field(default_factory=dict)
    client: str = "192.0.2.7"


@dataclass(frozen=True, slots=True)
class Response:
    """What a browser gets."""

    status: int
    fields: Fields
    body: bytes

    @property
    def headers(self) -> dict[str, str]:
        """Values by lower-case name, those of repeated fields joined (RFC 9110, 5.3)."""
        joined: dict[str, str] = {}
        for name, value in self.fields:
            lower = name.lower()
            joined[lower] = f"{joined[lower]}, {value}" if lower in joined else value
        return joined

    @property
    def set_cookies(self) -> list[str]:
        return [value for name, value in self.fields if name.lower() == "set-cookie"]

    @property
    def value(self) -> Any:
        return json.loads(self.body)


class Browser:
    """Asks an application over TLS, and keeps its cookies as browsers do."""

    def __init__(self, app: Any, protocol: str, log: Log | None = None, **sent: Any) -> None:
        self.jar = CookieJar()
        self._exchange = over_asgi if protocol == "asgi" else over_wsgi
        self._app = app
        self._log = [] if log is None else log
        self._sent = sent

    def ask(
        self,
        path: str = "/",
        method: str = "GET",
        *,
        headers: Iterable[tuple[str, str]] = (),
        form: Mapping[str, str] | None = None,
        cookie: str | None = None,
        **extra: Any,
    ) -> Response:
        """The response; what the application raises is raised.

        Args:
            cookie: a Cookie field to send in place of the jar's.
        """
        sent = [("Host", HOST), *headers]
        body = b"" if form is None else urlencode(form).encode()
        if form is not None:
            sent.append(("Content-Type", "application/x-www-form-urlencoded"))
            sent.append(("Content-Length", str(len(body))))
        kept = JarRequest(f"https://{HOST}{path}")
        self.jar.add_cookie_header(kept)
        if cookie := (cookie if cookie is not None else kept.get_header("Cookie")):
            sent.append(("Cookie", cookie))
        request = Request(path, method, tuple(sent), body, extra, **self._sent)
        response = self._exchange(self._app, request, self._log)
        self.jar.extract_cookies(_Reply(response), kept)  # type: ignore[arg-type]
        return response

    @property
    def cookies(self) -> dict[str, str]:
        return {cookie.name: cookie.value or "" for cookie in self.jar}

    @property
    def cookie(self) -> str:
        """The one cookie that is kept, as it is sent."""
        ((name, value),) = self.cookies.items()
        return f"{name}={value}"

    @property
    def token(self) -> str:
        return self.cookie.partition("=")[2]


class _Reply(NamedTuple):
    """A response as http.cookiejar reads it, without cookies that their prefix forbids."""

    response: Response

    def info(self) -> Message:
        message = Message()
        for cookie in self.response.set_cookies:
            attributes = {part.strip() for part in cookie.split(";")[1:]}
            bound = "Path=/" in attributes and not any("Domain=" in part for part in attributes)
            if not cookie.startswith("__Host-") or ("Secure" in attributes and bound):
                message["Set-Cookie"] = cookie
        return message


# ASGI


def scope_of(request: Request) -> dict[str, Any]:
    path, _, query = request.path.partition("?")
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": request.method,
        "scheme": "https",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": query.encode(),
        "headers": [(name.lower().encode(), value.encode()) for name, value in request.headers],
        "client": (request.client, 50_000),
        "server": (HOST, 443),
        **request.extra,
    }


def over_asgi(app: Any, request: Request, log: Log) -> Response:
    """The response of an ASGI application."""
    response: Response = run(_over_asgi(app, request, log))
    return response


async def _over_asgi(app: Any, request: Request, log: Log) -> Response:
    messages: list[Any] = []
    coming = [{"type": "http.request", "body": request.body, "more_body": False}]

    async def receive() -> Any:
        if coming:
            return coming.pop()
        return await asyncio.Event().wait()  # the client stays

    async def send(message: Any) -> None:
        messages.append(message)
        _log(log, message["type"].endswith("start"), message.get("body", b""))

    async with asyncio.timeout(PATIENCE_SECONDS):
        await app(scope_of(request), receive, send)
    start, *bodies = messages
    fields = tuple((name.decode(), value.decode()) for name, value in start["headers"])
    return Response(start["status"], fields, b"".join(one.get("body", b"") for one in bodies))


def run(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """What a coroutine comes to, also in the middle of another one, which waits meanwhile."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(coroutine)
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, coroutine).result()


# WSGI


def environ_of(request: Request) -> dict[str, Any]:
    path, _, query = request.path.partition("?")
    environ: dict[str, Any] = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "REMOTE_ADDR": request.client,
        "wsgi.url_scheme": "https",
        "wsgi.input": io.BytesIO(request.body),
        "wsgi.errors": io.StringIO(),
        **request.extra,
    }
    for name, value in request.headers:
        cgi_name = name.upper().replace("-", "_")
        apart = cgi_name in ("CONTENT_LENGTH", "CONTENT_TYPE")
        key = cgi_name if apart else f"HTTP_{cgi_name}"
        environ[key] = f"{environ[key]},{value}" if key in environ else value  # as servers do
    setup_testing_defaults(environ)
    return environ


def over_wsgi(app: Any, request: Request, log: Log) -> Response:
    """The response of a WSGI application, with the standard library's validator looking on."""
    server = WSGIServer(log)
    server.serve(validator(app), environ_of(request))
    ((status, fields),) = server.started
    return Response(int(status[:3]), tuple(fields), b"".join(server.written))


class WSGIServer:
    """Takes a response as PEP 3333 wants it taken.

    Attributes:
        started: status and headers, once for each start that counted.
        written: the pieces of the body.
    """

    def __init__(self, log: Log | None = None) -> None:
        self.log = [] if log is None else log
        self.started: list[tuple[str, list[tuple[str, str]]]] = []
        self.written: list[bytes] = []

    def serve(self, app: Any, environ: dict[str, Any]) -> None:
        body = app(environ, self.start_response)
        try:
            for piece in body:
                self.write(piece)
        finally:
            if hasattr(body, "close"):
                body.close()

    def start_response(self, status: str, headers: Any, exc_info: Any = None) -> Any:
        if self.started and exc_info is None:
            raise AssertionError("start_response was called twice without exc_info")
        if exc_info is not None and any(self.written):
            raise exc_info[1].with_traceback(exc_info[2])
        self.started[:] = [(status, headers)]
        _log(self.log, True, b"")
        return self.write

    def write(self, piece: bytes) -> None:
        if not self.started:
            raise AssertionError("a body came before start_response was called")
        self.written.append(piece)
        _log(self.log, False, piece)


def _log(log: Log, start: bool, body: bytes) -> None:
    if start:
        log.append("start")
    elif body:
        log.append(f"body {body.decode()}")
