"""Behind real servers: no more requests are under way than there are slots, whoever goes away."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager

import httpx
import pytest

from tests.web.in_flight_apps import SLOTS, limited_asgi
from tests.web.serving import (
    PATIENCE_SECONDS,
    Server,
    gunicorn_server,
    hypercorn_server,
    uvicorn_server,
)

APPS = "tests.web.in_flight_apps:"
GTHREAD = ("--worker-class", "gthread", "--threads", "12")
CLIENTS = 10

SERVERS: dict[str, Callable[[], AbstractContextManager[Server]]] = {
    "uvicorn": lambda: uvicorn_server(limited_asgi()),
    "hypercorn": lambda: hypercorn_server(f"{APPS}asgi_app"),
    "gunicorn with threads": lambda: gunicorn_server(f"{APPS}wsgi_app", *GTHREAD),
}


def counted(client: httpx.Client) -> tuple[int, int]:
    now, most = map(int, client.get("/count").text.split())
    return now, most


def statuses_of(server: Server) -> list[int]:
    with server.client() as client, ThreadPoolExecutor(CLIENTS) as pool:
        paths = ["/work/short"] * CLIENTS
        return list(pool.map(lambda path: client.get(path).status_code, paths))


def begin_and_go_away(server: Server) -> None:
    """Send a request whose response never ends, wait for its beginning, and close."""
    with server.connect() as connection:
        connection.settimeout(PATIENCE_SECONDS)
        connection.sendall(b"GET /work/endless HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b" 200 " in connection.recv(64)


@pytest.mark.parametrize("kind", SERVERS)
def test_p16_requests_under_way_are_never_more_than_the_slots(kind: str) -> None:
    with SERVERS[kind]() as server, server.client() as client:
        for _ in range(4):
            statuses = statuses_of(server)
            assert set(statuses) == {200, 429}
            assert statuses.count(200) >= SLOTS
        assert counted(client) == (0, SLOTS)


@pytest.mark.parametrize("kind", SERVERS)
def test_p16_clients_that_go_away_leave_their_slots(kind: str) -> None:
    with SERVERS[kind]() as server, server.client() as client:
        for _ in range(SLOTS):
            begin_and_go_away(server)
        until = time.monotonic() + PATIENCE_SECONDS
        while counted(client)[0]:
            assert time.monotonic() < until, "the server does not notice"
            time.sleep(0.02)
        while sum(status == 200 for status in statuses_of(server)) < SLOTS:
            assert time.monotonic() < until, "a slot is still held"
        assert counted(client)[1] == SLOTS
