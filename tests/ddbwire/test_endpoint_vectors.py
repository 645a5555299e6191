"""The endpoint and the signing region are those of botocore's client, whatever the settings."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping
from typing import Any

import botocore.session
import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.exceptions import EndpointResolutionError

from ddbwire.endpoint import Endpoint
from ddbwire.resolution.resolve import resolve
from tests.ddbwire import endpoint_vectors

_SETTINGS = {
    "UseFIPS": "AWS_USE_FIPS_ENDPOINT",
    "UseDualStack": "AWS_USE_DUALSTACK_ENDPOINT",
    "AccountId": "AWS_ACCOUNT_ID",
    "AccountIdEndpointMode": "AWS_ACCOUNT_ID_ENDPOINT_MODE",
}
_MINE = "111111111111"
_THEIRS = "arn:{partition}:dynamodb:{region}:222222222222:table/shared"
_PARTITIONS = {
    "us-east-1": "aws",
    "eu-central-1": "aws",
    "cn-north-1": "aws-cn",
    "us-gov-west-1": "aws-us-gov",
    "us-iso-east-1": "aws-iso",
    "local": "aws",
}
_BOTH = (False, True)
_NOT_TAKEN_AS_GIVEN = {"Endpoint", "ResourceArnList", "IsSearchOperation"}


class _Raw:
    def stream(self) -> Iterator[bytes]:
        yield b"{}"


class Settings:
    """Sets the parameters of the endpoint rules as a user would, and asks both where to go."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._monkeypatch = monkeypatch
        self._options: dict[str, Any] = {}
        self.table = "t"

    def set(self, parameters: Mapping[str, Any]) -> None:
        for name, variable in _SETTINGS.items():
            value = parameters.get(name)
            if value is None:
                self._monkeypatch.delenv(variable, raising=False)
            else:
                self._monkeypatch.setenv(variable, str(value).lower())
        self._options = {
            "region_name": parameters.get("Region") or "us-east-1",
            "endpoint_url": parameters.get("Endpoint"),
        }
        listed = parameters.get("ResourceArnList") or ["t"]
        self.table = parameters.get("ResourceArn") or listed[0]

    def wires(self) -> Any:
        """Where the wire goes: scheme, host and port; Host; region. Or why nowhere."""
        try:
            resolution = resolve(
                botocore.session.Session(),
                self._options["region_name"],
                self._options["endpoint_url"],
                1,
                self.table,
            )
        except EndpointResolutionError as error:
            return str(error)
        resolution.client.close()
        assert resolution.fallback_reason is None
        endpoint = resolution.endpoint
        place = (endpoint.secure, endpoint.host, endpoint.port, endpoint.host_header)
        return place, resolution.region

    def botocores(self, operation: str, **parameters: Any) -> Any:
        """Where botocore's client sends an operation."""
        session: Any = botocore.session.Session()
        client = session.create_client("dynamodb", **self._options)
        sent = []

        def stop(request: Any, **_event: Any) -> AWSResponse:
            sent.append(request)
            return AWSResponse(request.url, 200, HTTPHeaders(), _Raw())

        client.meta.events.register("before-send", stop)
        try:
            getattr(client, operation)(**parameters)
        except EndpointResolutionError as error:
            return str(error)
        finally:
            client.close()
        endpoint = Endpoint.of(sent[0].url)
        scope = re.search(rb"Credential=[^/]+/\d+/([^/]+)/", sent[0].headers["Authorization"])
        assert scope is not None
        place = (endpoint.secure, endpoint.host, endpoint.port, endpoint.host_header)
        return place, scope[1].decode()


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch) -> Settings:
    return Settings(monkeypatch)


def generated() -> Iterator[dict[str, Any]]:
    for region, partition in _PARTITIONS.items():
        for fips, dual, account, mode, cross in itertools.product(
            _BOTH, _BOTH, (None, _MINE), (None, "preferred", "disabled", "required"), _BOTH
        ):
            yield {
                "Region": region,
                "UseFIPS": fips,
                "UseDualStack": dual,
                "AccountId": account,
                "AccountIdEndpointMode": mode,
                "ResourceArn": _THEIRS.format(partition=partition, region=region)
                if cross
                else None,
            }


@pytest.mark.parametrize("region", _PARTITIONS)
def test_whatever_is_set_the_wire_goes_where_botocore_goes(settings: Settings, region: str) -> None:
    for parameters in generated():
        if parameters["Region"] == region:
            settings.set(parameters)
            theirs = settings.botocores(
                "update_item", TableName=settings.table, Key={"key": {"S": "k"}}
            )
            assert settings.wires() == theirs, parameters


@pytest.mark.skipif(not endpoint_vectors.cases(), reason=endpoint_vectors.HOW_TO_GET_THEM)
@pytest.mark.parametrize("part", range(8))
def test_each_of_botocores_own_vectors_gives_what_botocore_gives(
    settings: Settings, part: int
) -> None:
    for case in endpoint_vectors.cases()[part::8]:
        parameters = case.get("params", {})
        settings.set(parameters)
        theirs = settings.botocores(
            "update_item", TableName=settings.table, Key={"key": {"S": "k"}}
        )
        assert settings.wires() == theirs, case
        # The rest are of other operations, or of settings that botocore's client overrules.
        if "endpoint" in case["expect"] and not parameters.keys() & _NOT_TAKEN_AS_GIVEN:
            endpoint = Endpoint.of(case["expect"]["endpoint"]["url"])
            (*place, _host), _region = theirs
            assert place == [endpoint.secure, endpoint.host, endpoint.port], case


@pytest.mark.parametrize("mode", ["preferred", "required"])
def test_every_operation_of_a_table_goes_the_same_way(settings: Settings, mode: str) -> None:
    table = _THEIRS.format(partition="aws", region="us-east-1")
    settings.set({"AccountId": _MINE, "AccountIdEndpointMode": mode, "ResourceArn": table})
    key = {"TableName": table, "Key": {"key": {"S": "k"}}}
    put = {"TableName": table, "Item": {"key": {"S": "k"}}}
    ways = [
        settings.botocores("update_item", **key),
        settings.botocores("get_item", **key),
        settings.botocores("delete_item", **key),
        settings.botocores("put_item", **put),
        settings.botocores("query", TableName=table, KeyConditionExpression="a = b"),
        settings.botocores("transact_write_items", TransactItems=[{"Put": put}]),
    ]
    assert ways == [settings.wires()] * 6
    assert "222222222222.ddb.us-east-1.amazonaws.com" in str(ways[0])
