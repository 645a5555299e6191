"""Websockets behind real servers, with a real client: handshakes and messages over a limit."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import http_sf
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from tests.web.server_apps import limited_asgi
from tests.web.serving import (
    PATIENCE_SECONDS,
    Server,
    gunicorn_server,
    hypercorn_server,
    uvicorn_server,
)

ASGI = "tests.web.server_apps:asgi_app"

Serving = AbstractContextManager[Server]


# uvicorn's third, "websockets", is deprecated, and so is what it imports.
WITH_DENIAL_RESPONSES: dict[str, Callable[[], Serving]] = {
    "uvicorn-websockets": lambda: uvicorn_server(limited_asgi(), ws="websockets-sansio"),
    "uvicorn-wsproto": lambda: uvicorn_server(limited_asgi(), ws="wsproto"),
    "hypercorn": lambda: hypercorn_server(ASGI),
}
WITHOUT: dict[str, Callable[[], Serving]] = {
    "gunicorn": lambda: gunicorn_server(ASGI, "--worker-class", "asgi"),
}
SERVERS = WITH_DENIAL_RESPONSES | WITHOUT


@pytest.fixture(scope="module", params=SERVERS)
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    with SERVERS[request.param]() as started:
        yield started


def connected(server: Server, path: str) -> ClientConnection:
    return connect(
        f"ws://127.0.0.1:{server.port}{path}",
        proxy=None,
        open_timeout=PATIENCE_SECONDS,
        close_timeout=PATIENCE_SECONDS,
    )


def echo(websocket: ClientConnection, text: str) -> str | bytes:
    websocket.send(text)
    return websocket.recv(PATIENCE_SECONDS)


def structured(value: str) -> Any:
    return http_sf.parse(value.encode(), tltype="list")


def refused(server: Server, path: str) -> InvalidStatus:
    """How the fourth handshake of three an hour is refused."""
    for _ in range(3):
        with connected(server, path) as websocket:
            assert echo(websocket, "heard") == "heard"
    with pytest.raises(InvalidStatus) as refusal:
        connected(server, path)
    return refusal.value


def test_an_accepted_handshake_tells_what_is_left(server: Server) -> None:
    for remaining in (2, 1, 0):
        with connected(server, "/three/fields") as websocket:
            assert websocket.response is not None
            assert websocket.response.status_code == 101
            headers = websocket.response.headers
            assert headers["X-App"] == "echo"
            policy = [("/three/*", {"q": 3, "w": 3600})]
            assert structured(headers["RateLimit-Policy"]) == policy
            left = [("/three/*", {"r": remaining, "t": 1200})]
            assert structured(headers["RateLimit"]) == left


@pytest.mark.parametrize("server", WITH_DENIAL_RESPONSES, indirect=True)
def test_a_handshake_over_the_limit_is_answered_429(server: Server) -> None:
    response = refused(server, "/three/denied").response
    assert response.status_code == 429
    assert response.headers["Retry-After"] == "1200"
    assert response.headers["Content-Type"] == "application/problem+json"
    assert structured(response.headers["RateLimit"]) == [("/three/*", {"r": 0, "t": 1200})]
    assert response.body is not None
    assert json.loads(response.body)["retry-after"] == 1200


@pytest.mark.parametrize("server", WITHOUT, indirect=True)
def test_a_handshake_over_the_limit_is_a_403_where_servers_send_no_other(server: Server) -> None:
    assert refused(server, "/three/forbidden").response.status_code == 403


def test_a_message_over_the_limit_closes_and_says_when_to_retry(server: Server) -> None:
    with connected(server, "/chat/room") as websocket:
        assert echo(websocket, "first") == "first"
        assert echo(websocket, "second") == "second"
        with pytest.raises(ConnectionClosed) as closed:
            echo(websocket, "third")
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1013
    assert closed.value.rcvd.reason == "over the limit of 2 per hour; retry after 1800 s"
    # The messages are the client's, whatever its connections.
    with connected(server, "/chat/room") as websocket, pytest.raises(ConnectionClosed) as again:
        echo(websocket, "fourth")
    assert again.value.rcvd is not None
    assert again.value.rcvd.code == 1013
