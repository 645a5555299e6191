"""Finding an address that answers, before the deadline."""

from __future__ import annotations

import socket
import threading
import time
from typing import Any

import pytest

from ddbwire import DeadlineExceeded
from tests.ddbwire.conftest import MakeWire
from tests.ddbwire.fault_server import ITEM, FaultServer
from tests.ddbwire.flavour import UPDATE, deadline_in


def test_a_name_is_looked_up(server: FaultServer, make_wire: MakeWire) -> None:
    wire = make_wire(f"http://localhost:{server.port}")
    assert wire.call(UPDATE, deadline_in(5)) == ITEM
    assert server.requests[0].headers["host"] == f"localhost:{server.port}"


def test_the_next_address_is_tried(
    server: FaultServer, make_wire: MakeWire, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        dead_port = listener.getsockname()[1]

    def look_up(host: str, port: int, **options: Any) -> list[Any]:
        if options.get("flags"):
            raise socket.gaierror
        kind = (socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "")
        return [(*kind, ("127.0.0.1", dead_port)), (*kind, ("127.0.0.1", server.port))]

    wire = make_wire("http://dynamodb.example")
    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    assert wire.call(UPDATE, deadline_in(5)) == ITEM


def test_a_look_up_that_hangs_ends_at_the_deadline(
    make_wire: MakeWire, monkeypatch: pytest.MonkeyPatch
) -> None:
    answered = threading.Event()

    def look_up(host: str, port: int, **options: Any) -> list[Any]:
        if not options.get("flags"):
            answered.wait(5)
        raise socket.gaierror

    wire = make_wire("http://dynamodb.example")
    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    start = time.monotonic()
    with pytest.raises(DeadlineExceeded, match="looked up") as caught:
        wire.call(UPDATE, deadline_in(0.1))
    assert time.monotonic() - start < 1
    assert not caught.value.maybe_applied
    answered.set()
