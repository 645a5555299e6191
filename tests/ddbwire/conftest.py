from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import botocore.session
import pytest

from ddbwire import Wire
from tests.ddbwire.fault_server import FaultServer
from tests.ddbwire.flavour import Blocking, OnLoop

MakeWire = Callable[..., Wire]


@pytest.fixture(scope="session")
def session() -> Any:
    """One botocore session for all tests: its model cache makes clients cheap."""
    session = botocore.session.Session()
    session.set_credentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
    return session


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ddbwire.calls.retry._FIRST_PAUSE_SECONDS", 0.0005)


@pytest.fixture(params=["blocking", "asyncio", "uvloop"])
def flavour(request: pytest.FixtureRequest) -> Iterator[Blocking | OnLoop]:
    flavour: Blocking | OnLoop
    if request.param == "blocking":
        flavour = Blocking()
    elif request.param == "asyncio":
        flavour = OnLoop(None)
    else:
        flavour = OnLoop(pytest.importorskip("uvloop").new_event_loop)
    yield flavour
    flavour.end()


@pytest.fixture
def server() -> Iterator[FaultServer]:
    with FaultServer() as server:
        yield server


@pytest.fixture
def make_wire(session: Any) -> Iterator[MakeWire]:
    """Makes wires, resolved, and closes them."""
    wires: list[Wire] = []

    def make(endpoint_url: str, **options: Any) -> Wire:
        options.setdefault("session", session)
        wire = Wire(endpoint_url=endpoint_url, region_name="us-east-1", **options)
        wires.append(wire)
        wire.resolve()
        return wire

    yield make
    for wire in wires:
        wire.close()


@pytest.fixture
def wire(server: FaultServer, make_wire: MakeWire, flavour: Blocking | OnLoop) -> Iterator[Wire]:
    """A wire to ``server``, with its connections on ``flavour``'s loop closed in the end."""
    wire = make_wire(server.url)
    yield wire
    flavour.close(wire)
