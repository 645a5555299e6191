"""The applications that are put behind real servers, limited by the middleware.

``asgi_app`` and ``wsgi_app`` have the same pages: what a request gets is said by the last part of
its path, what limits it by the first. Servers in processes of their own import them by name, and
the environment says where their buckets are.

Pages that are to go on only when the test says so connect to a port that the test listens on, told
by the query, and wait for a byte.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import sys
from collections.abc import Awaitable, Callable, Iterable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from ratelimit_ddb import DynamoDBStore, MemoryStore, asgi, wsgi
from ratelimit_ddb.web import Request, Rule, client_address
from ratelimit_ddb.web.request import of_environ, of_scope
from tests.fake_clock import FakeClock

PARTS = (b"first,", b"second,", b"third")
WAIT_SECONDS = 20.0
PIECE_BYTES = 64 * 1024

behind_one_proxy = client_address(trusted_hops=1)
behind_a_unix_socket = client_address(trusted=["unix"])

RULES = [
    Rule("/three/*", "3/hour", scope="endpoint"),
    Rule("/ten/*", "10/hour"),
    Rule("/proxied/*", "1/hour", by=behind_one_proxy),
    Rule("/unix/*", "1/hour", by=behind_a_unix_socket),
    Rule("/chat/*", messages="2/hour"),
]


def _path(request: Request) -> str:
    return request.path


OPTIONS: Any = {"rules": RULES, "endpoint_of": _path, "deadline": 5, "on_outage": "raise"}


def limited_asgi() -> asgi.RateLimitMiddleware:
    return asgi.RateLimitMiddleware(_asgi, store=_store(), **OPTIONS)


def limited_wsgi() -> wsgi.RateLimitMiddleware:
    return wsgi.RateLimitMiddleware(_wsgi, store=_store(), **OPTIONS)


def _store() -> MemoryStore | DynamoDBStore:
    """The table that the environment names, or memory of its own, where time stands still."""
    table = os.environ.get("RATE_LIMIT_TABLE")
    if table is None:
        return MemoryStore(clock=FakeClock())
    clock = FakeClock() if "TIME_STANDS_STILL" in os.environ else None
    store = DynamoDBStore(table, endpoint_url=os.environ["RATE_LIMIT_ENDPOINT"], clock=clock)
    store.warm_up()  # under --preload: connected before the workers are forked
    return store


def _query(text: str) -> str:
    """The one value in the query, whatever its name."""
    ((value,),) = parse_qs(text).values()
    return value


def _identities(request: Request) -> bytes:
    found = [by(request) for by in (client_address(), behind_one_proxy, behind_a_unix_socket)]
    return json.dumps(found).encode()


# ASGI


async def _asgi(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "lifespan":
        await _live(receive, send)
    elif scope["type"] == "websocket":
        await _echo(receive, send)
    else:
        await _ASGI_PAGES[scope["path"].rpartition("/")[2]](scope, receive, send)


async def _live(receive: Any, send: Any) -> None:
    for phase in ("startup", "shutdown"):
        assert (await receive())["type"] == f"lifespan.{phase}"
        await send({"type": f"lifespan.{phase}.complete"})


async def _echo(receive: Any, send: Any) -> None:
    assert (await receive())["type"] == "websocket.connect"
    await send({"type": "websocket.accept", "headers": [(b"x-app", b"echo")]})
    while (message := await receive())["type"] == "websocket.receive":
        await send({"type": "websocket.send", "text": message["text"]})


async def _start(send: Any, *headers: tuple[bytes, bytes]) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": headers})


async def _answer(send: Any, body: bytes) -> None:
    await _start(send, (b"content-length", b"%d" % len(body)))
    await send({"type": "http.response.body", "body": body})


async def _part(send: Any, part: bytes) -> None:
    await send({"type": "http.response.body", "body": part, "more_body": True})


async def _asgi_stream(scope: Any, receive: Any, send: Any) -> None:
    await _start(send)
    for part in PARTS:
        await _part(send, part)
    await send({"type": "http.response.body", "body": b""})


async def _asgi_count(scope: Any, receive: Any, send: Any) -> None:
    size, more = 0, True
    while more:
        message = await receive()
        size += len(message["body"])
        more = message["more_body"]
    await _answer(send, str(size).encode())


async def _asgi_events(scope: Any, receive: Any, send: Any) -> None:
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", _query(scope["query_string"].decode())
    )
    await _start(send, (b"content-type", b"text/event-stream"))
    for number in range(3):
        await _part(send, b"data: %d\n\n" % number)
        await asyncio.wait_for(reader.readexactly(1), WAIT_SECONDS)
    await send({"type": "http.response.body", "body": b""})
    writer.close()


async def _asgi_endless(scope: Any, receive: Any, send: Any) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", _query(scope["query_string"].decode()))

    async def send_on() -> None:
        await _start(send)
        while True:
            await _part(send, bytes(PIECE_BYTES))
            await asyncio.sleep(0)  # a server with nobody left to send to may not wait itself

    sending = asyncio.create_task(send_on())
    while (await receive())["type"] != "http.disconnect":
        pass
    sending.cancel()
    writer.write(b".")
    writer.close()


async def _asgi_error(scope: Any, receive: Any, send: Any) -> None:
    raise LookupError("the application's own")


async def _asgi_file(scope: Any, receive: Any, send: Any) -> None:
    path = Path(_query(scope["query_string"].decode()))
    content = await asyncio.to_thread(path.read_bytes)
    await _start(send, (b"content-length", b"%d" % len(content)))
    for begin in range(0, len(content), PIECE_BYTES):
        await _part(send, content[begin : begin + PIECE_BYTES])
    await send({"type": "http.response.body", "body": b""})


async def _asgi_who(scope: Any, receive: Any, send: Any) -> None:
    await _answer(send, _identities(of_scope(scope)))


_ASGI_PAGES: dict[str, Callable[[Any, Any, Any], Awaitable[None]]] = {
    "stream": _asgi_stream,
    "count": _asgi_count,
    "events": _asgi_events,
    "endless": _asgi_endless,
    "error": _asgi_error,
    "file": _asgi_file,
    "who": _asgi_who,
}


# WSGI


def _wsgi(environ: Any, start_response: Any) -> Iterable[bytes]:
    page = environ["PATH_INFO"].rpartition("/")[2]
    return _WSGI_PAGES[page](environ, start_response)


def _told(start_response: Any, body: bytes) -> list[bytes]:
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]


def _wsgi_stream(environ: Any, start_response: Any) -> Iterable[bytes]:
    start_response("200 OK", [])
    return iter(() if environ["REQUEST_METHOD"] == "HEAD" else PARTS)


def _wsgi_count(environ: Any, start_response: Any) -> Iterable[bytes]:
    # Without a length (chunked), the server ends the input; wsgiref never does.
    length = int(environ.get("CONTENT_LENGTH") or sys.maxsize)
    size = 0
    while piece := environ["wsgi.input"].read(min(length - size, PIECE_BYTES)):
        size += len(piece)
    return _told(start_response, str(size).encode())


def _wsgi_events(environ: Any, start_response: Any) -> Iterator[bytes]:
    with _connected(environ) as test:
        start_response("200 OK", [("Content-Type", "text/event-stream")])
        for number in range(3):
            yield b"data: %d\n\n" % number
            test.recv(1)


def _wsgi_endless(environ: Any, start_response: Any) -> Iterator[bytes]:
    with _connected(environ) as test:
        start_response("200 OK", [])
        try:
            while True:
                yield bytes(PIECE_BYTES)
        finally:
            test.sendall(b".")


def _wsgi_error(environ: Any, start_response: Any) -> Iterable[bytes]:
    raise LookupError("the application's own")


def _wsgi_file(environ: Any, start_response: Any) -> Iterable[bytes]:
    path = Path(_query(environ["QUERY_STRING"]))
    start_response("200 OK", [("Content-Length", str(path.stat().st_size))])
    wrapped: Iterable[bytes] = environ["wsgi.file_wrapper"](path.open("rb"), PIECE_BYTES)
    return wrapped


def _wsgi_who(environ: Any, start_response: Any) -> Iterable[bytes]:
    return _told(start_response, _identities(of_environ(environ)))


def _wsgi_hold(environ: Any, start_response: Any) -> Iterable[bytes]:
    """Keeps the worker busy until the test lets it go."""
    with _connected(environ) as test:
        test.sendall(b".")
        test.recv(1)
    return _told(start_response, b"")


def _connected(environ: Any) -> socket.socket:
    return socket.create_connection(
        ("127.0.0.1", int(_query(environ["QUERY_STRING"]))), WAIT_SECONDS
    )


_WSGI_PAGES: dict[str, Callable[[Any, Any], Iterable[bytes]]] = {
    "stream": _wsgi_stream,
    "count": _wsgi_count,
    "events": _wsgi_events,
    "endless": _wsgi_endless,
    "error": _wsgi_error,
    "file": _wsgi_file,
    "who": _wsgi_who,
    "hold": _wsgi_hold,
}


def _signed(app: Any) -> Any:
    """The app, with the process's id in each response: denials too, which the app never sees."""

    def signed(environ: Any, start_response: Any) -> Iterable[bytes]:
        def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            return start_response(status, [*headers, ("X-Pid", str(os.getpid()))], exc_info)

        response: Iterable[bytes] = app(environ, start)
        return response

    return signed


asgi_app = limited_asgi()
wsgi_app = limited_wsgi()
signed_wsgi_app = _signed(wsgi_app)
