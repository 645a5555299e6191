"""Behind real servers, over real sockets: uvicorn for ASGI, wsgiref for WSGI."""

from __future__ import annotations

import contextlib
import http.client
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest
import uvicorn

from ratelimit_ddb import MemoryStore, asgi, wsgi
from tests.dynamodb_local import free_port

PARTS = [b"first,", b"second,", b"third"]


async def streaming_asgi(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    for part in PARTS:
        await send({"type": "http.response.body", "body": part, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


def streaming_wsgi(environ: Any, start_response: Any) -> Iterable[bytes]:
    start_response("200 OK", [])
    return iter(PARTS)


@contextlib.contextmanager
def uvicorn_server(**options: Any) -> Iterator[int]:
    app = asgi.RateLimitMiddleware(streaming_asgi, **options)
    port = free_port()
    config = uvicorn.Config(app, port=port, log_level="warning", lifespan="off", ws="none")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started and thread.is_alive():
        thread.join(0.01)
    try:
        yield port
    finally:
        server.should_exit = True
        thread.join()


@contextlib.contextmanager
def wsgiref_server(**options: Any) -> Iterator[int]:
    class Quiet(WSGIRequestHandler):
        def log_message(self, format: str, *args: Any) -> None: ...  # noqa: A002

    app = wsgi.RateLimitMiddleware(streaming_wsgi, **options)
    with make_server("127.0.0.1", 0, app, handler_class=Quiet) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize("server", [uvicorn_server, wsgiref_server])
def test_a_stream_passes_and_the_rest_is_denied(server: Callable[..., Any]) -> None:
    statuses, bodies = [], []
    with server(store=MemoryStore(), limits="3/hour", key=lambda request: request.client) as port:
        for _ in range(5):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
            connection.request("GET", "/")
            response = connection.getresponse()
            statuses.append(response.status)
            bodies.append(response.read())
            if response.status == 429:
                assert response.getheader("Retry-After") == "1200"
            connection.close()
    assert statuses == [200, 200, 200, 429, 429]
    assert bodies[0] == b"".join(PARTS)
