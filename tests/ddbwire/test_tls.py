"""TLS: whom it trusts, and that connections are reused under it."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from ddbwire import Unreachable
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
    flavour.ask_time(wire)
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


def test_an_unknown_authority_is_refused(
    secure_server: FaultServer, make_wire: MakeWire, flavour: Flavour
) -> None:
    wire = make_wire(secure_server.url)
    with pytest.raises(Unreachable, match="CERTIFICATE_VERIFY_FAILED") as caught:
        flavour.call(wire)
    assert not caught.value.maybe_applied
    assert secure_server.requests == []
    flavour.close(wire)


@pytest.mark.usefixtures("_trusting")
def test_a_certificate_for_another_host_is_refused(
    authority: trustme.CA, make_wire: MakeWire, flavour: Flavour
) -> None:
    with tls_server(authority, "dynamodb.example.com") as server:
        wire = make_wire(server.url)
        with pytest.raises(Unreachable, match="CERTIFICATE_VERIFY_FAILED"):
            flavour.call(wire)
        assert server.requests == []
        flavour.close(wire)
