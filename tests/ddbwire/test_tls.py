"""TLS: whom it trusts, and that connections are reused under it."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import botocore.session
import pytest
import trustme

from ddbwire import ConfigurationError, Unreachable, is_transient
from tests.ddbwire.conftest import MakeWire
from tests.ddbwire.fault_server import ITEM, FaultServer, half, hang, reply
from tests.ddbwire.flavour import Blocking, OnLoop

Flavour = Blocking | OnLoop


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def bundle(authority: trustme.CA, tmp_path: Path) -> str:
    path = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return str(path)


def tls_server(authority: trustme.CA, name: str) -> FaultServer:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    return FaultServer(tls=context)


@pytest.fixture
def secure_server(authority: trustme.CA) -> Iterator[FaultServer]:
    with tls_server(authority, "127.0.0.1") as server:
        yield server


@pytest.fixture
def _trusting(bundle: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_CA_BUNDLE", bundle)


@pytest.mark.usefixtures("_trusting")
def test_a_configured_authority_is_trusted_and_connections_are_reused(
    secure_server: FaultServer, make_wire: MakeWire, flavour: Flavour
) -> None:
    wire = make_wire(secure_server.url)
    secure_server.script.extend([reply(), reply(chunked=True), reply({"x": "y" * 200_000})])
    flavour.sync_clock(wire)
    assert flavour.call(wire)
    assert flavour.call(wire) == {"x": "y" * 200_000}
    for _ in range(10):
        assert flavour.call(wire) == ITEM
    assert secure_server.accepts == 1
    flavour.close(wire)


@pytest.mark.usefixtures("_trusting")
def test_faults_under_tls(
    secure_server: FaultServer, make_wire: MakeWire, flavour: Flavour
) -> None:
    wire = make_wire(secure_server.url)
    secure_server.script.extend([reply(), half, reply(hang_up=True), reply(), hang])
    for _ in range(3):
        assert flavour.call(wire) == ITEM
    with pytest.raises(Unreachable, match="deadline"):
        flavour.call(wire, seconds=0.1)
    flavour.close(wire)


def test_an_unknown_authority_is_a_mistake(
    secure_server: FaultServer, make_wire: MakeWire, flavour: Flavour
) -> None:
    wire = make_wire(secure_server.url)
    for _ in range(2):
        with pytest.raises(ConfigurationError, match="certificate is refused") as caught:
            flavour.call(wire)
        assert secure_server.url in str(caught.value)
        assert "AWS_CA_BUNDLE" in str(caught.value)
        assert not is_transient(caught.value)
    assert secure_server.requests == []
    assert secure_server.accepts == 2
    flavour.close(wire)


@pytest.mark.usefixtures("_trusting")
def test_a_certificate_for_another_host_is_a_mistake(
    authority: trustme.CA, make_wire: MakeWire, flavour: Flavour
) -> None:
    with tls_server(authority, "dynamodb.example.com") as server:
        wire = make_wire(server.url)
        with pytest.raises(ConfigurationError, match="certificate is refused"):
            flavour.sync_clock(wire)
        assert server.requests == []
        flavour.close(wire)


@pytest.mark.usefixtures("_trusting")
def test_a_dot_at_the_end_of_a_name_is_not_part_of_its_certificate(
    authority: trustme.CA,
    make_wire: MakeWire,
    flavour: Flavour,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    look_up = socket.getaddrinfo

    def resolve(host: str, *args: Any, **options: Any) -> Any:
        known = host == "dynamodb.example." and not options.get("flags")
        return look_up("127.0.0.1" if known else host, *args, **options)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    with tls_server(authority, "dynamodb.example") as server:
        wire = make_wire(f"https://dynamodb.example.:{server.port}")
        assert flavour.call(wire) == ITEM
        assert server.requests[0].headers["host"] == f"dynamodb.example.:{server.port}"
        flavour.close(wire)


@pytest.mark.usefixtures("_trusting")
def test_a_certificate_that_is_refused_after_calls_had_succeeded_is_an_outage(
    authority: trustme.CA, make_wire: MakeWire, flavour: Flavour
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with FaultServer(tls=context) as server:
        wire = make_wire(server.url)
        server.default = reply(close=True)
        assert flavour.call(wire) == ITEM
        expired = datetime.now(UTC) - timedelta(days=1)
        authority.issue_cert("127.0.0.1", not_after=expired).configure_cert(context)
        with pytest.raises(Unreachable, match="certificate has expired"):
            flavour.call(wire, seconds=2)
        flavour.close(wire)


@pytest.fixture
def plain_url() -> Iterator[str]:
    """The URL of a server without TLS that answers whatever comes."""

    def answer() -> None:
        with contextlib.suppress(OSError):
            while True:
                sock, _address = listener.accept()
                with sock:
                    sock.recv(4096)
                    sock.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        yield f"https://127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)
    thread.join(5)


def test_an_endpoint_that_does_not_speak_tls_is_a_mistake(
    plain_url: str, make_wire: MakeWire, flavour: Flavour
) -> None:
    wire = make_wire(plain_url)
    with pytest.raises(ConfigurationError, match="the TLS handshake fails"):
        flavour.call(wire)
    flavour.close(wire)


def test_where_botocore_carries_the_calls_it_is_the_same_mistake(
    secure_server: FaultServer, make_wire: MakeWire, flavour: Flavour
) -> None:
    session: Any = botocore.session.Session()
    session.register("before-call.dynamodb", lambda **_event: None)
    wire = make_wire(secure_server.url, session=session)
    with pytest.raises(ConfigurationError, match="certificate is refused"):
        flavour.call(wire)
    flavour.close(wire)


@pytest.mark.parametrize("content", [None, "", "no certificates"])
def test_a_ca_bundle_that_can_not_be_used_is_a_mistake(
    secure_server: FaultServer,
    make_wire: MakeWire,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    content: str | None,
) -> None:
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_text(content)
    monkeypatch.setenv("AWS_CA_BUNDLE", str(path))
    with pytest.raises(ConfigurationError, match=r"ca.pem' can't be used .* AWS_CA_BUNDLE"):
        make_wire(secure_server.url, session=botocore.session.Session())
