"""What the endpoint refuses: values, retries and botocore's exceptions."""

from __future__ import annotations

import time
from typing import Any

import pytest
from botocore.exceptions import ClientError

from ddbwire import ConditionalCheckFailed, DynamoDBRequest, TransactionCanceled, Wire, is_transient
from tests.ddbwire.fault_server import ITEM, FaultServer, error
from tests.ddbwire.flavour import UPDATE_ONCE, Blocking, OnLoop

Flavour = Blocking | OnLoop


@pytest.mark.parametrize(
    "code",
    ["ProvisionedThroughputExceededException", "ThrottlingException", "RequestLimitExceeded"],
)
def test_a_throttle_is_repeated_even_if_not_repeatable(
    wire: Wire, server: FaultServer, flavour: Flavour, code: str
) -> None:
    server.script.extend([error(code), error(code)])
    assert flavour.call(wire, UPDATE_ONCE) == ITEM
    assert server.accepts == 1


def test_endless_throttling_raises_what_botocore_would(
    wire: Wire, server: FaultServer, flavour: Flavour
) -> None:
    server.default = error("ProvisionedThroughputExceededException", message="slow down")
    with pytest.raises(ClientError, match="slow down") as caught:
        flavour.call(wire)
    assert type(caught.value).__name__ == "ProvisionedThroughputExceededException"
    metadata = caught.value.response["ResponseMetadata"]
    assert len(server.requests) == 8
    assert metadata["RetryAttempts"] == 7
    assert metadata["HTTPStatusCode"] == 400
    assert metadata["RequestId"] == "REQUEST1"
    assert metadata["HTTPHeaders"]["x-amzn-requestid"] == "REQUEST1"
    assert is_transient(caught.value)


def test_pauses_do_not_pass_the_deadline(
    wire: Wire, server: FaultServer, flavour: Flavour, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ddbwire.calls.retry._FIRST_PAUSE_SECONDS", 60)
    monkeypatch.setattr("ddbwire.calls.retry._LONGEST_PAUSE_SECONDS", 60)
    server.default = error("InternalServerError", 500)
    start = time.monotonic()
    with pytest.raises(ClientError):
        flavour.call(wire, seconds=0.2)
    assert time.monotonic() - start < 1


@pytest.mark.parametrize(
    "code", ["ResourceNotFoundException", "ValidationException", "AccessDeniedException"]
)
def test_a_mistake_is_raised_at_once(
    wire: Wire, server: FaultServer, flavour: Flavour, code: str
) -> None:
    server.script.append(error(code, message="no"))
    with pytest.raises(ClientError) as caught:
        flavour.call(wire)
    assert caught.value.response["Error"] == {"Code": code, "Message": "no"}
    assert caught.value.operation_name == "UpdateItem"
    assert not is_transient(caught.value)
    assert len(server.requests) == 1


@pytest.mark.parametrize("item", [{"key": {"S": "k"}, "b": {"B": "AAE="}}, None])
def test_a_refused_condition_is_a_value(
    wire: Wire, server: FaultServer, flavour: Flavour, item: dict[str, object] | None
) -> None:
    more: dict[str, Any] = {} if item is None else {"Item": item}
    server.script.append(error("ConditionalCheckFailedException", **more))
    assert flavour.call(wire) == ConditionalCheckFailed(item)


def test_a_refused_transaction_is_a_value(
    wire: Wire, server: FaultServer, flavour: Flavour
) -> None:
    reasons: list[dict[str, Any]]
    reasons = [{"Code": "None"}, {"Code": "ConditionalCheckFailed", "Item": {"k": {"S": "v"}}}]
    server.script.append(error("TransactionCanceledException", CancellationReasons=reasons))
    operation = DynamoDBRequest.of("TransactWriteItems", {"TransactItems": []})
    assert flavour.call(wire, operation) == TransactionCanceled(reasons)


def test_a_transaction_in_conflict_is_repeated(
    wire: Wire, server: FaultServer, flavour: Flavour
) -> None:
    reasons = [{"Code": "None"}, {"Code": "TransactionConflict"}]
    canceled = error("TransactionCanceledException", CancellationReasons=reasons)
    server.script.append(canceled)
    assert flavour.call(wire, UPDATE_ONCE) == ITEM
    server.default = canceled
    with pytest.raises(ClientError) as caught:
        flavour.call(wire, UPDATE_ONCE)
    assert is_transient(caught.value)


def test_a_transaction_canceled_for_a_mistake_raises(
    wire: Wire, server: FaultServer, flavour: Flavour
) -> None:
    reasons = [{"Code": "ConditionalCheckFailed"}, {"Code": "ValidationError"}]
    server.script.append(error("TransactionCanceledException", CancellationReasons=reasons))
    with pytest.raises(ClientError) as caught:
        flavour.call(wire)
    assert caught.value.response["CancellationReasons"] == reasons
    assert not is_transient(caught.value)
