"""moto mocks a wire that was resolved before, as a program's import resolves it."""

from __future__ import annotations

import subprocess
import sys

import pytest

_PROGRAM = """
import socket

asked = []

def no_names(host, *_rest, **_options):
    asked.append(host)
    raise socket.gaierror("no names here")

socket.getaddrinfo = no_names
{imports}
import boto3
from ratelimit_ddb import DynamoDBStore, RateLimiter

store = DynamoDBStore("moto")
limiter = RateLimiter(store, "2/hour", on_outage="raise", deadline=5)
store.prepare()
from moto import mock_aws

for _test in range(2):
    with mock_aws():
        boto3.client("dynamodb").create_table(
            TableName="moto",
            KeySchema=[{{"AttributeName": "key", "KeyType": "HASH"}}],
            AttributeDefinitions=[{{"AttributeName": "key", "AttributeType": "S"}}],
            BillingMode="PAY_PER_REQUEST",
        )
        print([limiter.acquire(f"k{{_test}}").allowed for _ in range(3)])
print(asked)
"""


@pytest.mark.parametrize("imports", ["import moto", ""], ids=["imported before", "imported after"])
def test_a_store_prepared_before_the_mock_is_mocked(imports: str) -> None:
    program = _PROGRAM.format(imports=imports)
    ran = subprocess.run(
        [sys.executable, "-c", program], check=False, capture_output=True, text=True, timeout=60
    )
    assert ran.stdout.splitlines() == ["[True, True, False]"] * 2 + ["[]"], ran.stderr
