"""Where the wire goes and when it stands back: as botocore's configuration has it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import boto3
import botocore.client
import botocore.session
import pytest
from botocore.config import Config
from botocore.exceptions import NoCredentialsError, NoRegionError
from moto import mock_aws

from ddbwire import ConfigurationError, DynamoDBRequest, Wire
from ddbwire.endpoint import Endpoint
from ddbwire.protocol.request import OPERATIONS
from ddbwire.resolution.resolve import Resolution, resolve
from tests.ddbwire.fault_server import FaultServer
from tests.ddbwire.flavour import UPDATE, Blocking, OnLoop, deadline_in


@pytest.fixture
def fresh() -> Any:
    return botocore.session.Session()


def resolved(session: Any = None, **options: Any) -> Resolution:
    resolution = resolve(
        session,
        options.get("region_name"),
        options.get("endpoint_url"),
        4,
        options.get("table"),
    )
    resolution.client.close()
    return resolution


def configured(session: Any, **options: Any) -> Resolution:
    session.set_default_client_config(Config(**options))
    return resolved(session)


def test_the_region_names_the_endpoint(fresh: Any) -> None:
    resolution = resolved(fresh, region_name="eu-central-1")
    assert resolution.endpoint == Endpoint(
        url="https://dynamodb.eu-central-1.amazonaws.com/",
        secure=True,
        host="dynamodb.eu-central-1.amazonaws.com",
        port=443,
        host_header="dynamodb.eu-central-1.amazonaws.com",
        tls_name="dynamodb.eu-central-1.amazonaws.com",
        path="",
        query="",
    )
    assert resolution.region == "eu-central-1"
    assert resolution.fallback_reason is None
    assert isinstance(resolution.ca_bundle, str)


def test_botocores_default_chain_is_used_without_a_session() -> None:
    assert resolved().endpoint.host == "dynamodb.us-east-1.amazonaws.com"


def test_a_boto3_session_is_used() -> None:
    session = boto3.Session("key", "secret", "token", region_name="ap-south-1")
    resolution = resolved(session)
    assert resolution.endpoint.host == "dynamodb.ap-south-1.amazonaws.com"
    assert resolution.credentials.frozen.token == "token"


def test_an_endpoint_from_the_environment(fresh: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", "http://[::1]:8000")
    assert resolved(fresh).endpoint.host_header == "[::1]:8000"
    assert resolved(fresh).endpoint.host == "::1"


def test_fips(fresh: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_USE_FIPS_ENDPOINT", "true")
    assert resolved(fresh).endpoint.host == "dynamodb-fips.us-east-1.amazonaws.com"


def test_dual_stack(fresh: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_USE_DUALSTACK_ENDPOINT", "true")
    assert resolved(fresh).endpoint.host == "dynamodb.us-east-1.api.aws"


def test_an_account_id(fresh: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCOUNT_ID", "123456789012")
    assert resolved(fresh).endpoint.host == "123456789012.ddb.us-east-1.amazonaws.com"


def test_a_ca_bundle(fresh: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "requests.pem"))
    assert resolved(fresh).ca_bundle == str(tmp_path / "requests.pem")
    monkeypatch.setenv("AWS_CA_BUNDLE", str(tmp_path / "aws.pem"))
    assert resolved(fresh).ca_bundle == str(tmp_path / "aws.pem")


def test_no_region_is_botocores_error(fresh: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    with pytest.raises(NoRegionError):
        resolved(fresh)


@pytest.mark.parametrize("endpoint_url", [None, "https://dynamodb.eu-west-1.amazonaws.com"])
def test_an_empty_region_is_none(
    fresh: Any, monkeypatch: pytest.MonkeyPatch, endpoint_url: str | None
) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "")
    with pytest.raises(NoRegionError):
        resolved(fresh, endpoint_url=endpoint_url)


def test_a_failure_to_resolve_is_not_remembered(
    monkeypatch: pytest.MonkeyPatch, flavour: Blocking | OnLoop
) -> None:
    wire = Wire(session=botocore.session.Session())
    with monkeypatch.context() as context:
        context.delenv("AWS_ACCESS_KEY_ID")
        context.delenv("AWS_SECRET_ACCESS_KEY")
        with pytest.raises(NoCredentialsError):
            flavour.resolve(wire)
    flavour.resolve(wire)
    assert wire.fallback_reason is None
    wire.close()


@pytest.mark.parametrize("succeeds", [True, False])
def test_threads_that_need_a_resolution_together_share_one(
    monkeypatch: pytest.MonkeyPatch, succeeds: bool
) -> None:
    wire = Wire(endpoint_url="http://127.0.0.1:9")
    waiting, begun = threading.Barrier(4), []

    def slow(*options: Any) -> Resolution:
        begun.append(options)
        time.sleep(0.2)
        if not succeeds:
            raise NoCredentialsError
        return resolve(*options)

    monkeypatch.setattr("ddbwire.resolution.resolve.resolve", slow)
    ends: list[object] = []

    def need() -> None:
        waiting.wait()
        try:
            wire.resolve()
        except NoCredentialsError as error:
            ends.append(type(error))
        else:
            ends.append(wire.resolved)

    threads = [threading.Thread(target=need) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert ends == [True if succeeds else NoCredentialsError] * 4
    assert len(begun) == 1
    wire.close()


@pytest.mark.parametrize(
    "url", ["ftp://host/", "host:8000", "https://", "http://host:0", "http://host:65536"]
)
def test_an_endpoint_is_an_http_url(url: str) -> None:
    with pytest.raises(ValueError, match="must be an http or https URL with a host and, if"):
        Endpoint.of(url)


@pytest.mark.parametrize("address", ["[fe80::1%25en0]", "[fe80::1%en0]", "[fe80::1%252]"])
def test_the_zone_of_an_address_is_for_this_host_alone(address: str) -> None:
    endpoint = Endpoint.of(f"https://{address}:8000")
    assert endpoint.host == f"fe80::1%{address[-2] if '252' in address else 'en0'}"
    assert endpoint.host_header == "[fe80::1]:8000"
    assert endpoint.tls_name == "fe80::1"


@pytest.mark.parametrize(
    "url",
    [
        "user:secret@host",
        "//user:secret@host",
        "http://user:secret #/?@host",
        "http://user:secret@a@b_c",
        "http://user:secret@local_host",
        "http://user:secret@host:port",
        "http://user:secret@host:0",
        "http://user:secret@",
        "http://user:secret@[::1",
    ],
)
def test_no_message_has_the_password_of_an_endpoint(
    fresh: Any, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    with pytest.raises(ValueError) as refused:
        Wire(endpoint_url=url)
    assert "secret" not in str(refused.value)
    monkeypatch.setenv("AWS_ENDPOINT_URL", url)
    with pytest.raises(ConfigurationError) as mistake:
        resolved(fresh)
    assert "secret" not in str(mistake.value)


def test_a_path_declines(fresh: Any) -> None:
    resolution = resolved(fresh, endpoint_url="http://localhost:8000/dynamodb")
    assert resolution.fallback_reason == "endpoint with a path"


@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "https_proxy"])
def test_a_proxy_in_the_environment_declines(
    fresh: Any, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, "http://proxy:3128")
    assert resolved(fresh).fallback_reason == "proxy"
    monkeypatch.setenv("NO_PROXY", "amazonaws.com")
    assert resolved(fresh).fallback_reason is None


def test_a_proxy_for_the_other_scheme_does_not_decline(
    fresh: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://proxy:3128")
    assert resolved(fresh).fallback_reason is None


def test_a_configured_proxy_declines(fresh: Any) -> None:
    assert configured(fresh, proxies={"https": "http://proxy:3128"}).fallback_reason == "proxy"


def test_no_configured_proxy_overrides_the_environment(
    fresh: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy:3128")
    assert configured(fresh, proxies={"http": "http://proxy:3128"}).fallback_reason is None


def test_a_client_certificate_declines(fresh: Any) -> None:
    assert configured(fresh, client_cert="client.pem").fallback_reason == "client certificate"


def test_another_signature_declines(fresh: Any) -> None:
    declined = configured(fresh, signature_version="v4a").fallback_reason
    assert declined == "signature version v4a"


def test_a_query_declines(fresh: Any) -> None:
    resolution = resolved(fresh, endpoint_url="http://localhost:8000?tenant=1")
    assert resolution.fallback_reason == "endpoint with a query"


EVENTS = [
    "provide-client-params",
    "before-parameter-build",
    "before-endpoint-resolution",
    "before-call",
    "request-created",
    "choose-signer",
    "before-sign",
    "before-send",
    "before-parse",
    "response-received",
    "needs-retry",
    "after-call",
    "after-call-error",
]


def look_on(**_event: Any) -> None:
    pytest.fail("a hook was called to find out whether it is there")


class Listener:
    def look_on(self, **_event: Any) -> None:
        look_on()

    def __call__(self, **_event: Any) -> None:
        look_on()


@pytest.mark.parametrize("event", EVENTS)
@pytest.mark.parametrize("service", [".dynamodb.UpdateItem", ".dynamodb", ".*.*", ".*", ""])
def test_a_hook_on_the_session_declines_and_is_not_called(
    fresh: Any, event: str, service: str
) -> None:
    fresh.register(event + service, look_on)
    assert resolved(fresh).fallback_reason == f"{event} hook"


@pytest.mark.parametrize("operation", sorted(OPERATIONS))
def test_a_hook_on_one_operation_declines(fresh: Any, operation: str) -> None:
    fresh.register(f"before-call.dynamodb.{operation}", look_on)
    assert resolved(fresh).fallback_reason == "before-call hook"


@pytest.mark.parametrize("place", ["register", "register_first", "register_last"])
def test_a_hook_declines_wherever_it_stands(place: str) -> None:
    session = boto3.Session()
    getattr(session.events, place)("after-call.dynamodb", look_on)
    assert resolved(session).fallback_reason == "after-call hook"


@pytest.mark.parametrize(
    "hook",
    [Listener(), Listener().look_on, partial(look_on, more=1)],
    ids=["object", "method", "partial"],
)
def test_a_hook_of_any_kind_declines(fresh: Any, hook: Any) -> None:
    fresh.register("needs-retry.dynamodb", hook)
    assert resolved(fresh).fallback_reason == "needs-retry hook"


@pytest.mark.parametrize("event", ["before-call.s3", "before-send.dynamodb.ListTables", "choose"])
def test_a_hook_on_what_is_not_called_does_not_decline(fresh: Any, event: str) -> None:
    fresh.register(event, look_on)
    assert resolved(fresh).fallback_reason is None


def test_a_hook_on_every_client_declines(fresh: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    make = botocore.client.BaseClient.__init__

    def hook_in(client: Any, *args: Any, **options: Any) -> None:
        make(client, *args, **options)
        client.meta.events.register("request-created", look_on)

    monkeypatch.setattr(botocore.client.BaseClient, "__init__", hook_in)
    assert resolved(fresh).fallback_reason == "client class hook"


class Mixin:
    def _make_api_call(self, *_call: Any) -> None:
        pytest.fail("not to be called")


def test_a_client_class_of_anothers_making_declines(fresh: Any) -> None:
    def mix_in(base_classes: list[type], **_event: Any) -> None:
        base_classes.insert(0, Mixin)

    fresh.register("creating-client-class.dynamodb", mix_in)
    assert resolved(fresh).fallback_reason == "client class hook"


def test_a_replaced_method_of_the_client_declines(
    fresh: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        botocore.client.BaseClient, "_make_api_call", lambda *_call: pytest.fail("not to be called")
    )
    assert resolved(fresh).fallback_reason == "client class hook"


def test_a_renamed_table_is_the_one_that_is_asked(fresh: Any, server: FaultServer) -> None:
    def rename(params: Any, **_event: Any) -> None:
        params["TableName"] = "stage-" + params["TableName"]

    fresh.register("provide-client-params.dynamodb", rename)
    wire = Wire(session=fresh, endpoint_url=server.url, region_name="us-east-1", table="t")
    wire.call(UPDATE, deadline_in(20))
    wire.close()
    assert b'"stage-t"' in server.requests[0].body
    assert wire.fallback_reason == "provide-client-params hook"


@pytest.fixture
def moto() -> Iterator[None]:
    with mock_aws():
        yield


@pytest.mark.usefixtures("moto")
def test_moto_is_noticed() -> None:
    assert resolved(botocore.session.Session()).fallback_reason == "before-send hook"


def test_moto_is_forgotten(fresh: Any) -> None:
    assert resolved(fresh).fallback_reason is None


def test_declined_shows_after_resolving(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy:3128")
    wire = Wire(session=botocore.session.Session())
    before = wire.fallback_reason
    assert before is None
    wire.resolve()
    assert wire.fallback_reason == "proxy"
    wire.close()


def test_the_request_is_the_documented_one(server: FaultServer, session: Any) -> None:
    wire = Wire(session=session, endpoint_url=server.url, region_name="us-east-1")
    wire.call(DynamoDBRequest.of("GetItem", {"TableName": "t"}), deadline_in(20))
    wire.call(UPDATE, deadline_in(20))
    wire.close()
    request = server.requests[0]
    assert request.method == "POST"
    assert request.body == b'{"TableName":"t"}'
    assert request.headers["content-type"] == "application/x-amz-json-1.0"
    assert request.headers["x-amz-target"] == "DynamoDB_20120810.GetItem"
    assert request.headers["host"] == f"127.0.0.1:{server.port}"
    assert request.headers["authorization"].startswith("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/")
