"""What keys a table has, asked after a request that was made for others. Does no I/O.

DynamoDB says of such a request only that it does not match. Who set up the table, or the store,
needs to know both. Asking takes a permission that the stores else have no need of: without it, and
in whatever else fails, the error stays as it is.

Source: AWS, "DescribeTable" in the DynamoDB API Reference.
"""

import json
import re
from collections.abc import Generator, Mapping
from typing import Any

from ddbwire.calls.sender import Sender
from ddbwire.protocol.request import DynamoDBRequest
from ddbwire.steps import Step, StepResult

_OTHER_KEYS = re.compile(
    r"match the schema|key schema element|conditions on the keys|missing the key"
    r"|type mismatch for key|required keys",
    re.IGNORECASE,
)
"""What DynamoDB and its emulators say, all as ValidationException, of a request with other keys."""

_FOUND = "FoundKeySchema"
_KINDS = {"HASH": "the partition key", "RANGE": "the sort key"}


def is_of_other_keys(code: str, message: str) -> bool:
    """Whether an error of DynamoDB says that the table has other keys than the request."""
    return code == "ValidationException" and _OTHER_KEYS.search(message) is not None


def find_key_schema(
    failure: Exception, request: DynamoDBRequest, sender: Sender
) -> Generator[Step, StepResult, None]:
    """Ask for the table's keys, and note them in a failure that is about them.

    Args:
        failure: what the call of the request is about to raise.
        request: the one that was refused.
        sender: what sent it.
    """
    response = getattr(failure, "response", {})
    if not any(is_of_other_keys(*each) for each in _errors(response)):
        return
    table = _table_of(json.loads(request.body))
    asking = DynamoDBRequest.of("DescribeTable", {"TableName": table})
    reply = yield from sender.attempt(asking, new_connection=False)
    described = reply.get("Table") if isinstance(reply, dict) else None
    if isinstance(described, dict) and {"KeySchema", "AttributeDefinitions"} <= described.keys():
        response[_FOUND] = _in_words(described)


def found_key_schema(failure: Exception) -> str | None:
    """The keys that the table was found to have, for a message; None where nobody knows."""
    found: str | None = getattr(failure, "response", {}).get(_FOUND)
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
    """The name in a request, which in a batch and in a transaction stands deeper."""
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
    keys = [
        f"{_KINDS[key['KeyType']]} {key['AttributeName']!r} ({types[key['AttributeName']]})"
        for key in table["KeySchema"]
    ]
    return f"{keys[0]} alone" if len(keys) == 1 else " and ".join(keys)
