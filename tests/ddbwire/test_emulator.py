"""A region and credentials are made up for an emulator on this machine, and for nothing else."""

from __future__ import annotations

import boto3
import pytest
from botocore.exceptions import NoCredentialsError, NoRegionError

from ddbwire import DynamoDBRequest, Wire
from ddbwire.resolution.emulator import client_settings, is_loopback
from tests.ddbwire.fault_server import FaultServer
from tests.ddbwire.flavour import deadline_in

READ = DynamoDBRequest.of("GetItem", {"TableName": "t", "Key": {"key": {"S": "k"}}})
MADE_UP = "Credential=local/"


@pytest.fixture
def _nothing_configured(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name)


def signed_as(server: FaultServer, wire: Wire) -> str:
    """The access key, day, region and service that a wire's call is signed for."""
    wire.call(READ, deadline_in(5))
    wire.close()
    return server.requests[-1].headers["authorization"].partition(" ")[2].partition(",")[0]


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://localhost:8000", True),
        ("http://127.0.0.1:8000", True),
        ("http://LOCALHOST:8000", True),
        ("http://127.9.9.9", True),
        ("http://[::1]:8000", True),
        ("http://[::ffff:127.0.0.1]:8000", True),
        ("http://0.0.0.0:8000", True),
        ("http://[::]:8000", True),
        ("http://localhost.:8000", True),
        ("http://dynamodb.localhost:8000", True),
        ("http://[::ffff:10.0.0.1]:8000", False),
        ("http://[fe80::1]:8000", False),
        ("http://notlocalhost:8000", False),
        ("http://host.docker.internal:8000", False),
        ("https://dynamodb.eu-west-1.amazonaws.com", False),
        ("http://localhost.example.com", False),
        ("http://10.0.0.1:8000", False),
    ],
)
def test_which_endpoints_are_loopback(url: str, expected: bool) -> None:
    assert is_loopback(url) is expected


@pytest.mark.usefixtures("_nothing_configured")
def test_both_are_made_up(server: FaultServer) -> None:
    signed = signed_as(server, Wire(endpoint_url=server.url))
    assert signed.startswith(MADE_UP)
    assert "/us-east-1/dynamodb/" in signed


@pytest.mark.usefixtures("_nothing_configured")
def test_an_empty_variable_is_none(server: FaultServer, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION"):
        monkeypatch.setenv(name, "")
    signed = signed_as(server, Wire(endpoint_url=server.url))
    assert signed.startswith(MADE_UP)
    assert "/us-east-1/dynamodb/" in signed


@pytest.mark.usefixtures("_nothing_configured")
def test_a_given_session_is_left_as_it_was(server: FaultServer) -> None:
    session = boto3.Session()
    assert signed_as(server, Wire(session=session, endpoint_url=server.url)).startswith(MADE_UP)
    assert session.get_credentials() is None
    assert session.region_name is None


@pytest.mark.usefixtures("_nothing_configured")
@pytest.mark.parametrize("variable", ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_DYNAMODB"])
def test_a_configured_endpoint_counts(
    server: FaultServer, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, server.url)
    assert signed_as(server, Wire()).startswith(MADE_UP)


def test_what_is_configured_is_used(server: FaultServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    signed = signed_as(server, Wire(endpoint_url=server.url))
    assert signed.startswith("Credential=AKIDEXAMPLE/")
    assert "/eu-west-1/" in signed


def test_only_what_is_missing_is_made_up(
    server: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    signed = signed_as(server, Wire(endpoint_url=server.url))
    assert signed.startswith("Credential=AKIDEXAMPLE/")
    assert "/us-east-1/" in signed


@pytest.mark.usefixtures("_nothing_configured")
@pytest.mark.parametrize("url", [None, "http://dynamodb.example:8000", "http://10.0.0.1:8000"])
def test_elsewhere_nothing_is_made_up(monkeypatch: pytest.MonkeyPatch, url: str | None) -> None:
    wire = Wire(endpoint_url=url)
    with pytest.raises(NoRegionError):
        wire.resolve()
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    with pytest.raises(NoCredentialsError):
        wire.resolve()


@pytest.mark.usefixtures("_nothing_configured")
def test_the_instance_metadata_service_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def ask(fetcher: object) -> dict[str, str]:
        asked.append(fetcher)
        return {}

    monkeypatch.delenv("AWS_EC2_METADATA_DISABLED")
    monkeypatch.setattr(
        "botocore.utils.InstanceMetadataFetcher.retrieve_iam_role_credentials",
        ask,
    )
    assert client_settings(None, None, "http://localhost:8000").defaulted == (
        "credentials",
        "region",
    )
    assert not asked
    assert client_settings(None, "eu-west-1", None).defaulted == ()
    assert asked
