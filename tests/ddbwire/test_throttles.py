"""Whom a throttle is about, the key or the table, and what is then sent again."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from ddbwire import KeyThrottled, StoreUnavailable, Wire
from ddbwire.protocol.throttle import is_key_contended, is_key_throttled
from ddbwire.shared.store_errors import store_error
from tests.ddbwire.fault_server import ITEM, FaultServer, error
from tests.ddbwire.flavour import UPDATE, Blocking, OnLoop

Flavour = Blocking | OnLoop
ARN = "arn:aws:dynamodb:us-east-1:123456789012:table/t"
TAKE = UPDATE._replace(retries_throttled_key=False)

KEY_RANGE = [
    f"{resource}{operation}KeyRangeThroughputExceeded"
    for resource in ("Table", "Index")
    for operation in ("Read", "Write")
]
OF_THE_TABLE = [
    f"{resource}{operation}{limit}"
    for resource in ("Table", "Index")
    for operation in ("Read", "Write")
    for limit in (
        "ProvisionedThroughputExceeded",
        "AccountLimitExceeded",
        "MaxOnDemandThroughputExceeded",
    )
]
CODES = ["ProvisionedThroughputExceededException", "ThrottlingException", "RequestLimitExceeded"]


def reasons(code: str, *names: str) -> dict[str, Any]:
    """The member as DynamoDB sends it: ThrottlingException spells it with a small letter."""
    member = "throttlingReasons" if code == "ThrottlingException" else "ThrottlingReasons"
    return {member: [{"reason": name, "resource": ARN} for name in names]}


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("reason", KEY_RANGE)
def test_a_throttle_of_a_key_range_is_the_keys(code: str, reason: str) -> None:
    assert is_key_throttled(code, reasons(code, reason))


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("reason", OF_THE_TABLE)
def test_a_throttle_of_the_table_index_or_account_is_not_the_keys(code: str, reason: str) -> None:
    assert not is_key_throttled(code, reasons(code, reason))


@pytest.mark.parametrize("code", CODES)
def test_of_several_reasons_the_keys_counts(code: str) -> None:
    assert is_key_throttled(code, reasons(code, OF_THE_TABLE[0], KEY_RANGE[0]))
    assert not is_key_throttled(code, reasons(code, OF_THE_TABLE[0], OF_THE_TABLE[1]))


@pytest.mark.parametrize(
    "members",
    [
        {},
        {"ThrottlingReasons": None},
        {"ThrottlingReasons": []},
        {"ThrottlingReasons": "TableWriteProvisionedThroughputExceeded"},
        {"ThrottlingReasons": ["TableWriteProvisionedThroughputExceeded", 7]},
        {"ThrottlingReasons": [{"resource": ARN}, {"reason": None}]},
        {"ThrottlingReasons": [{"reason": "TableWriteOfAKindToCome"}]},
    ],
)
def test_without_a_reason_that_is_known_it_is_the_keys(members: dict[str, Any]) -> None:
    assert is_key_throttled("ThrottlingException", members)
    assert is_key_throttled("ProvisionedThroughputExceededException", members)


def test_the_accounts_quota_is_never_the_keys_unless_the_reason_says_so() -> None:
    assert not is_key_throttled("RequestLimitExceeded", {})
    assert not is_key_contended("RequestLimitExceeded", {})


@pytest.mark.parametrize(
    "code", ["", "500", "InternalServerError", "ValidationException", "AccessDeniedException"]
)
def test_what_is_no_throttle_is_not_the_keys(code: str) -> None:
    assert not is_key_throttled(code, reasons(code, KEY_RANGE[0]))
    assert not is_key_contended(code, reasons(code, KEY_RANGE[0]))


@pytest.mark.parametrize(
    "code", ["ReplicatedWriteConflictException", "TransactionConflictException"]
)
def test_a_conflict_on_an_item_is_about_the_key_and_no_throttle(code: str) -> None:
    assert is_key_contended(code, {})
    assert not is_key_throttled(code, {})


def canceled(*codes: str, **members: Any) -> dict[str, Any]:
    return {"CancellationReasons": [{"Code": code, **members} for code in codes]}


def test_a_canceled_transaction_is_about_its_keys_unless_its_reasons_are_the_tables() -> None:
    code = "TransactionCanceledException"
    assert is_key_contended(code, canceled("None", "ThrottlingError"))
    assert is_key_contended(code, canceled("ProvisionedThroughputExceeded"))
    assert is_key_contended(code, canceled("TransactionConflict", "None"))
    of_the_table = reasons("", OF_THE_TABLE[0])
    assert not is_key_contended(code, canceled("ThrottlingError", **of_the_table))
    assert not is_key_contended(code, canceled("ThrottlingError") | of_the_table)
    assert is_key_contended(code, canceled("ThrottlingError") | reasons("", KEY_RANGE[0]))


@pytest.mark.parametrize("code", ["ProvisionedThroughputExceededException", "ThrottlingException"])
def test_p13_a_take_of_a_throttled_key_is_sent_once(
    wire: Wire, server: FaultServer, flavour: Flavour, code: str
) -> None:
    server.default = error(code, **reasons(code, "TableWriteKeyRangeThroughputExceeded"))
    with pytest.raises(ClientError) as caught:
        flavour.call(wire, TAKE)
    assert len(server.requests) == 1
    assert raised_by_a_store(caught.value, wire) is KeyThrottled


def test_other_requests_of_a_throttled_key_are_sent_again(
    wire: Wire, server: FaultServer, flavour: Flavour
) -> None:
    code = "ThrottlingException"
    server.script.extend([error(code, **reasons(code, KEY_RANGE[1]))] * 2)
    assert flavour.call(wire) == ITEM
    assert len(server.requests) == 3


@pytest.mark.parametrize("code", CODES)
def test_a_take_that_the_table_throttles_is_sent_again(
    wire: Wire, server: FaultServer, flavour: Flavour, code: str
) -> None:
    throttle = error(code, **reasons(code, "TableWriteMaxOnDemandThroughputExceeded"))
    server.script.extend([throttle] * 2)
    assert flavour.call(wire, TAKE) == ITEM
    server.default = throttle
    with pytest.raises(ClientError) as caught:
        flavour.call(wire, TAKE)
    assert raised_by_a_store(caught.value, wire) is StoreUnavailable


def test_a_take_that_conflicts_is_sent_again_and_then_about_its_key(
    wire: Wire, server: FaultServer, flavour: Flavour
) -> None:
    conflict = error("ReplicatedWriteConflictException")
    server.script.append(conflict)
    assert flavour.call(wire, TAKE) == ITEM
    server.default = conflict
    with pytest.raises(ClientError) as caught:
        flavour.call(wire, TAKE)
    assert raised_by_a_store(caught.value, wire) is KeyThrottled


def raised_by_a_store(failure: Exception, wire: Wire) -> type[Exception]:
    return type(
        store_error(
            failure,
            table="t",
            operation="UpdateItem",
            wire=wire,
            keys="",
            permissions="",
            creation="",
        )
    )
