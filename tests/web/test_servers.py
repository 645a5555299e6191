"""Behind real servers, over real sockets: ASGI and WSGI, threads and processes."""

from __future__ import annotations

import contextlib
import http.client
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import http_sf
import httpx
import pytest

from tests.web.server_apps import PARTS, limited_asgi, limited_wsgi
from tests.web.serving import (
    PATIENCE_SECONDS,
    Server,
    gunicorn_server,
    hypercorn_server,
    meeting_point,
    shared_table,
    uvicorn_server,
    waitress_server,
    wsgiref_server,
)

ASGI = "tests.web.server_apps:asgi_app"
WSGI = "tests.web.server_apps:wsgi_app"
SIGNED_WSGI = "tests.web.server_apps:signed_wsgi_app"
HUNDRED_MB = 100 * 1024 * 1024

Serving = contextlib.AbstractContextManager[Server]


@contextlib.contextmanager
def gunicorn_with_two_processes(endpoint: str) -> Iterator[Server]:
    with (
        shared_table(endpoint) as table,
        gunicorn_server(WSGI, "--workers", "2", TIME_STANDS_STILL="yes", **table) as server,
    ):
        yield server


SERVERS: dict[str, Callable[[], Serving]] = {
    "uvicorn-h11": lambda: uvicorn_server(limited_asgi(), http="h11", loop="asyncio"),
    "uvicorn-httptools": lambda: uvicorn_server(limited_asgi(), http="httptools", loop="uvloop"),
    "hypercorn": lambda: hypercorn_server(ASGI),
    "hypercorn-http2": lambda: hypercorn_server(ASGI, http2=True),
    "gunicorn-threads": lambda: gunicorn_server(
        WSGI, "--worker-class", "gthread", "--threads", "4"
    ),
    "waitress": lambda: waitress_server(limited_wsgi()),
    "wsgiref": lambda: wsgiref_server(limited_wsgi()),
}
OVER_A_TABLE = "gunicorn-processes"


@pytest.fixture(scope="module", params=[*SERVERS, OVER_A_TABLE])
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    serving: Serving
    if request.param == OVER_A_TABLE:
        serving = gunicorn_with_two_processes(request.getfixturevalue("dynamodb_endpoint"))
    else:
        serving = SERVERS[request.param]()
    with serving as started:
        yield started


@pytest.fixture
def client(server: Server) -> Iterator[httpx.Client]:
    with server.client() as client:
        yield client


def structured(response: httpx.Response, name: str) -> Any:
    return http_sf.parse(response.headers[name].encode(), tltype="list")


def test_a_stream_passes_and_the_rest_is_denied(client: httpx.Client) -> None:
    responses = [client.get("/three/stream") for _ in range(5)]
    assert [response.status_code for response in responses] == [200, 200, 200, 429, 429]
    for response, remaining in zip(responses, [2, 1, 0, 0, 0], strict=True):
        assert structured(response, "ratelimit-policy") == [("/three/*", {"q": 3, "w": 3600})]
        assert structured(response, "ratelimit") == [("/three/*", {"r": remaining, "t": 1200})]
    for response in responses[:3]:
        assert response.content == b"".join(PARTS)
        assert "retry-after" not in response.headers
    for response in responses[3:]:
        assert response.headers["retry-after"] == "1200"
        assert response.headers["content-type"] == "application/problem+json"
        problem = response.json()
        assert problem["status"] == 429
        assert problem["retry-after"] == 1200


def test_head_is_answered_with_the_fields_alone(client: httpx.Client) -> None:
    path = "/three/head/stream"
    *passed, denied = [client.head(path) for _ in range(4)]
    assert [response.status_code for response in passed] == [200, 200, 200]
    assert denied.status_code == 429
    for response in [*passed, denied]:
        assert response.content == b""
        assert structured(response, "ratelimit")
    # The same connection, where the server keeps it: nothing of a body may be left in it.
    got = client.get(path)
    assert got.status_code == 429
    assert denied.headers["content-length"] == str(len(got.content))


@pytest.mark.parametrize(
    "server", ["uvicorn-h11", "uvicorn-httptools", "waitress", OVER_A_TABLE], indirect=True
)
@pytest.mark.parametrize("headers", [{"Content-Length": str(HUNDRED_MB)}, {}], ids=["", "chunked"])
def test_a_body_of_100_mb_passes(server: Server, headers: dict[str, str]) -> None:
    piece = bytes(1024 * 1024)
    body = (piece for _ in range(HUNDRED_MB // len(piece)))
    path = f"/three/{'length' if headers else 'chunked'}/count"
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE_SECONDS)
    with contextlib.closing(connection):
        connection.request("POST", path, body, headers, encode_chunked=not headers)
        response = connection.getresponse()
        assert response.status == 200
        assert response.read() == str(HUNDRED_MB).encode()
        assert response.getheader("RateLimit") == '"/three/*";r=2;t=1200'


# hypercorn up to 0.18 ends an HTTP/2 connection whose answered request had more body to come.
@pytest.mark.parametrize(
    "server", [*(name for name in SERVERS if "http2" not in name), OVER_A_TABLE], indirect=True
)
def test_a_denied_body_does_not_become_the_next_request(client: httpx.Client) -> None:
    posted = [client.post("/three/posted/count", content=b"x" * 1000) for _ in range(5)]
    assert [response.status_code for response in posted] == [200, 200, 200, 429, 429]
    assert client.get("/three/after/stream").content == b"".join(PARTS)


def test_server_sent_events_arrive_one_by_one(client: httpx.Client) -> None:
    with (
        meeting_point() as (port, met),
        client.stream("GET", f"/three/events?port={port}") as response,
    ):
        assert structured(response, "ratelimit")
        app = met()
        events = response.iter_lines()
        for number in range(3):
            assert next(events) == f"data: {number}"
            assert next(events) == ""
            app.sendall(b".")  # until then the application does not make the next
        assert list(events) == []


def test_an_application_learns_that_its_client_left(server: Server) -> None:
    with meeting_point() as (port, met):
        with (
            server.client() as leaving,
            leaving.stream("GET", f"/three/endless?port={port}") as response,
        ):
            assert next(response.iter_raw())
        assert met().recv(1) == b"."
    with server.client() as staying:
        assert staying.get("/three/staying/stream").content == b"".join(PARTS)


def test_an_exception_of_the_application_is_the_servers_500(client: httpx.Client) -> None:
    statuses = [client.get("/three/error").status_code for _ in range(4)]
    assert statuses == [500, 500, 500, 429]
    assert client.get("/three/after-error/stream").status_code == 200


def test_a_file_passes(client: httpx.Client, tmp_path: Path) -> None:
    content = os.urandom(3_000_000)
    file = tmp_path / "file"
    file.write_bytes(content)
    response = client.get(f"/three/file?path={file}")
    assert response.content == content
    assert response.headers["content-length"] == "3000000"
    assert structured(response, "ratelimit")


# Several processes, one table


def hold_a_worker(client: httpx.Client, pool: ThreadPoolExecutor, port: int) -> Future[Any]:
    return pool.submit(client.get, f"/free/hold?port={port}")


@pytest.mark.parametrize("preload", [(), ("--preload",)], ids=["", "preload"])
def test_processes_share_the_limit(dynamodb_endpoint: str, preload: tuple[str, ...]) -> None:
    with (
        shared_table(dynamodb_endpoint) as table,
        gunicorn_server(SIGNED_WSGI, "--workers", "2", *preload, **table) as server,
        server.client() as client,
        ThreadPoolExecutor(2) as pool,
        meeting_point() as (port, met),
    ):
        # A sync worker that is held takes no other request: the other one has to answer.
        first = hold_a_worker(client, pool, port)
        first_app = met()
        assert first_app.recv(1) == b"."
        of_second = [client.get("/ten/who") for _ in range(6)]
        second = hold_a_worker(client, pool, port)
        second_app = met()
        assert second_app.recv(1) == b"."
        first_app.sendall(b".")
        of_first = [client.get("/ten/who") for _ in range(14)]
        second_app.sendall(b".")
        pids = [held.result(PATIENCE_SECONDS).headers["x-pid"] for held in (first, second)]
    assert len(set(pids)) == 2
    assert {response.headers["x-pid"] for response in of_first} == {pids[0]}
    assert {response.headers["x-pid"] for response in of_second} == {pids[1]}
    assert [response.status_code for response in of_second] == [200] * 6
    assert [response.status_code for response in of_first] == [200] * 4 + [429] * 10


def test_processes_share_the_limit_at_the_same_time(dynamodb_endpoint: str) -> None:
    with (
        shared_table(dynamodb_endpoint) as table,
        gunicorn_server(SIGNED_WSGI, "--workers", "2", **table) as server,
        server.client() as client,
        ThreadPoolExecutor(8) as pool,
    ):
        responses = list(pool.map(lambda _: client.get("/ten/who"), range(20)))
        deadline = time.monotonic() + PATIENCE_SECONDS
        while len({response.headers["x-pid"] for response in responses}) < 2:
            assert time.monotonic() < deadline, "one process answers them all"
            responses += pool.map(lambda _: client.get("/ten/who"), range(8))
    assert [response.status_code for response in responses].count(200) == 10
    assert [response.status_code for response in responses].count(429) == len(responses) - 10


# Who the client is


@pytest.fixture(params=["uvicorn", "gunicorn"])
def at_unix_socket(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[httpx.Client]:
    path = str(tmp_path / "socket")
    serving = (
        uvicorn_server(limited_asgi(), socket_path=path)
        if request.param == "uvicorn"
        else gunicorn_server(WSGI, socket_path=path)
    )
    with serving as server, server.client() as client:
        yield client


def test_clients_at_a_unix_socket_are_limited_together(at_unix_socket: httpx.Client) -> None:
    responses = [at_unix_socket.get("/three/who") for _ in range(4)]
    assert [response.status_code for response in responses] == [200, 200, 200, 429]
    assert responses[0].json() == ["unknown", "unknown", "unknown"]


def test_a_trusted_unix_socket_tells_clients_apart(at_unix_socket: httpx.Client) -> None:
    def get(sent: str) -> httpx.Response:
        return at_unix_socket.get("/unix/who", headers={"X-Forwarded-For": sent})

    assert get("192.0.2.1").json() == ["unknown", "192.0.2.1", "192.0.2.1"]
    assert get("198.51.100.9, 192.0.2.1").status_code == 429
    assert get("192.0.2.2").status_code == 200


BEHIND_PROXIES: dict[str, Callable[[], Serving]] = {
    "uvicorn-proxy-headers": lambda: uvicorn_server(limited_asgi(), proxy_headers=True),
    "uvicorn-no-proxy-headers": lambda: uvicorn_server(limited_asgi(), proxy_headers=False),
    "hypercorn": SERVERS["hypercorn"],
    "gunicorn": SERVERS["gunicorn-threads"],
    # Unless told of the proxy, or to leave the field alone, waitress drops it.
    "waitress-trusting": lambda: waitress_server(
        limited_wsgi(), trusted_proxy="127.0.0.1", trusted_proxy_headers="x-forwarded-for"
    ),
    "waitress-leaving": lambda: waitress_server(
        limited_wsgi(), clear_untrusted_proxy_headers=False
    ),
    "wsgiref": SERVERS["wsgiref"],
}


@pytest.mark.parametrize("serve", BEHIND_PROXIES.values(), ids=BEHIND_PROXIES)
def test_clients_behind_one_proxy_are_told_apart(serve: Callable[[], Serving]) -> None:
    with serve() as server, server.client() as client:

        def get(sent: str) -> httpx.Response:
            return client.get("/proxied/who", headers={"X-Forwarded-For": sent})

        assert get("192.0.2.1").json()[1] == "192.0.2.1"
        assert get("192.0.2.1").status_code == 429
        assert get("203.0.113.5, 192.0.2.1").status_code == 429
        assert get("192.0.2.1, 203.0.113.5").json()[1] == "203.0.113.5"
        assert get("2001:db8::1").json()[1] == "2001:db8::/64"
        assert get("2001:db8::2").status_code == 429
