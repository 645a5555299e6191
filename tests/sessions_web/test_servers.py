"""Behind real servers, over one DynamoDB table: processes, protocols, TLS and websockets."""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
import trustme
from websockets.sync.client import connect

from tests.session_table import items_of, session_table
from tests.sessions_web.server_apps import PLAIN_HTTP, asgi_app
from tests.web.serving import (
    PATIENCE_SECONDS,
    Server,
    gunicorn_server,
    meeting_point,
    shared_table,
    uvicorn_server,
)

WSGI = "tests.sessions_web.server_apps:wsgi_app()"
NOBODY: list[Any] = [None, {}]


@pytest.fixture(scope="module")
def environment(dynamodb_endpoint: str) -> Iterator[dict[str, str]]:
    """Where the table is. AWS settings are nobody's while it is there."""
    with shared_table(dynamodb_endpoint), session_table(dynamodb_endpoint) as table:
        yield {"SESSION_TABLE": table, "SESSION_ENDPOINT": dynamodb_endpoint}


@pytest.fixture(scope="module")
def gunicorn(environment: dict[str, str]) -> Iterator[Server]:
    """Two processes that take one request at a time each."""
    with gunicorn_server(WSGI, "--workers", "2", **environment) as server:
        yield server


@pytest.fixture(scope="module")
def uvicorn(environment: dict[str, str]) -> Iterator[Server]:
    with uvicorn_server(asgi_app(environment, **PLAIN_HTTP), ws="websockets-sansio") as server:
        yield server


@pytest.fixture(params=["gunicorn", "uvicorn"])
def client(request: pytest.FixtureRequest) -> Iterator[httpx.Client]:
    server: Server = request.getfixturevalue(request.param)
    with server.client() as client:
        yield client


@pytest.fixture(scope="module")
def tls(
    environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Server, ssl.SSLContext]]:
    """uvicorn over TLS, with the options' defaults, and who trusts it."""
    authority = trustme.CA()
    files = tmp_path_factory.mktemp("tls")
    issued = authority.issue_cert("localhost")
    chain, key = files / "chain.pem", files / "key.pem"
    for pem in issued.cert_chain_pems:
        pem.write_to_path(chain, append=True)
    issued.private_key_pem.write_to_path(key)
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    options: dict[str, Any] = {"ssl_certfile": Path(chain), "ssl_keyfile": Path(key)}
    with uvicorn_server(asgi_app(environment), **options) as server:
        yield server, trusting


def test_a_session_goes_from_first_value_to_logout(client: httpx.Client) -> None:
    first = client.get("/plain")
    assert (first.json(), "set-cookie" in first.headers, "vary" in first.headers) == (
        "plain",
        False,
        False,
    )
    begun = client.get("/put/cart/book")
    assert begun.headers["cache-control"] == "private, no-store"
    assert begun.headers["vary"] == "Cookie"
    assert begun.headers["set-cookie"].endswith("; Path=/; HttpOnly; SameSite=Lax")
    assert "set-cookie" not in client.get("/").headers
    before = client.cookies["session"]
    assert client.get("/login/ada").json() == ["ada", {"cart": "book"}]
    assert client.cookies["session"] != before
    kept = client.cookies["session"]
    client.get("/logout")
    assert "session" not in client.cookies
    for old in (before, kept):
        assert client.get("/", headers={"Cookie": f"session={old}"}).json() == NOBODY


def test_a_stream_saves_between_its_parts(client: httpx.Client) -> None:
    client.get("/put/cart/book")
    assert client.get("/stream").content == b"012"
    assert client.get("/").json() == [None, {"cart": "book", "part": 2}]


def test_a_head_request_gets_the_cookie_and_no_body(client: httpx.Client) -> None:
    response = client.head("/put/cart/book")
    assert (response.content, "set-cookie" in response.headers) == (b"", True)
    assert client.get("/").json() == [None, {"cart": "book"}]


def test_processes_share_a_session_and_its_end(gunicorn: Server) -> None:
    with (
        gunicorn.client() as ada,
        gunicorn.client() as phone,
        gunicorn.client() as outside,
        ThreadPoolExecutor(2) as pool,
        meeting_point() as (port, met),
    ):
        # A sync worker that is held takes no other request: the other one has to answer.
        first = pool.submit(outside.get, f"/hold?port={port}")
        first_app = met()
        assert first_app.recv(1) == b"."
        logged_in = [client.get("/login/ada") for client in (ada, phone)]
        ada.get("/put/from/second")
        second = pool.submit(outside.get, f"/hold?port={port}")
        second_app = met()
        assert second_app.recv(1) == b"."
        first_app.sendall(b".")
        read = ada.get("/")
        everywhere = phone.get("/everywhere")
        third = pool.submit(outside.get, f"/hold?port={port}")
        third_app = met()
        assert third_app.recv(1) == b"."
        second_app.sendall(b".")
        left = [client.get("/") for client in (ada, phone)]
        third_app.sendall(b".")
        pids = [held.result(PATIENCE_SECONDS).headers["x-pid"] for held in (first, second, third)]
    assert pids[0] == pids[2] != pids[1]
    assert {response.headers["x-pid"] for response in [*logged_in, *left]} == {pids[1]}
    assert {response.headers["x-pid"] for response in (read, everywhere)} == {pids[0]}
    assert read.json() == ["ada", {"from": "second"}]
    assert everywhere.json() == 2
    assert [response.json() for response in left] == [NOBODY, NOBODY]


def test_both_protocols_share_a_session(gunicorn: Server, uvicorn: Server) -> None:
    with gunicorn.client() as over_wsgi, uvicorn.client() as over_asgi:
        over_wsgi.get("/login/ada")
        over_asgi.cookies = over_wsgi.cookies
        assert over_asgi.get("/put/from/asgi").json() == ["ada", {"from": "asgi"}]
        assert over_wsgi.get("/").json() == ["ada", {"from": "asgi"}]
        over_wsgi.get("/rotate")
        over_asgi.cookies = over_wsgi.cookies
        assert over_asgi.get("/logout").json() == NOBODY
        assert over_wsgi.get("/").json() == NOBODY


def test_requests_at_once_that_change_other_keys_are_all_kept(client: httpx.Client) -> None:
    client.get("/login/carol")
    with ThreadPoolExecutor(4) as pool:
        paths = [f"/put/key{number}/{number}" for number in range(12)]
        assert all(response.status_code == 200 for response in pool.map(client.get, paths))
    assert client.get("/").json() == [
        "carol",
        {f"key{number}": str(number) for number in range(12)},
    ]


def test_no_token_is_in_the_table(client: httpx.Client, environment: dict[str, str]) -> None:
    client.get("/login/dora")
    token, _, mac = client.cookies["session"].partition(".")
    items = repr(items_of(environment["SESSION_TABLE"], environment["SESSION_ENDPOINT"]))
    assert "dora" in items
    assert token not in items
    assert mac not in items


# TLS


def test_a_host_cookie_goes_over_tls(tls: tuple[Server, ssl.SSLContext]) -> None:
    server, trusting = tls
    with httpx.Client(
        base_url=f"https://localhost:{server.port}",
        verify=trusting,
        trust_env=False,
        timeout=PATIENCE_SECONDS,
    ) as client:
        set_to = client.get("/login/ada").headers["set-cookie"]
        assert set_to.startswith("__Host-session=")
        assert set_to.endswith("; Path=/; Secure; HttpOnly; SameSite=Lax")
        assert client.get("/put/cart/book").json() == ["ada", {"cart": "book"}]
        (kept,) = client.cookies.jar
        assert (kept.secure, kept.domain_specified, kept.expires) == (True, False, None)
        client.get("/logout")
        assert list(client.cookies.jar) == []
        assert client.get("/").json() == NOBODY


def test_a_host_cookie_does_not_go_over_plain_http(environment: dict[str, str]) -> None:
    with uvicorn_server(asgi_app(environment)) as server, server.client() as client:
        assert "__Host-session=" in client.get("/login/ada").headers["set-cookie"]
        assert client.get("/").json() == NOBODY, "a client that honours Secure keeps it back"


# Websockets


def test_a_websocket_shares_the_pages_session(uvicorn: Server) -> None:
    with uvicorn.client() as client:
        client.get("/login/ada")
        cookie = f"session={client.cookies['session']}"
        with talking_to(uvicorn, {"Cookie": cookie}) as websocket:
            assert websocket.response.headers["vary"] == "Cookie"
            assert client.get("/").json() == ["ada", {"room": "7"}]
            websocket.send("hello")
            assert websocket.recv(PATIENCE_SECONDS) == "hello"
            assert client.get("/").json() == ["ada", {"room": "7", "said": "hello"}]


def test_a_websockets_handshake_sets_the_cookie(uvicorn: Server) -> None:
    with talking_to(uvicorn, {}) as websocket:
        cookie = websocket.response.headers["set-cookie"].partition(";")[0]
    with uvicorn.client() as client:
        assert client.get("/", headers={"Cookie": cookie}).json() == [None, {"room": "7"}]


@contextlib.contextmanager
def talking_to(server: Server, headers: dict[str, str]) -> Iterator[Any]:
    with connect(
        f"ws://127.0.0.1:{server.port}/chat",
        additional_headers=headers,
        proxy=None,
        open_timeout=PATIENCE_SECONDS,
        close_timeout=PATIENCE_SECONDS,
    ) as websocket:
        yield websocket
