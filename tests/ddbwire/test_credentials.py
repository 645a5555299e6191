"""Credentials: read each second, refreshed in the background, renewed when refused."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import FrameType
from typing import Any

import botocore.session
import pytest
from botocore.credentials import (
    Credentials,
    DeferredRefreshableCredentials,
    RefreshableCredentials,
)
from botocore.exceptions import ClientError, CredentialRetrievalError

import ddbwire
from ddbwire import ConfigurationError, DeadlineExceeded, Unreachable, Wire, is_transient
from tests.ddbwire.conftest import MakeWire
from tests.ddbwire.fault_server import ITEM, FaultServer, Request, error, reply
from tests.ddbwire.flavour import UPDATE, Blocking, OnLoop, deadline_in

Flavour = Blocking | OnLoop
EXPIRED = error("ExpiredTokenException", message="The security token included is expired")


HTTP_500 = CredentialRetrievalError(provider="test", error_msg="HTTP 500")


class Issuer:
    """Issues numbered credentials good for ``lifetime_seconds``."""

    def __init__(self, lifetime_seconds: float) -> None:
        self.lifetime_seconds = lifetime_seconds
        self.issued = 0
        self.asked = 0
        self.fails = False
        self.failure: Exception = HTTP_500
        self.gate = threading.Event()
        self.gate.set()

    def issue(self) -> dict[str, str]:
        assert self.gate.wait(10)
        self.asked += 1
        if self.fails:
            raise self.failure
        self.issued += 1
        expiry = datetime.now(UTC) + timedelta(seconds=self.lifetime_seconds)
        return {
            "access_key": f"KEY{self.issued}",
            "secret_key": "secret",
            "token": f"token{self.issued}",
            "expiry_time": expiry.isoformat(),
        }

    def session(self) -> Any:
        session: Any = botocore.session.Session()
        session._credentials = RefreshableCredentials.create_from_metadata(
            self.issue(), self.issue, "test"
        )
        return session


def expire(session: Any) -> None:
    session._credentials._expiry_time = datetime.now(UTC) - timedelta(seconds=1)


def wait_until(happens: Callable[[], bool]) -> None:
    end = time.monotonic() + 5
    while not happens():
        assert time.monotonic() < end
        time.sleep(0.001)


def tokens(server: FaultServer) -> list[str]:
    return [request.headers.get("x-amz-security-token", "") for request in server.requests]


def test_a_token_is_sent(server: FaultServer, make_wire: MakeWire, flavour: Flavour) -> None:
    wire = make_wire(server.url, session=Issuer(3600).session())
    assert flavour.call(wire) == ITEM
    assert tokens(server) == ["token1"]
    flavour.close(wire)


def test_an_expired_token_is_renewed_once_and_sent_again_once(
    server: FaultServer, make_wire: MakeWire, flavour: Flavour
) -> None:
    wire = make_wire(server.url, session=Issuer(3600).session())
    server.script.append(EXPIRED)
    assert flavour.call(wire) == ITEM
    assert tokens(server) == ["token1", "token2"]
    flavour.close(wire)


def test_calls_that_find_a_token_expired_together_share_one_renewal(
    server: FaultServer, make_wire: MakeWire
) -> None:
    issuer = Issuer(3600)
    wire = make_wire(server.url, session=issuer.session())

    def by_token(server: FaultServer, sock: socket.socket, request: Request) -> bool:
        expired = request.headers["x-amz-security-token"] == "token1"
        return (EXPIRED if expired else reply())(server, sock, request)

    server.default = by_token

    async def main() -> list[object]:
        calls = (wire.call_async(UPDATE, deadline_in(5)) for _ in range(8))
        return list(await asyncio.gather(*calls))

    assert asyncio.run(main()) == [ITEM] * 8
    assert issuer.issued == 2


def test_a_token_still_expired_is_raised(
    server: FaultServer, make_wire: MakeWire, flavour: Flavour
) -> None:
    issuer = Issuer(3600)
    wire = make_wire(server.url, session=issuer.session())
    server.default = EXPIRED
    with pytest.raises(ClientError, match="ExpiredToken"):
        flavour.call(wire)
    assert len(server.requests) == issuer.issued == 2
    flavour.close(wire)


def test_a_rewritten_credentials_file_is_found_when_the_old_ones_expire(
    server: FaultServer,
    make_wire: MakeWire,
    flavour: Flavour,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    file = tmp_path / "credentials"
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(file))
    lines = "[default]\naws_access_key_id={0}\naws_secret_access_key=s\naws_session_token={0}\n"
    file.write_text(lines.format("old"))
    wire = make_wire(server.url, session=botocore.session.Session())
    flavour.call(wire)
    file.write_text(lines.format("new"))
    server.script.append(EXPIRED)
    assert flavour.call(wire) == ITEM
    assert tokens(server) == ["old", "old", "new"]
    flavour.close(wire)


@pytest.mark.parametrize("failure", [HTTP_500, ConnectionRefusedError("refused"), TimeoutError()])
def test_a_provider_of_the_applications_own_that_is_not_reached_at_the_start_is_an_outage(
    server: FaultServer, flavour: Flavour, failure: Exception
) -> None:
    issuer = Issuer(lifetime_seconds=3_600)
    issuer.fails, issuer.failure = True, failure
    session: Any = botocore.session.Session()
    session._credentials = DeferredRefreshableCredentials(issuer.issue, "test")
    wire = Wire(session=session, region_name="us-east-1", endpoint_url=server.url)
    with pytest.raises(Unreachable, match="credentials' provider"):
        flavour.resolve(wire)
    issuer.fails = False

    def resolves() -> bool:
        with contextlib.suppress(Unreachable):
            flavour.resolve(wire)
        return wire.resolved

    wait_until(resolves)
    assert flavour.call(wire) == ITEM
    flavour.close(wire)


def test_old_credentials_serve_while_new_ones_are_fetched(
    server: FaultServer, make_wire: MakeWire, flavour: Flavour
) -> None:
    issuer = Issuer(12 * 60)
    session = issuer.session()
    wire = make_wire(server.url, session=session)
    issued = issuer.issued
    issuer.lifetime_seconds = 3600
    issuer.gate.clear()
    start = time.monotonic()
    assert flavour.call(wire) == ITEM
    assert time.monotonic() - start < 1
    assert tokens(server) == [f"token{issued}"]
    issuer.gate.set()
    wait_until(lambda: issuer.issued > issued)
    flavour.close(wire)


class VaultSealed(Exception):
    """What a provider that an application has written may raise."""


@pytest.mark.parametrize(
    "failure",
    [HTTP_500, KeyError("AccessKeyId"), ValueError("no JSON"), VaultSealed("the vault is sealed")],
)
def test_keys_that_have_not_expired_serve_while_new_ones_can_not_be_had(
    server: FaultServer,
    make_wire: MakeWire,
    flavour: Flavour,
    caplog: pytest.LogCaptureFixture,
    failure: Exception,
) -> None:
    issuer = Issuer(5 * 60)
    issuer.failure = failure
    wire = make_wire(server.url, session=issuer.session())
    issuer.fails = True
    issued = issuer.issued

    def warnings() -> list[str]:
        messages = [one.getMessage() for one in caplog.records if one.name == "ddbwire.credentials"]
        # A thread of an earlier test may still ask its own provider in vain.
        return [message for message in messages if str(failure) in message]

    transport: Any = wire._transport
    sender = transport.sender
    source = sender._credentials
    for turn in range(1, 4):
        source._tried_ns -= 10_000_000_000
        sender._writer = None  # as after a second
        assert flavour.call(wire, seconds=0.25) == ITEM
        wait_until(source._refresh.done)
        assert issuer.asked == issued + turn
    assert set(tokens(server)) == {f"token{issued}"}
    (warning,) = warnings()
    assert "the present ones serve until they expire" in warning
    flavour.close(wire)


def test_keys_that_have_not_expired_serve_while_new_ones_are_slow(
    server: FaultServer, make_wire: MakeWire, flavour: Flavour
) -> None:
    issuer = Issuer(60)
    wire = make_wire(server.url, session=issuer.session())
    issuer.gate.clear()
    start = time.monotonic()
    assert flavour.call(wire, seconds=5) == ITEM
    assert time.monotonic() - start < 1
    issuer.gate.set()
    flavour.close(wire)


def test_a_service_that_fails_is_not_asked_at_every_call(
    server: FaultServer, make_wire: MakeWire, flavour: Flavour
) -> None:
    issuer = Issuer(5 * 60)
    wire = make_wire(server.url, session=issuer.session())
    issuer.fails = True
    before = issuer.asked
    transport: Any = wire._transport
    sender = transport.sender
    for _second in range(20):
        sender._writer = None
        assert flavour.call(wire) == ITEM
    wait_until(lambda: issuer.asked > before)
    assert issuer.asked == before + 1
    flavour.close(wire)


@pytest.mark.parametrize("lifetime_seconds", [60, 600, 900])
def test_keys_of_a_short_life_are_not_renewed_at_each_call(
    server: FaultServer, make_wire: MakeWire, flavour: Flavour, lifetime_seconds: float
) -> None:
    """Such as those of a role assumed for 15 minutes, which botocore would renew at each call."""
    issuer = Issuer(lifetime_seconds)
    session = issuer.session()
    wire = make_wire(server.url, session=session)
    transport: Any = wire._transport
    sender = transport.sender
    source = sender._credentials

    def call_after(seconds: float) -> int:
        """Call, and return how often the issuer was asked since the wire was resolved."""
        session._credentials._expiry_time -= timedelta(seconds=seconds)
        source._tried_ns -= 10_000_000_000
        sender._writer = None  # as after a second
        assert flavour.call(wire) == ITEM
        wait_until(source._refresh.done)
        return issuer.asked - resolved

    resolved = issuer.asked
    assert call_after(0) == 1
    assert [call_after(lifetime_seconds / 8) for _ in range(4)] == [1, 1, 1, 1]
    assert call_after(lifetime_seconds / 4) == 2
    assert call_after(0) == 2
    assert tokens(server)[-1] == f"token{issuer.issued}"
    flavour.close(wire)


def test_keys_of_a_short_life_are_read_anew_though_boto3_renews_those_of_the_session(
    server: FaultServer, make_wire: MakeWire, flavour: Flavour
) -> None:
    issuer = Issuer(900)
    session = issuer.session()
    wire = make_wire(server.url, session=session)
    transport: Any = wire._transport
    sender = transport.sender
    source = sender._credentials
    assert flavour.call(wire) == ITEM
    wait_until(source._refresh.done)
    session.get_credentials().get_frozen_credentials()  # as boto3 does at each call
    renewed = issuer.issued
    for _ in range(2):
        source._serves_until_ns -= 900 * 1_000_000_000  # a quarter of an hour later
        source._tried_ns -= 900 * 1_000_000_000
        sender._writer = None
        assert flavour.call(wire) == ITEM
        wait_until(source._refresh.done)
    assert issuer.issued == renewed + 2
    flavour.close(wire)


def test_expired_keys_that_can_not_be_renewed_are_an_outage_until_they_can(
    server: FaultServer, make_wire: MakeWire, flavour: Flavour
) -> None:
    issuer = Issuer(60)
    session = issuer.session()
    wire = make_wire(server.url, session=session)
    issuer.fails = True
    expire(session)
    for _ in range(2):
        with pytest.raises(Unreachable, match="expired and can't be renewed") as caught:
            flavour.call(wire, seconds=0.25)
        assert is_transient(caught.value)
        assert not caught.value.maybe_applied
    assert server.requests == []
    issuer.lifetime_seconds, issuer.fails = 3600, False
    wire._transport.sender._credentials._tried_ns -= 1_000_000_000  # type: ignore[union-attr]
    assert flavour.call(wire) == ITEM
    flavour.close(wire)


def test_calls_wait_for_the_first_keys_after_the_old_ones_but_not_past_the_deadline(
    server: FaultServer, make_wire: MakeWire, flavour: Flavour
) -> None:
    issuer = Issuer(60)
    session = issuer.session()
    wire = make_wire(server.url, session=session)
    issuer.gate.clear()
    expire(session)
    with pytest.raises(DeadlineExceeded, match="credentials have expired") as caught:
        flavour.call(wire, seconds=0.05)
    assert not caught.value.maybe_applied
    assert server.requests == []
    issuer.lifetime_seconds = 3600
    issuer.gate.set()
    assert flavour.call(wire) == ITEM
    assert tokens(server) == [f"token{issuer.issued}"]
    flavour.close(wire)


def test_a_token_called_expired_that_can_not_be_renewed_is_an_outage(
    server: FaultServer, make_wire: MakeWire, flavour: Flavour
) -> None:
    issuer = Issuer(3600)
    wire = make_wire(server.url, session=issuer.session())
    issuer.fails = True
    server.default = EXPIRED
    with pytest.raises(Unreachable, match="can't be renewed"):
        flavour.call(wire, seconds=1)
    flavour.close(wire)


@pytest.mark.parametrize(
    ("member", "name"),
    [("access_key", "access key"), ("secret_key", "secret key"), ("token", "session token")],
)
@pytest.mark.parametrize("end", ["\n", "\r\nx-evil: 1", "\0", "\x7f", "\u2028"])
def test_keys_with_a_control_character_are_refused(
    server: FaultServer, member: str, name: str, end: str, flavour: Flavour
) -> None:
    keys = {"access_key": "AKID", "secret_key": "secret", "token": "token"}
    session: Any = botocore.session.Session()
    session._credentials = Credentials(**(keys | {member: keys[member] + end}))
    wire = Wire(endpoint_url=server.url, region_name="us-east-1", session=session)
    with pytest.raises(ConfigurationError, match=f"the {name} of the credentials") as caught:
        flavour.call(wire)
    assert "secret" not in str(caught.value).replace("secret key", "")
    assert server.requests == []
    flavour.close(wire)


def test_the_signing_key_changes_with_the_day(
    server: FaultServer, make_wire: MakeWire, flavour: Flavour
) -> None:
    wire = make_wire(server.url)
    for hours in (0, 24, 48):
        wire.clock._base_ns += hours * 3_600_000_000_000
        flavour.call(wire)
    days = {request.headers["authorization"].split("/")[1] for request in server.requests}
    dates = {request.headers["x-amz-date"][:8] for request in server.requests}
    assert days == dates
    assert len(days) == 3
    flavour.close(wire)


def test_changed_credentials_are_noticed_within_a_second(
    server: FaultServer, make_wire: MakeWire, flavour: Flavour
) -> None:
    credentials = Credentials("OLD", "secret", "old")
    session: Any = botocore.session.Session()
    session._credentials = credentials
    wire = make_wire(server.url, session=session)
    flavour.call(wire)
    credentials.token = "new"
    wire.clock._base_ns += 1_000_000_000
    flavour.call(wire)
    assert tokens(server) == ["old", "new"]
    flavour.close(wire)


SIGNING = tuple(
    str(Path(ddbwire.__file__).with_name(folder) / name)
    for folder, name in (("signing", "credentials.py"), ("transport", "http_sender.py"))
)


def at_line(at: int, call: Callable[[], object], *then: Callable[[], object]) -> bool:
    """Call, and at line ``at`` of what signs the request do one thing, and another at its end.

    Returns:
        whether the call got to that line.
    """
    passed = 0
    line, signed = then
    is_signed = False

    def tracer(frame: FrameType, event: str, arg: object) -> Any:
        nonlocal passed, is_signed
        if frame.f_code.co_filename not in SIGNING or is_signed:
            return None
        if event == "line":
            passed += 1
            if passed == at:
                line()
        if event == "return" and frame.f_code.co_name == "attempt" and passed >= at:
            is_signed = True
            signed()
        return tracer

    before = sys.gettrace()
    sys.settrace(tracer)
    try:
        call()
    finally:
        sys.settrace(before)
    return passed >= at


def test_no_call_after_a_renewal_is_signed_with_the_keys_from_before(
    server: FaultServer, make_wire: MakeWire
) -> None:
    """At each line of a call in turn, another call is refused and renews the keys."""
    issuer = Issuer(3600)
    wire = make_wire(server.url, session=issuer.session())
    refused: set[str] = set()

    def by_token(server: FaultServer, sock: socket.socket, request: Request) -> bool:
        expired = request.headers["x-amz-security-token"] in refused
        return (EXPIRED if expired else reply())(server, sock, request)

    def call() -> None:
        assert wire.call(UPDATE, deadline_in(5)) == ITEM

    def renew() -> None:
        refused.add(f"token{issuer.issued}")
        call()

    def call_of_another_thread() -> None:
        server.requests.clear()
        call()
        assert tokens(server) == [f"token{issuer.issued}"], f"renewed at line {at}"

    call()
    server.default = by_token
    transport: Any = wire._transport
    at, renewed = 0, True
    while renewed:
        at += 1
        transport.sender._writer = None  # as at each second: the keys are read anew
        transport.sender._credentials._renewed_ns -= 10_000_000_000  # not renewed just now
        renewed = at_line(at, call, renew, call_of_another_thread)
    assert at > 20
