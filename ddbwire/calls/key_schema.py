"""Finds the keys of a table after a request with other keys was refused. Does no I/O.

DynamoDB says of such a request only that it does not match. Whoever configures the table needs to
know both. DescribeTable needs a permission that the stores do not need otherwise: without it, or if
it fails, the error stays as it is.

Source: AWS, "DescribeTable" in the DynamoDB API Reference.
"""

import json
import re
from collections.abc import Generator, Mapping
from contextlib import suppress
from typing import Any

from ddbwire.calls.sender import Sender
from ddbwire.errors import response_of
from ddbwire.protocol.request import DynamoDBRequest
from ddbwire.steps import Step, StepResult

_OTHER_KEYS = re.compile(
    r"match the schema|key schema element|conditions on the keys|missing the key"
    r"|type mismatch for key|required keys",
    re.IGNORECASE,
)
"""The messages of DynamoDB and its emulators for it, all of them ValidationExceptions."""

_FOUND = "FoundKeySchema"
_KINDS = {"HASH": "the partition key", "RANGE": "the sort key"}


def is_of_other_keys(code: str, message: str) -> bool:
    """Whether an error says that the table has other keys than the request."""
    return code == "ValidationException" and _OTHER_KEYS.search(message) is not None


def find_key_schema(
    failure: Exception, request: DynamoDBRequest, sender: Sender
) -> Generator[Step, StepResult, None]:
    """If a failure is about the keys, read the table's keys and note them in the failure.

    Args:
        failure: the exception that the call is about to raise.
        request: the request that was refused.
        sender: the sender of the call.
    """
    response = response_of(failure)
    if not any(is_of_other_keys(*each) for each in _errors(response)):
        return
    table = _table_of(json.loads(request.body))
    asking = DynamoDBRequest.of("DescribeTable", {"TableName": table})
    reply = yield from sender.attempt(asking, new_connection=False)
    if isinstance(reply, dict):
        # Anything at the endpoint may have sent it.
        with suppress(AttributeError, LookupError, TypeError, ValueError):
            response[_FOUND] = _in_words(reply["Table"])


def found_key_schema(failure: Exception) -> str | None:
    """The table's keys, for a message; None if they were not found."""
    found: str | None = response_of(failure).get(_FOUND)
    return found


def _errors(response: Mapping[str, Any]) -> list[tuple[str, str]]:
    error = response.get("Error", {})
    in_transaction = [
        ("ValidationException", reason.get("Message") or "")
        for reason in response.get("CancellationReasons") or ()
        if reason.get("Code") == "ValidationError"
    ]
    return [(error.get("Code", ""), error.get("Message", "")), *in_transaction]


def _table_of(parameters: Mapping[str, Any]) -> str:
    """The table's name in a request; batches and transactions have it inside their parts."""
    name: str
    if "TableName" in parameters:
        name = parameters["TableName"]
    elif "RequestItems" in parameters:
        name = next(iter(parameters["RequestItems"]))
    else:
        name = next(iter(parameters["TransactItems"][0].values()))["TableName"]
    return name


def _in_words(table: Mapping[str, Any]) -> str:
    types = {each["AttributeName"]: each["AttributeType"] for each in table["AttributeDefinitions"]}
    partition_key, *sort_key = [
        f"{_KINDS[key['KeyType']]} {key['AttributeName']!r} ({types[key['AttributeName']]})"
        for key in table["KeySchema"]
    ]
    return " and ".join([partition_key, *sort_key]) if sort_key else f"{partition_key} alone"
