"""Credentials: read each second, refreshed in the background, renewed when refused."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore.credentials import Credentials, RefreshableCredentials
from botocore.exceptions import ClientError

from ddbwire import DeadlineExceeded
from tests.ddbwire.conftest import MakeWire
from tests.ddbwire.fault_server import ITEM, FaultServer, Request, error, reply
from tests.ddbwire.flavour import UPDATE, Blocking, OnLoop, deadline_in

Flavour = Blocking | OnLoop
EXPIRED = error("ExpiredTokenException", message="The security token included is expired")


class Issuer:
    """Issues numbered credentials good for ``lifetime_seconds``."""

    def __init__(self, lifetime_seconds: float) -> None:
        self.lifetime_seconds = lifetime_seconds
        self.issued = 0
        self.gate = threading.Event()
        self.gate.set()

    def issue(self) -> dict[str, str]:
        assert self.gate.wait(10)
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
    end = time.monotonic() + 5
    while issuer.issued == issued:
        assert time.monotonic() < end
        time.sleep(0.001)
    flavour.close(wire)


def test_within_the_mandatory_window_calls_wait_but_not_past_the_deadline(
    server: FaultServer, make_wire: MakeWire, flavour: Flavour
) -> None:
    issuer = Issuer(60)
    wire = make_wire(server.url, session=issuer.session())
    issuer.gate.clear()
    with pytest.raises(DeadlineExceeded, match="credentials") as caught:
        flavour.call(wire, seconds=0.05)
    assert not caught.value.maybe_applied
    assert server.requests == []
    issuer.lifetime_seconds = 3600
    issuer.gate.set()
    assert flavour.call(wire) == ITEM
    assert tokens(server) == [f"token{issuer.issued}"]
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
