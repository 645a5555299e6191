"""Signatures are byte for byte those of botocore's SigV4Auth."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from unittest.mock import patch

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import example, given
from hypothesis import strategies as st

from ddbwire.endpoint import Endpoint
from ddbwire.protocol.request import DynamoDBRequest
from ddbwire.signing.request_writer import RequestWriter
from ddbwire.signing.sigv4 import AccessKeys, CredentialScope, SigningKey, amz_date

SECOND = 1_767_323_045
KEYS = AccessKeys("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", None)
TOKEN_KEYS = AccessKeys("ASIAEXAMPLE", "secret/with+signs=", "FwoGZXIvYXdzE//token+/==" * 20)


def headers_of(request: bytes) -> dict[str, str]:
    head = request.partition(b"\r\n\r\n")[0].decode()
    return dict(line.split(": ", 1) for line in head.split("\r\n")[1:])


def botocore_authorization(
    url: str, region: str, keys: AccessKeys, operation: DynamoDBRequest
) -> str:
    request = AWSRequest(
        method="POST",
        url=url,
        data=operation.body,
        headers={
            "Content-Type": "application/x-amz-json-1.0",
            "X-Amz-Target": f"DynamoDB_20120810.{operation.name}",
        },
    )
    request.context["timestamp"] = amz_date(SECOND)
    credentials = Credentials(keys.access_key, keys.secret_key, keys.token)
    with patch("botocore.auth.get_current_datetime") as now:
        now.return_value = datetime.fromtimestamp(SECOND, UTC)
        SigV4Auth(credentials, "dynamodb", region).add_auth(request)
    return str(request.headers["Authorization"])


def check(url: str, region: str, keys: AccessKeys, operation: DynamoDBRequest) -> None:
    key = SigningKey(CredentialScope(keys, region, amz_date(SECOND)[:8]))
    writer = RequestWriter(Endpoint.of(url).host_header, key, SECOND)
    headers = headers_of(writer.write(operation))
    assert headers["authorization"] == botocore_authorization(url, region, keys, operation)
    assert headers.get("x-amz-security-token") == keys.token
    assert headers["content-length"] == str(len(operation.body))


@pytest.mark.parametrize("keys", [KEYS, TOKEN_KEYS], ids=["no token", "token"])
@pytest.mark.parametrize(
    "url",
    [
        "https://dynamodb.us-east-1.amazonaws.com/",
        "https://dynamodb.us-east-1.amazonaws.com:443/",
        "https://Dynamodb.Example.com:8443/",
        "http://localhost:8000",
        "http://127.0.0.1:80",
        "http://[::1]:8000/",
        "https://[2001:db8::1]/",
    ],
)
def test_authorization_is_botocores(url: str, keys: AccessKeys) -> None:
    check(url, "us-east-1", keys, DynamoDBRequest.of("UpdateItem", {"TableName": "t"}))


texts = st.text(st.characters(exclude_categories=["Cs"]))


@given(
    name=st.sampled_from(["UpdateItem", "GetItem", "Query"]),
    value=texts,
    secret=st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=90),
    token=st.none() | st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1),
    region=st.sampled_from(["us-east-1", "eu-central-1", "cn-north-1"]),
)
@example("UpdateItem", "ключ 鍵 🔑", "s", None, "us-east-1")
@example("PutItem", "x" * 3000, "s", "t", "us-east-1")
@example("GetItem", "", "s", "of  two words", "us-east-1")
def test_authorization_is_botocores_whatever_is_sent(
    name: str, value: str, secret: str, token: str | None, region: str
) -> None:
    operation = DynamoDBRequest(name, json.dumps({"v": value}, ensure_ascii=False).encode())
    keys = AccessKeys("AKIDEXAMPLE", secret, token)
    check("https://dynamodb.us-east-1.amazonaws.com/", region, keys, operation)


def test_keys_do_not_show_their_secrets() -> None:
    assert "secret" not in repr(TOKEN_KEYS)
    assert "token" not in repr(TOKEN_KEYS)


def test_the_time_of_a_signature_is_utc_whatever_the_hosts_time_zone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    try:
        assert amz_date(SECOND) == "20260102T030405Z"
    finally:
        monkeypatch.undo()
        time.tzset()
