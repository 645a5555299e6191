"""The table's time, learnt from replies and used to sign."""

from __future__ import annotations

import itertools
import time
from email.utils import formatdate

import pytest
from botocore.exceptions import ClientError

from ddbwire import StaleTimestamp, Unreachable, Wire
from tests.ddbwire.fault_server import ITEM, FaultServer, error, hang, reply
from tests.ddbwire.flavour import UPDATE, UPDATE_ONCE, Blocking, OnLoop

Flavour = Blocking | OnLoop


def test_a_signature_refused_for_its_time_is_made_anew_by_the_tables_clock(
    wire: Wire, server: FaultServer, flavour: Flavour
) -> None:
    server.now = lambda: time.time() - 3600
    message = "Signature not yet current: 20260101T000000Z is still later than ..."
    server.script.append(error("InvalidSignatureException", message=message))
    assert flavour.call(wire, UPDATE_ONCE) == ITEM
    hour_ago = time.strftime("%Y%m%dT%H%M", time.gmtime(time.time() - 3600))
    # Between the two, the time is asked for once more: one Date alone moves nothing.
    assert server.operations == ["UpdateItem", "GET", "UpdateItem"]
    assert server.requests[2].headers["x-amz-date"].startswith(hour_ago)


NOT_YET = "Signature not yet current: 20260101T000000Z is still later than ..."
EXPIRED = "Signature expired: 20260101T000000Z is now earlier than ..."
SKEWED = error("InvalidSignatureException", message=EXPIRED)


def suspend(wire: Wire, seconds: float) -> None:
    """As a host does that sleeps: its monotonic clock stands still meanwhile."""
    ns = int(seconds * 1e9)
    wire.clock.monotonic_ns = lambda: time.monotonic_ns() - ns


def test_an_operation_that_rests_on_the_time_is_not_repeated_with_the_old_one(
    wire: Wire, server: FaultServer, flavour: Flavour
) -> None:
    flavour.sync_clock(wire)
    suspend(wire, 3600)
    operation = UPDATE._replace(now_ns=wire.clock.now_ns())
    server.requests.clear()
    server.script.append(SKEWED)
    outcome = flavour.call(wire, operation)
    assert isinstance(outcome, StaleTimestamp)
    assert abs(outcome.behind_ns - 3600e9) < 2e9
    assert server.operations == ["UpdateItem", "GET"]
    assert flavour.call(wire, UPDATE._replace(now_ns=wire.clock.now_ns())) == ITEM


@pytest.mark.parametrize("code", ["RequestExpired", "RequestTimeTooSkewed"])
def test_a_time_that_the_clock_confirms_is_not_changed_by_a_refusal(
    wire: Wire, server: FaultServer, flavour: Flavour, code: str
) -> None:
    flavour.sync_clock(wire)
    operation = UPDATE._replace(now_ns=wire.clock.now_ns())
    server.requests.clear()
    server.script.append(error(code))
    assert flavour.call(wire, operation) == ITEM
    assert server.operations == ["UpdateItem", "GET", "UpdateItem"]
    server.default = error(code)
    with pytest.raises(ClientError, match=code):
        flavour.call(wire, operation)


@pytest.mark.parametrize("seconds", [3600, 250, 30, -3600])
def test_a_refusal_with_a_wrong_date_moves_nothing(
    wire: Wire, server: FaultServer, flavour: Flavour, seconds: float
) -> None:
    flavour.sync_clock(wire)
    wrong = formatdate(time.time() + seconds, usegmt=True)
    kind = {"__type": "x#InvalidSignatureException", "message": NOT_YET}
    server.script.append(reply(kind, 400, date=wrong))
    operation = UPDATE._replace(now_ns=wire.clock.now_ns())
    assert flavour.call(wire, operation) == ITEM
    assert wire.clock.offset_ns == 0


def test_what_an_operation_rests_on_is_looked_at_before_each_attempt(
    wire: Wire, server: FaultServer, flavour: Flavour
) -> None:
    flavour.sync_clock(wire)
    server.requests.clear()
    old = UPDATE._replace(now_ns=wire.clock.now_ns() - 60 * 1_000_000_000)
    outcome = flavour.call(wire, old)
    assert isinstance(outcome, StaleTimestamp)
    assert server.requests == []


def test_dates_that_contradict_each_other_are_no_time(
    wire: Wire, server: FaultServer, flavour: Flavour
) -> None:
    ahead = itertools.count(3600, 600)
    server.now = lambda: time.time() + next(ahead)
    with pytest.raises(Unreachable, match="contradict each other"):
        flavour.sync_clock(wire, seconds=0.5)
    assert not wire.clock.known


def test_the_time_is_asked_once_and_its_connection_kept(
    wire: Wire, server: FaultServer, flavour: Flavour
) -> None:
    server.now = lambda: time.time() + 7200
    server.script.append(reply(raw=b"healthy", status=200))
    flavour.sync_clock(wire)
    flavour.sync_clock(wire)
    assert wire.clock.known
    assert abs(wire.clock.offset_ns - 7_200_000_000_000) < 1_100_000_000
    flavour.call(wire)
    # Twice, as the host's clock is wrong, and one Date alone is not believed.
    assert server.operations == ["GET", "GET", "UpdateItem"]
    assert "authorization" not in server.requests[0].headers
    assert server.accepts == 1
    two_hours_on = time.strftime("%Y%m%dT%H", time.gmtime(time.time() + 7200))
    assert server.requests[2].headers["x-amz-date"].startswith(two_hours_on)


def test_any_reply_tells_the_time(wire: Wire, server: FaultServer, flavour: Flavour) -> None:
    server.script.append(error("MissingAuthenticationTokenException"))
    flavour.sync_clock(wire)
    assert wire.clock.uncertainty_ns is not None


def test_an_endpoint_without_a_date_is_asked_once(
    wire: Wire, server: FaultServer, flavour: Flavour
) -> None:
    server.default = reply(date="")
    flavour.sync_clock(wire)
    flavour.sync_clock(wire)
    assert wire.clock.known
    assert wire.clock.offset_ns == 0
    assert len(server.requests) == 1


def test_no_time_from_an_endpoint_that_is_down(
    wire: Wire, server: FaultServer, flavour: Flavour
) -> None:
    server.default = hang
    with pytest.raises(Unreachable):
        flavour.sync_clock(wire, seconds=0.05)
    assert not wire.clock.known
