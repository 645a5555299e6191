"""The table's time, learnt from replies and used to sign."""

from __future__ import annotations

import time

import pytest

from ddbwire import Unreachable, Wire
from tests.ddbwire.fault_server import ITEM, FaultServer, error, hang, reply
from tests.ddbwire.flavour import UPDATE_ONCE, Blocking, OnLoop

Flavour = Blocking | OnLoop


def test_a_signature_refused_for_its_time_is_made_anew_by_the_tables_clock(
    wire: Wire, server: FaultServer, flavour: Flavour
) -> None:
    server.now = lambda: time.time() - 3600
    message = "Signature not yet current: 20260101T000000Z is still later than ..."
    server.script.append(error("InvalidSignatureException", message=message))
    assert flavour.call(wire, UPDATE_ONCE) == ITEM
    hour_ago = time.strftime("%Y%m%dT%H%M", time.gmtime(time.time() - 3600))
    assert server.requests[1].headers["x-amz-date"].startswith(hour_ago)


def test_the_time_is_asked_once_and_its_connection_kept(
    wire: Wire, server: FaultServer, flavour: Flavour
) -> None:
    server.now = lambda: time.time() + 7200
    server.script.append(reply(raw=b"healthy", status=200))
    flavour.ask_time(wire)
    flavour.ask_time(wire)
    assert wire.clock.known
    assert abs(wire.clock.offset_ns - 7_200_000_000_000) < 1_100_000_000
    flavour.call(wire)
    assert server.operations == ["GET", "UpdateItem"]
    assert "authorization" not in server.requests[0].headers
    assert server.accepts == 1
    two_hours_on = time.strftime("%Y%m%dT%H", time.gmtime(time.time() + 7200))
    assert server.requests[1].headers["x-amz-date"].startswith(two_hours_on)


def test_any_reply_tells_the_time(wire: Wire, server: FaultServer, flavour: Flavour) -> None:
    server.script.append(error("MissingAuthenticationTokenException"))
    flavour.ask_time(wire)
    assert wire.clock.uncertainty_ns is not None


def test_an_endpoint_without_a_date_is_asked_once(
    wire: Wire, server: FaultServer, flavour: Flavour
) -> None:
    server.default = reply(date="")
    flavour.ask_time(wire)
    flavour.ask_time(wire)
    assert wire.clock.known
    assert wire.clock.offset_ns == 0
    assert len(server.requests) == 1


def test_no_time_from_an_endpoint_that_is_down(
    wire: Wire, server: FaultServer, flavour: Flavour
) -> None:
    server.default = hang
    with pytest.raises(Unreachable):
        flavour.ask_time(wire, seconds=0.05)
    assert not wire.clock.known
