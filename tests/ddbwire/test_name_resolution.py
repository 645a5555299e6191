"""A name that does not resolve: a mistake at first, an outage once calls have succeeded."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from typing import Any

import botocore.session
import pytest

from ddbwire import ConfigurationError, DeadlineExceeded, Unreachable, is_transient
from tests.ddbwire.conftest import MakeWire
from tests.ddbwire.fault_server import ITEM, FaultServer, reply
from tests.ddbwire.flavour import Blocking, OnLoop

Flavour = Blocking | OnLoop


@pytest.fixture(params=["blocking", "asyncio"])
def flavour(request: pytest.FixtureRequest) -> Iterator[Flavour]:
    """Not uvloop's own look-up, which can't be replaced."""
    flavour = Blocking() if request.param == "blocking" else OnLoop(None)
    yield flavour
    flavour.end()


class Names:
    """Answers look-ups of names; numbers are left to the system."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.error: int | None = None
        self.seconds = 0.0
        self._look_up: Any = socket.getaddrinfo
        monkeypatch.setattr(socket, "getaddrinfo", self.look_up)

    def look_up(self, host: Any, port: Any, *rest: Any, **options: Any) -> Any:
        if host != "table.example.com":
            return self._look_up(host, port, *rest, **options)
        if options.get("flags", 0) & socket.AI_NUMERICHOST:
            raise socket.gaierror(socket.EAI_NONAME, "not a number")
        time.sleep(self.seconds)
        if self.error is not None:
            raise socket.gaierror(self.error, "no such name, it says")
        return self._look_up("127.0.0.1", port, *rest, **options)


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Names:
    return Names(monkeypatch)


def hooked() -> Any:
    session: Any = botocore.session.Session()
    session.register("before-call.dynamodb", lambda **_event: None)
    return session


@pytest.fixture(params=["lean", "botocore"])
def session(request: pytest.FixtureRequest) -> Any:
    """With and without a hook, for which botocore carries the calls."""
    return hooked() if request.param == "botocore" else botocore.session.Session()


def url_of(server: FaultServer) -> str:
    return f"http://table.example.com:{server.port}"


def test_a_name_that_does_not_exist_is_a_mistake(
    server: FaultServer, make_wire: MakeWire, flavour: Flavour, names: Names, session: Any
) -> None:
    names.error = socket.EAI_NONAME
    wire = make_wire(url_of(server), session=session)
    for _ in range(2):
        with pytest.raises(ConfigurationError, match="host name does not resolve") as caught:
            flavour.call(wire)
        assert "table.example.com" in str(caught.value)
        assert "check the region and the endpoint URL" in str(caught.value)
        assert not is_transient(caught.value)
    flavour.close(wire)


def test_a_name_that_does_not_exist_is_a_mistake_though_the_resolver_is_slow_to_say_so(
    server: FaultServer, make_wire: MakeWire, flavour: Flavour, names: Names
) -> None:
    names.error, names.seconds = socket.EAI_NONAME, 0.3
    wire = make_wire(url_of(server), session=botocore.session.Session())
    with pytest.raises(DeadlineExceeded, match="looked up"):
        flavour.call(wire, seconds=0.1)
    time.sleep(0.4)
    with pytest.raises(ConfigurationError, match="host name does not resolve"):
        flavour.call(wire, seconds=0.1)
    names.error = None
    assert flavour.call(wire, seconds=2) == ITEM
    flavour.close(wire)


def test_a_name_that_stops_resolving_is_an_outage(
    server: FaultServer, make_wire: MakeWire, flavour: Flavour, names: Names, session: Any
) -> None:
    server.default = reply(close=True)
    wire = make_wire(url_of(server), session=session)
    assert flavour.call(wire) == ITEM
    names.error = socket.EAI_NONAME
    with pytest.raises(Unreachable):
        flavour.call(wire, seconds=0.5)
    names.error = None
    assert flavour.call(wire) == ITEM
    flavour.close(wire)


def test_a_name_server_that_does_not_answer_is_an_outage(
    server: FaultServer, make_wire: MakeWire, flavour: Flavour, names: Names
) -> None:
    names.error = socket.EAI_AGAIN
    wire = make_wire(url_of(server))
    with pytest.raises(Unreachable):
        flavour.call(wire, seconds=0.25)
    flavour.close(wire)
