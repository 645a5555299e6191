"""Each of botocore's providers: its keys serve while they hold, and are renewed when refused."""

from __future__ import annotations

import hashlib
import json
import socket
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore.credentials import SSOProvider

from ddbwire import Unreachable, Wire
from tests.ddbwire.fault_server import ITEM, FaultServer, Request, error, reply
from tests.ddbwire.flavour import UPDATE, deadline_in

EXPIRED = error("ExpiredTokenException", message="The security token included is expired")
ROLE = "arn:aws:iam::123456789012:role/limits"
START_URL = "https://sso.example.com/start"


class Service:
    """Gives out numbered keys in the form that each provider asks for."""

    def __init__(self, server: FaultServer) -> None:
        self.url = server.url
        self.issued = 0
        self.up = True
        self.lifetime_seconds = 3600.0
        server.default = self.answer

    def answer(self, server: FaultServer, sock: socket.socket, request: Request) -> bool:
        if not self.up:
            return reply({}, 500)(server, sock, request)
        return self._document(request)(server, sock, request)

    def _document(self, request: Request) -> Callable[[FaultServer, socket.socket, Request], bool]:
        if request.method == "PUT":
            return reply(raw=b"a-token-of-imds")
        if request.target.endswith("/security-credentials/"):
            return reply(raw=b"limits")
        self.issued += 1
        expiry = datetime.now(UTC) + timedelta(seconds=self.lifetime_seconds)
        key, stamp = f"KEY{self.issued}", expiry.strftime("%Y-%m-%dT%H:%M:%SZ")
        if "federation" in request.target:
            role = {"accessKeyId": key, "secretAccessKey": "s", "sessionToken": "t"}
            millis = round(expiry.timestamp() * 1000)
            return reply({"roleCredentials": {**role, "expiration": millis}})
        if request.method == "POST":
            action = "AssumeRoleWithWebIdentity" if b"WebIdentity" in request.body else "AssumeRole"
            keys = (
                f"<AccessKeyId>{key}</AccessKeyId><SecretAccessKey>s</SecretAccessKey>"
                f"<SessionToken>t</SessionToken><Expiration>{stamp}</Expiration>"
            )
            return reply(
                raw=(
                    f'<{action}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/">'
                    f"<{action}Result><Credentials>{keys}</Credentials></{action}Result>"
                    f"</{action}Response>"
                ).encode()
            )
        found = {"AccessKeyId": key, "SecretAccessKey": "s", "Token": "t", "Expiration": stamp}
        return reply({"Code": "Success", **found})


@pytest.fixture
def service() -> Iterator[Service]:
    with FaultServer() as server:
        yield Service(server)


class Setting:
    """Sets a provider up as a user does: variables and files."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, folder: Path, service: Service) -> None:
        self._monkeypatch = monkeypatch
        self._folder = folder
        self._service = service
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.delenv(name)

    def container(self) -> None:
        self._set("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"{self._service.url}/keys")

    def imds(self) -> None:
        self._set("AWS_EC2_METADATA_DISABLED", "false")
        self._set("AWS_EC2_METADATA_SERVICE_ENDPOINT", self._service.url)

    def web_identity(self) -> None:
        token = self._file("token", "a-jwt")
        self._set("AWS_WEB_IDENTITY_TOKEN_FILE", token)
        self._set("AWS_ROLE_ARN", ROLE)
        self._set("AWS_ENDPOINT_URL_STS", self._service.url)

    def assume_role(self) -> None:
        self._set("AWS_ENDPOINT_URL_STS", self._service.url)
        self._configure(
            f"role_arn={ROLE}\nsource_profile=source\n[profile source]\n"
            "aws_access_key_id=AKID\naws_secret_access_key=s\n"
        )

    def sso(self) -> None:
        self._set("AWS_ENDPOINT_URL_SSO", self._service.url)
        self._monkeypatch.setattr(SSOProvider, "_SSO_TOKEN_CACHE_DIR", str(self._folder))
        self._configure(
            f"sso_start_url={START_URL}\nsso_region=us-east-1\n"
            "sso_account_id=123456789012\nsso_role_name=limits\n"
        )
        name = hashlib.sha1(START_URL.encode()).hexdigest()
        token = {"accessToken": "token", "expiresAt": "2999-01-01T00:00:00Z"}
        self._file(f"{name}.json", json.dumps(token))

    def process(self) -> None:
        fetch = (
            "import json, urllib.request as r; "
            f"keys = json.load(r.urlopen('{self._service.url}')); "
            "print(json.dumps({'Version': 1, 'SessionToken': keys.pop('Token'), **keys}))"
        )
        program = self._file("keys.py", fetch)
        self._configure(f"credential_process={sys.executable} {program}\n")

    def _configure(self, lines: str) -> None:
        self._set("AWS_CONFIG_FILE", self._file("config", f"[default]\n{lines}"))

    def _file(self, name: str, text: str) -> str:
        path = self._folder / name
        path.write_text(text)
        return str(path)

    def _set(self, name: str, value: str) -> None:
        self._monkeypatch.setenv(name, value)


@pytest.fixture(params=["container", "imds", "web_identity", "assume_role", "sso", "process"])
def _provider(
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    service: Service,
) -> None:
    getattr(Setting(monkeypatch, tmp_path, service), request.param)()


@pytest.fixture(params=["lean", "botocore"])
def wire(request: pytest.FixtureRequest, server: FaultServer) -> Iterator[Wire]:
    # Given one, it asks all of its providers, also for an endpoint on the loopback.
    session: Any = botocore.session.get_session()
    if request.param == "botocore":
        session.register("before-call.dynamodb", lambda **_event: None)
    wire = Wire(endpoint_url=server.url, session=session)
    yield wire
    assert (wire.fallback_reason is None) == (request.param == "lean")
    wire.close()


def keys_used(server: FaultServer) -> list[str]:
    credentials = (request.headers["authorization"] for request in server.requests)
    return [one.partition("Credential=")[2].partition("/")[0] for one in credentials]


def call(wire: Wire, seconds: float = 5.0) -> object:
    return wire.call(UPDATE, deadline_in(seconds))


@pytest.mark.usefixtures("_provider")
def test_keys_that_the_table_calls_expired_are_renewed(
    wire: Wire, server: FaultServer, service: Service
) -> None:
    assert call(wire) == ITEM
    server.script.append(EXPIRED)
    assert call(wire) == ITEM
    before, refused, renewed = keys_used(server)
    assert before == refused != renewed


@pytest.mark.usefixtures("_provider")
def test_keys_with_minutes_left_serve_while_the_service_is_down(
    wire: Wire, server: FaultServer, service: Service
) -> None:
    service.lifetime_seconds = 300
    assert call(wire) == ITEM
    service.up = False
    sender: Any = wire._transport.sender  # type: ignore[union-attr]
    for _second in range(3):
        sender._credentials._tried_ns -= 10_000_000_000
        if wire.fallback_reason is None:
            sender._writer = None  # as after a second
        assert call(wire, seconds=0.5) == ITEM


@pytest.mark.usefixtures("_provider")
def test_expired_keys_are_an_outage_while_the_service_is_down(
    wire: Wire, server: FaultServer, service: Service
) -> None:
    assert call(wire) == ITEM
    service.up = False
    server.default = EXPIRED
    with pytest.raises(Unreachable, match="credentials have expired"):
        call(wire, seconds=1)
